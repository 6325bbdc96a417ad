"""The tool in this process, in an empty folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from automl.core.cli import main
from tests.core.cli.tool import Result, Tool


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, where no settings come from outside and no stranger's plugin is loaded."""
    for name in os.environ:
        if name.startswith("AUTOML_") and name != "AUTOML_SHARED":
            monkeypatch.delenv(name)
    monkeypatch.setenv("AUTOML_PLUGINS", "")
    monkeypatch.delenv("COLUMNS", raising=False)
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def tool(capsys: pytest.CaptureFixture[str]) -> Tool:
    """Runs the tool in this process."""

    def call(*arguments: object) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert isinstance(stop.value.code, int)
        return Result(stop.value.code, out, err)

    return call
