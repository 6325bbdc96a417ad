"""What the store's tests do in processes of their own, some of which do not survive it."""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from automl.core.errors import RunBusyError
from automl.core.store import compact, create_run, files, reopen_run, writer
from tests.core.store.samples import manifest, row

ROWS_A_SEAL = 3
SEALS = 2


def context() -> ForkServerContext:
    """Where processes come from: forks of one that has imported what they need, and has no threads."""
    chosen = mp.get_context("forkserver")
    chosen.set_forkserver_preload([__name__, "pyarrow.dataset", "pyarrow.parquet", "pandas"])
    return chosen


def started(target: Callable[..., None], *arguments: Any) -> ForkServerProcess:
    """A process that runs ``target``."""
    process = context().Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def ended(process: ForkServerProcess, seconds: float = 60) -> int:
    """The exit code of a process; minus the signal's number if it was killed."""
    process.join(seconds)
    code = process.exitcode
    if code is None:
        process.kill()
        process.join()
        raise AssertionError(f"the process was still running after {seconds} s")
    process.close()
    return code


def write_a_run(folder: Path, progress: Path) -> None:
    """Make a run, seal two parts, change the manifest, end it. The sealed rows are told in ``progress``."""
    with create_run(folder, manifest()) as run:
        for seal in range(SEALS):
            for trial in range(seal * ROWS_A_SEAL, (seal + 1) * ROWS_A_SEAL):
                run.append(row(trial))
            run.seal()
            progress.write_text(str(run.rows_sealed))
        run.note("a note")
        run.finish("finished", "all trials done")


def merge(folder: Path, progress: Path) -> None:
    """Merge a run's parts."""
    compact(folder)


def merge_without_exchange(folder: Path, progress: Path) -> None:
    """Merge a run's parts as on a file system that cannot swap two names (NFS, for one)."""
    files.exchange = lambda first, second: False
    compact(folder)


def killed_at(step: int, target: Callable[[Path, Path], None], folder: Path, progress: Path) -> None:
    """Run ``target(folder, progress)``, and be killed just before its ``step``-th call on the file system.

    Python tells of such calls in audit events. Syncs tell nothing, but change nothing that is seen.
    """
    left = step

    def kill(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        paths = [os.fsdecode(value) for value in arguments if isinstance(value, str | bytes | os.PathLike)]
        if any(path.startswith(str(folder)) for path in paths) or event in {"fcntl.flock", "ctypes.dlopen"}:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    writer.SEAL_SECONDS = 3600.0  # nothing is sealed because the machine was slow
    sys.addaudithook(kill)
    target(folder, progress)


def write_without_end(folder: Path, first: int, told: Connection) -> None:
    """Seal row after row, and tell how many are sealed. Somebody else ends it."""
    with create_run(folder, manifest()) if first == 0 else reopen_run(folder) as run:
        trial = run.rows_sealed
        while True:
            for _ in range(trial % 5 + 1):
                run.append(row(trial))
                trial += 1
            run.seal()
            told.send(run.rows_sealed)


def take_when_told(folder: Path, start: Any, told: Connection) -> None:
    """Wait for the start, try to become the writer, tell how it went, and keep the lease if it is held."""
    start.wait()
    try:
        with reopen_run(folder):
            told.send("won")
            told.recv()
    except RunBusyError as error:
        told.send(str(error))


def sleep_while_holding(folder: Path, told: Connection) -> None:
    """Become the writer, say so, and try to seal once told to go on."""
    from automl.core.errors import LeaseLostError

    run = reopen_run(folder)
    run.append(row(100))
    told.send(os.getpid())
    told.recv()
    try:
        run.seal()
    except LeaseLostError as error:
        told.send(str(error))
    else:
        told.send("sealed")
    run.abandon()
