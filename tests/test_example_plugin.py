"""The example plugin, installed and used as anybody's is."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import site
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from automl.core.registry import load_registry
from automl.testing import EvaluatorContract, SpaceContract

EXAMPLE = Path(__file__).parent / "example_plugin"
MODULE = EXAMPLE / "automl_towers.py"
BUILT_IN = load_registry(only=[])


class TestTowers(SpaceContract):
    space = BUILT_IN.find("space", f"{MODULE}:Towers")


class TestSpread(EvaluatorContract):
    evaluator = BUILT_IN.find("evaluator", f"{MODULE}:Spread")


def test_it_is_short() -> None:
    lines = [line for line in MODULE.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) < 40


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that sees what this one has, and in which the example is installed."""
    folder = tmp_path_factory.mktemp("example")
    environment = folder / "environment"
    venv.EnvBuilder(with_pip=False).create(environment)
    python = environment / "bin" / "python"
    [packages] = environment.glob("lib/python*/site-packages")
    theirs = [path for path in (*site.getsitepackages(), site.getusersitepackages()) if Path(path).is_dir()]
    # Their .pth files have to be read too: an editable install is one.
    (packages / "theirs.pth").write_text(
        "".join(f"import site; site.addsitedir({path!r})\n" for path in theirs)
    )
    shutil.copytree(
        EXAMPLE, folder / "source", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    )
    # With setuptools at hand, nothing need be downloaded.
    at_hand = ["--no-build-isolation"] if importlib.util.find_spec("setuptools") else []
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", *at_hand]
    done = subprocess.run([*pip, str(folder / "source")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return python


def automl(python: Path, *arguments: str, cwd: Path, **environment: str) -> Any:
    """What ``automl … --json`` prints."""
    variables: Mapping[str, str] = {
        name: value for name, value in os.environ.items() if not name.startswith(("AUTOML_", "PYTHON"))
    }
    done = subprocess.run(
        [python, "-c", "from automl.core.cli import main; main()", *arguments, "--json"],
        cwd=cwd,
        env={**variables, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_it_is_listed_beside_the_built_in_parts(python: Path, tmp_path: Path) -> None:
    listed = {plugin["name"]: plugin for plugin in automl(python, "plugins", cwd=tmp_path)["plugins"]}
    assert listed["towers"] == {
        "name": "towers",
        "distribution": "automl-towers",
        "version": "0.1",
        "built_in": False,
        "api": 1,
        "registered": [{"kind": "space", "name": "towers"}, {"kind": "evaluator", "name": "spread"}],
        "error": "",
    }
    assert listed["searchspaces"]["built_in"]


@pytest.mark.slow
def test_its_space_is_searched_by_its_proxy(python: Path, tmp_path: Path) -> None:
    arguments = ("search", "--space", "towers", "--proxy", "spread", "--trials", "5")
    found = automl(python, *arguments, cwd=tmp_path)
    assert Path(found["folder"], "run.json").is_file()
    manifest = json.loads(Path(found["folder"], "run.json").read_text(encoding="utf-8"))
    assert manifest["settings"]["space"] == {"name": "towers"}
    assert manifest["plugins"]["space towers"].startswith("automl-towers 0.1")
    assert manifest["plugins"]["evaluator spread"].startswith("automl-towers 0.1")


@pytest.mark.slow
@pytest.mark.parametrize(("space", "proxy"), [("towers", "ntk"), ("nasbench201", "spread")])
def test_its_parts_go_with_the_built_in_ones(python: Path, tmp_path: Path, space: str, proxy: str) -> None:
    arguments = ("search", "--space", space, "--proxy", proxy, "--trials", "2", "--quiet")
    assert automl(python, *arguments, cwd=tmp_path)["run"]


@pytest.mark.slow
def test_it_may_be_left_out(python: Path, tmp_path: Path) -> None:
    listed = automl(python, "plugins", cwd=tmp_path, AUTOML_PLUGINS="")["plugins"]
    assert "towers" not in {plugin["name"] for plugin in listed}
