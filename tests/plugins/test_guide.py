"""The plugin author's guide, done as it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from automl.plugins.tasks.images import Images, ImagesOptions
from tests.plugins.tasks.images.writing import NAMES, encoded, pixels

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_GUIDE = _BLOCK.findall((ROOT / "plugins" / "README.md").read_text(encoding="utf-8"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The guide's files; those of one name are put together. Its plugin is installed as pip would."""
    for kind, text in _GUIDE:
        if kind == "python":
            name, _, code = text.removeprefix("# ").partition("\n")
            with (tmp_path / name).open("a", encoding="utf-8") as file:
                file.write(code)
        elif kind == "toml":
            project = tomllib.loads(text)["project"]
            installed = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
            installed.mkdir()
            metadata = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
            (installed / "METADATA").write_text(metadata, encoding="utf-8")
            entries = [f"{name} = {module}" for name, module in project["entry-points"]["automl"].items()]
            lines = "\n".join(["[automl]", *entries, ""])
            (installed / "entry_points.txt").write_text(lines, encoding="utf-8")
    return tmp_path


def run(folder: Path, *command: str, **environment: str) -> str:
    path = os.pathsep.join([str(folder), str(ROOT)])
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def automl(folder: Path, *arguments: str, **environment: str) -> str:
    return run(folder, "-c", "from automl.core.cli import main; main()", *arguments, **environment)


def commands() -> list[list[str]]:
    """The guide's own calls of ``automl``."""
    lines = [line for kind, text in _GUIDE if kind == "sh" for line in text.splitlines()]
    return [line.split()[1:] for line in lines if line.startswith("automl ")]


def test_the_plugin_is_listed(folder: Path) -> None:
    listed = json.loads(automl(folder, "plugins", "--json"))
    found = {plugin["name"]: plugin for plugin in listed["plugins"]}["mlp"]
    assert found["distribution"] == "automl-mlp"
    assert found["registered"] == [{"kind": "space", "name": "mlp"}]
    assert found["error"] == ""
    without = json.loads(automl(folder, "plugins", "--json", AUTOML_PLUGINS=""))
    assert "mlp" not in {plugin["name"] for plugin in without["plugins"]}


def test_there_are_commands_to_try() -> None:
    assert [arguments[0] for arguments in commands()] == ["search", "plugins", "search", "search", "search"]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(5))
def test_the_commands_run(folder: Path, shared: Path, number: int) -> None:
    (folder / "cifar10").symlink_to(shared / "data" / "cifar10")
    arguments = commands()[number]
    if arguments[0] == "search":
        arguments = [*arguments, "--trials", "3"]
    assert automl(folder, *arguments)


@pytest.mark.slow
def test_the_tests_pass(folder: Path) -> None:
    assert " passed" in run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mlp.py")


def test_class_folders_become_a_data_set(folder: Path) -> None:
    for label, name in enumerate(NAMES):
        (folder / "pictures" / name).mkdir(parents=True)
        for number in range(label + 1):
            content = encoded(pixels(10 * label + number))
            (folder / "pictures" / name / f"{number}.png").write_bytes(content)
    run(folder, "write_images.py", "pictures", "data set")
    task = Images(ImagesOptions(data=str(folder / "data set")))
    split = task.split("train")
    assert task.class_names == NAMES
    assert split.inputs.shape == (6, 3, 6, 6)
    assert split.labels is not None
    assert split.labels.tolist() == [0, 1, 1, 2, 2, 2]
