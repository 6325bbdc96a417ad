"""Runs that are not there, damaged, too new, busy; disks that are full."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from automl.core.store import Row, RunState, open_run
from tests.core.cli.tool import CELLS, PARTS, Tool, begin, only_run, run, wait_for_part

SLOW = (*CELLS, "--strategy", "random", "--set", f"proxy.{PARTS}:Convolutions.pause=0.02")
COMMANDS = [["show"], ["show", "--json"], ["resume"], ["runs", "compact"]]


@pytest.fixture
def finished(tool: Tool) -> Path:
    """The folder of a run that has ended."""
    assert tool("search", *CELLS, "--trials", "5").code == 0
    return only_run()


def said(tool: Tool, *arguments: object) -> str:
    """What a command says that cannot do its work."""
    result = tool(*arguments)
    assert (result.code, result.out) == (1, "")
    assert len(result.err.splitlines()) == 1
    assert result.err.startswith("automl: error: ")
    return result.err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_run_that_does_not_exist(tool: Tool, command: list[str]) -> None:
    assert "there is no run 'nope': there are none in 'runs'." in said(tool, *command, "nope")
    assert "there is no run in 'runs' yet. Begin one: automl search" in said(tool, *command, "last")
    assert not Path("runs").exists()


def test_a_run_with_a_mistyped_name(tool: Tool, finished: Path) -> None:
    name = finished.name
    assert f"did you mean {name}?" in said(tool, "show", name.replace("cell", "sell"))
    assert tool("show", name[:15]).out == tool("show", finished).out == tool("show", "last").out


@pytest.mark.parametrize("command", COMMANDS)
def test_a_run_that_is_damaged(tool: Tool, finished: Path, command: list[str]) -> None:
    manifest = finished / "run.json"
    manifest.write_bytes(manifest.read_bytes()[:200])
    assert "run.json' is torn: it is not JSON" in said(tool, *command, finished)


def test_a_part_that_is_damaged(tool: Tool, finished: Path) -> None:
    [part] = finished.glob("trials/*.parquet")
    part.write_bytes(part.read_bytes()[:-20])
    for command in ("show", "resume"):
        assert part.name in said(tool, command, finished)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_run_of_a_newer_version(tool: Tool, finished: Path, command: list[str]) -> None:
    manifest = finished / "run.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema_version": 99}))
    message = said(tool, *command, finished)
    assert "has schema version 99; this software reads up to 1." in message
    assert "pip install --upgrade automl-search" in message


def test_the_list_shows_what_cannot_be_read(tool: Tool, finished: Path) -> None:
    damaged = finished.with_name("20200101-000000-torn")
    damaged.mkdir()
    (damaged / "run.json").write_text("{")
    result = tool("runs")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[2].split()[:3] == [finished.name, "finished", "5"]
    assert lines[3].split() == [damaged.name, "unreadable", "-"]
    assert f"{damaged.name} cannot be read: " in result.err
    first, second = tool("runs", "--json").json
    assert (first["run"], first["trials"], first["problem"]) == (finished.name, 5, "")
    assert (second["run"], second["trials"]) == (damaged.name, None)
    assert "is torn" in second["problem"]


def test_the_list_goes_on_after_a_run_without_settings(tool: Tool, finished: Path) -> None:
    damaged = finished.with_name("20200101-000000-empty")
    (damaged / "trials").mkdir(parents=True)
    content = json.loads((finished / "run.json").read_text()) | {"settings": {}}
    (damaged / "run.json").write_text(json.dumps(content))
    first, second = tool("runs", "--json").json
    assert (first["run"], first["problem"]) == (finished.name, "")
    assert (second["run"], second["state"]) == (damaged.name, "unreadable")
    assert "settings" in second["problem"]


def test_runs_are_not_kept_at_an_address(tool: Tool) -> None:
    for command in (("search", *CELLS, "--trials", "5"), ("runs",)):
        result = tool(*command, "--out", "s3://bucket/runs")
        assert (result.code, result.out) == (2, "")
        assert "local folders so far, got 's3://bucket/runs': give a path, such as --out runs" in result.err
        assert len(result.err.splitlines()) == 1
    assert not Path("s3:").exists()


def test_fewer_trials_than_there_are(tool: Tool, finished: Path) -> None:
    result = tool("resume", finished, "--trials", "3")
    assert (result.code, result.out) == (2, "")
    assert "has 5 trials: it cannot go on to 3 in all." in result.err
    assert open_run(finished).state is RunState.FINISHED


def test_another_version_of_a_part_needs_to_be_adopted(tool: Tool, place: Path) -> None:
    mine = place / "mine.py"
    mine.write_text(PARTS.read_text())
    assert (
        tool("search", "--space", "mine.py:Cell", "--proxy", "mine.py:Convolutions", "--trials", "5").code
        == 0
    )
    mine.write_text(PARTS.read_text() + "\n# changed\n")
    message = said(tool, "resume", "last", "--trials", "8")
    assert "cannot be replayed here: " in message
    assert "Go on from the record with --adopt, or start a new run." in message
    assert tool("resume", "last", "--trials", "8", "--adopt").code == 0
    assert "notes             adopted from trial 5 on: " in tool("show", "last").out


@pytest.mark.slow
def test_a_run_that_another_process_writes(tool: Tool) -> None:
    writer = begin("search", *SLOW, "--trials", "5000")
    try:
        folder = wait_for_part()
        for command in (["resume"], ["runs", "compact"]):
            message = said(tool, *command, folder)
            assert f"is being written by process {writer.pid} on " in message
            assert "Wait until it ends, or stop it there." in message
        shown = tool("show", folder, "--json").json  # reading is free
        assert shown["state"] == "running"
        assert shown["trials"] > 0
        assert tool("runs", "--json").json[0]["state"] == "running"
    finally:
        writer.send_signal(signal.SIGTERM)
        writer.communicate(timeout=30)
    assert tool("show", folder, "--json").json["state"] == "interrupted"


@pytest.mark.slow
def test_a_run_whose_process_was_killed(tool: Tool) -> None:
    writer = begin("search", *SLOW, "--trials", "5000")
    folder = wait_for_part()
    writer.kill()
    writer.communicate()
    assert tool("runs", "--json").json[0]["state"] == "interrupted"
    there = tool("show", folder, "--json").json["trials"]
    assert tool("resume", folder, "--trials", there + 3, "--quiet").code == 0
    assert open_run(folder).count() == there + 3


# -- disks --------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 512 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no disk of one's own may be mounted here: {mounted.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk: Path) -> None:
    """Write a file that takes all the room there is."""
    with (disk / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def rows(folder: Path) -> list[Row]:
    return list(open_run(folder).rows())


def assert_goes_on(folder: Path, sealed: list[Row]) -> None:
    """The run is gone on with to its end, and the rows that had been sealed are still what they were."""
    assert run("resume", folder, "--trials", len(sealed) + 10, "--quiet").code == 0
    assert rows(folder)[: len(sealed)] == sealed
    assert [row.trial for row in rows(folder)] == list(range(len(sealed) + 10))
    assert open_run(folder).state is RunState.FINISHED


@pytest.mark.slow
def test_a_disk_that_fills_up_during_a_run(small_disk: Path) -> None:
    runs = small_disk / "runs"
    search = begin("search", *SLOW, "--trials", "5000", "--out", runs)
    folder = wait_for_part(runs)
    fill(small_disk)
    out, err = search.communicate(timeout=60)
    (small_disk / "ballast").unlink()
    assert (search.returncode, out) == (1, "")
    sealed = rows(folder)
    begun, error = err.splitlines()
    assert begun.startswith("run ")
    assert error.startswith(f"automl: error: the disk is full: {len(sealed)} rows are sealed in ")
    assert error.endswith(f"Make room, then go on with: automl resume {folder}")
    assert len(sealed) > 0
    assert_goes_on(folder, sealed)


@pytest.mark.slow
def test_a_folder_that_takes_no_more_during_a_run() -> None:
    search = begin("search", *SLOW, "--trials", "5000")
    folder = wait_for_part()
    resource.prlimit(search.pid, resource.RLIMIT_FSIZE, (100, 100))
    out, err = search.communicate(timeout=60)
    assert (search.returncode, out) == (1, "")
    sealed = rows(folder)
    assert f"automl: error: {os.strerror(errno.EFBIG)}: {len(sealed)} rows are sealed in " in err
    assert f"then go on with: automl resume {folder}" in err
    assert len(sealed) > 0
    assert_goes_on(folder, sealed)
