"""Data that is missing, torn or of another layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.core.store import RunState, open_run
from tests.core.cli.tool import PARTS, Tool, assert_refused, only_run
from tests.plugins.tasks.images.writing import NAMES, pngs, write, write_plain

SEARCH = ("search", "--space", f"{PARTS}:Cell", "--proxy", f"{PARTS}:Reading", "--task", "images")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def test_a_folder_that_is_not_there(tool: Tool) -> None:
    assert_refused(tool(*SEARCH, "--data", "nowhere"), 1, "there is no folder", "Expected Parquet files")


def test_a_folder_that_is_empty(tool: Tool, data: Path) -> None:
    assert_refused(tool(*SEARCH, "--data", data), 1, "is empty. Expected Parquet files")


def test_a_folder_of_another_layout(tool: Tool, data: Path) -> None:
    for name in NAMES:
        (data / name).mkdir()
        (data / name / "1.png").write_bytes(pngs(1)[0])
    assert_refused(tool(*SEARCH, "--data", data), 1, "holds pictures as files, which are not read.")


def test_a_file_that_was_truncated(tool: Tool, data: Path) -> None:
    write_plain(data)
    file = data / "train-00000-of-00001.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    assert_refused(tool(*SEARCH, "--data", data), 1, "train-00000-of-00001.parquet")


@pytest.mark.slow
def test_a_torn_image_ends_the_run_which_is_kept(tool: Tool, data: Path) -> None:
    """It shows when it is read. The run says how it ended, and what was scored before it stays."""
    images = pngs(400)
    images[317] = images[317][:40]
    write(data / "train-00000-of-00001.parquet", images, [n % 3 for n in range(400)])
    result = tool(*SEARCH, "--data", data, "--strategy", "random")
    assert (result.code, result.out) == (1, "")
    begun, kept, error = result.err.splitlines()
    folder = only_run()
    assert begun == f"run {folder.name} in runs"
    assert kept == f"The search ended early. What was scored is kept; go on with:  automl resume {folder}"
    assert error.startswith("automl: error: ")
    assert "row 317" in error
    run = open_run(folder)
    assert run.state is RunState.FAILED
    assert "row 317" in run.manifest.reason
    assert run.count() == len(list(run.rows()))


def test_the_data_is_found_from_elsewhere(
    tool: Tool, data: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative folder is one of the place in which it was typed."""
    write_plain(data)
    monkeypatch.chdir(data.parent)
    assert tool(*SEARCH, "--data", "data", "--trials", "2", "--out", place / "runs").code == 0
    monkeypatch.chdir(place)
    assert tool("resume", "last", "--trials", "4").code == 0
