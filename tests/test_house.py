"""The layout, the packaging, and what may be imported where."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("core", "plugins", "searchspaces", "evaluators")
HEAVY = ("torch", "ray", "pandas", "optuna", "pyarrow")


def python(code: str, *, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: nothing says which files belong to the project")
    return [Path(line) for line in listed.stdout.splitlines()]


def test_the_top_level_is_as_agreed() -> None:
    agreed = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"}
    agreed |= {"automl", "tests", "deploy", *FOLDERS}
    assert {path.parts[0] for path in tracked() if not path.parts[0].startswith(".")} == agreed


@pytest.mark.parametrize("folder", [*FOLDERS, "tests", "deploy"])
def test_every_folder_says_what_lives_in_it(folder: str) -> None:
    assert (ROOT / folder / "README.md").read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_links_are_relative(folder: str) -> None:
    link = ROOT / "automl" / folder
    assert os.readlink(link) == f"../{folder}"
    assert link.resolve() == ROOT / folder


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_under_its_bare_name_is_refused(folder: str) -> None:
    result = python(f"import {folder}")
    assert result.returncode == 1
    assert f"import automl.{folder} instead of {folder}" in result.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import automl, automl.core.contracts, automl.core.errors, automl.core.hookspecs",
        "from automl.core.registry import load_registry; load_registry(only=[])",
        "from automl.core.settings import Settings",
    ],
)
def test_what_a_plugin_or_a_help_text_needs_is_light(code: str) -> None:
    result = python(f"{code}\nimport sys\nprint([m for m in {HEAVY} if m in sys.modules])")
    assert result.stdout == "[]\n", result.stdout + result.stderr


def test_the_public_face_is_complete() -> None:
    import automl

    for name in automl.__all__:
        assert getattr(automl, name) is not None
    assert sorted(automl.__all__) == dir(automl)
    with pytest.raises(AttributeError, match="no attribute 'serch'"):
        automl.__getattr__("serch")


def test_the_readme_opens_with_two_commands_and_ci_runs_the_second() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("python3 -m venv .venv && ")]
    assert len(commands) == 2
    assert commands[0].endswith("automl search --space nasbench201 --proxy ntk")
    assert commands[1].endswith("&& .venv/bin/pytest")
    assert not [line for line in lines if re.search(r"\b[A-Z]+_(OUTPUT|TABLE|SENTENCE)\b", line)]
    assert (ROOT / "core" / "report" / "search.svg").is_file()
    assert all("-c deploy/constraints.txt" in command for command in commands)
    assert "&& .venv/bin/pytest$" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_no_python_file_has_outgrown_its_subject() -> None:
    for path in tracked():
        if path.suffix == ".py" and (ROOT / path).exists():
            lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
            assert lines <= 450, f"{path} has {lines} lines"


def test_import_linter_sees_a_rule_that_is_broken(tmp_path: Path) -> None:
    """The rules are kept by a tool: it has to find what is planted, through the links."""
    planted = tmp_path / "automl"
    planted.mkdir()
    (planted / "__init__.py").touch()
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
        (planted / folder).symlink_to(f"../{folder}")
    (tmp_path / "core" / "bad.py").write_text("import automl.searchspaces\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.importlinter]\nroot_packages = ["automl"]\n'
        '[[tool.importlinter.contracts]]\nname = "core"\ntype = "forbidden"\n'
        'source_modules = ["automl.core"]\nforbidden_modules = ["automl.searchspaces"]\n'
    )
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [lint],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert result.returncode != 0
    assert "automl.core.bad -> automl.searchspaces" in result.stdout


@pytest.mark.slow
def test_a_wheel_holds_everything_and_runs(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "-q", "-w", str(tmp_path)],
        cwd=ROOT,
        check=True,
    )
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    missing = [
        str(path)
        for path in tracked()
        if path.parts[0] in FOLDERS and path.suffix == ".py" and f"automl/{path}" not in names
    ]
    assert missing == []
    assert "automl/py.typed" in names
    site = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(wheel)],
        check=True,
    )
    environment = {**os.environ, "PYTHONPATH": str(site)}
    code = "import automl; print(automl.__file__)\nfrom automl.core.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-P", "-c", code,
         "score", "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|", "--space", "nasbench201",
         "--proxy", "params"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert str(site) in result.stdout
