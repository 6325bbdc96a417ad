"""Disks that are full, folders that cannot be written: said in words, and nothing sealed is lost."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

import pandas as pd
import pytest

from automl.core.errors import StoreWriteError
from automl.core.store import RunState, compact, create_run, open_run, reopen_run
from tests.core.store.processes import ended, started
from tests.core.store.samples import manifest, row


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no disk of one's own may be mounted here: {mounted.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk: Path) -> Path:
    """Write a file that takes all the room there is."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    return ballast


def test_a_full_disk_stops_the_run_and_loses_nothing(small_disk: Path) -> None:
    folder = small_disk / "run"
    with create_run(folder, manifest()) as writer:
        for trial in range(3):
            writer.append(row(trial))
        writer.seal()
        ballast = fill(small_disk)
        writer.append(row(3))
        with pytest.raises(StoreWriteError) as caught:
            writer.seal()
        message = str(caught.value)
        assert message.startswith("the disk is full: 3 rows are sealed")
        assert "the last 1 are not" in message
        assert f"Make room, then go on with: automl resume {folder}" in message
        assert [path.name for path in (folder / "trials").iterdir()] == ["part-000001.parquet"]
        assert len(pd.read_parquet(folder / "trials")) == 3

        with pytest.raises(StoreWriteError, match=r"disk is full.*run\.json"):
            writer.note("no room for this")
        ballast.unlink()
        writer.append(row(4))
        writer.finish("finished")
    assert [row.trial for row in open_run(folder).rows()] == [0, 1, 2, 3, 4]


def test_after_a_full_disk_the_run_is_gone_on_with(small_disk: Path) -> None:
    folder = small_disk / "run"
    with create_run(folder, manifest()) as writer:
        writer.append(row(0))
        writer.seal()
        ballast = fill(small_disk)
        with pytest.raises(StoreWriteError):
            writer.append(row(1, seconds=2.0))
        writer.abandon()
    assert open_run(folder).state is RunState.INTERRUPTED
    with pytest.raises(StoreWriteError, match=r"the disk is full.*Make room"):
        reopen_run(folder)
    ballast.unlink()
    with reopen_run(folder) as writer:
        assert writer.rows_sealed == 1
        writer.append(row(1))
        writer.finish("finished")
    assert open_run(folder).count() == 2


def test_a_run_that_cannot_be_merged_is_as_it_was(small_disk: Path) -> None:
    folder = small_disk / "run"
    with create_run(folder, manifest()) as writer:
        for trial in range(6):
            writer.append(row(trial))
            writer.seal()
        writer.finish("finished")
    ballast = fill(small_disk)
    names = sorted(path.name for path in (folder / "trials").iterdir())
    with pytest.raises(StoreWriteError, match=r"cannot be merged: No space left on device\. It is as it was"):
        compact(folder)
    assert sorted(path.name for path in (folder / "trials").iterdir()) == names
    assert open_run(folder).count() == 6
    ballast.unlink()
    assert compact(folder) == 6


def write_with_a_limit(folder: Path, told: Connection) -> None:
    """The system refuses files above a size: like a full disk, and possible anywhere."""
    with create_run(folder, manifest()) as writer:
        writer.append(row(0))
        writer.seal()
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
        writer.append(row(1))
        try:
            writer.seal()
        except StoreWriteError as error:
            told.send(str(error))
        told.send(sorted(path.name for path in (folder / "trials").iterdir()))
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        writer.finish("finished")


def test_a_write_that_fails_halfway_leaves_no_trace(tmp_path: Path) -> None:
    here, there = Pipe(duplex=False)
    process = started(write_with_a_limit, tmp_path / "run", there)
    assert here.recv().startswith("File too large: 1 rows are sealed")
    assert here.recv() == ["part-000001.parquet"]
    assert ended(process) == 0
    assert [row.trial for row in open_run(tmp_path / "run").rows()] == [0, 1]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreWriteError, match="cannot be made: Not a directory"):
        create_run(tmp_path / "file" / "run", manifest())
    with pytest.raises(StoreWriteError, match="cannot be made: File exists"):
        create_run(tmp_path / "file", manifest())


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    writer = create_run(tmp_path / "run", manifest())
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(StoreWriteError, match="No such file or directory: 0 rows are sealed"):
        writer.append(row(0, seconds=2.0))
    writer.abandon()
    assert not (tmp_path / "run").exists()


def write_as_nobody(root: Path, told: Connection) -> None:
    """Try to make a run, and to go on with one, in folders of somebody else."""
    if os.geteuid() == 0:
        os.seteuid(65534)
    attempts: list[Callable[[], object]] = [
        lambda: create_run(root / "new", manifest()),
        lambda: reopen_run(root / "run"),
    ]
    for attempt in attempts:
        try:
            attempt()
        except StoreWriteError as error:
            told.send(str(error))
        else:
            told.send("written")


def test_a_folder_of_somebody_else(tmp_path: Path) -> None:
    create_run(tmp_path / "run", manifest()).finish("finished")
    shown = [*tmp_path.parents[:-2], tmp_path, tmp_path / "run"]
    modes = [(folder, folder.stat().st_mode) for folder in shown if folder.stat().st_uid == os.geteuid()]
    for folder, mode in modes:
        folder.chmod((mode | 0o555) & ~0o222)
    (tmp_path / "run" / ".lease.lock").chmod(0o444)
    try:
        here, there = Pipe(duplex=False)
        process = started(write_as_nobody, tmp_path, there)
        assert "cannot be made: Permission denied" in here.recv()
        assert "cannot be written: Permission denied" in here.recv()
        assert ended(process) == 0
    finally:
        for folder, mode in modes:
            folder.chmod(mode)
