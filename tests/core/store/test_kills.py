"""Kills: what was sealed is there, the folder is readable, and the next writer starts at once."""

from __future__ import annotations

import random
import signal
import time
from multiprocessing import Pipe
from pathlib import Path

import pandas as pd
import pytest

from automl.core.errors import RunDamagedError, RunNotFoundError
from automl.core.store import DamagedRun, RunState, create_run, list_runs, open_run, reopen_run
from tests.core.store.processes import ROWS_A_SEAL, SEALS, ended, killed_at, started, write_a_run
from tests.core.store.processes import write_without_end as write
from tests.core.store.samples import manifest, row

KILLS = 10

pytestmark = pytest.mark.slow


def test_kills_at_random_moments_lose_nothing_sealed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    rng = random.Random(1)
    sealed = 0
    for _ in range(KILLS):
        here, there = Pipe(duplex=False)
        process = started(write, folder, sealed, there)
        there.close()
        told = here.recv()
        assert told > sealed, "the next writer went on at once"
        time.sleep(rng.uniform(0.0, 0.1))
        process.kill()
        assert ended(process) == -signal.SIGKILL
        while True:
            try:
                told = here.recv()
            except EOFError:
                break
        here.close()
        run = open_run(folder)
        assert run.state is RunState.INTERRUPTED
        found = [row.trial for row in run.rows()]
        assert found == list(range(len(found)))
        assert len(found) >= told
        assert len(pd.read_parquet(folder / "trials")) == len(found)
        sealed = len(found)
    with reopen_run(folder) as writer:
        assert writer.rows_sealed == sealed
        writer.finish("finished")
    assert [path for path in (folder / "trials").iterdir() if path.name.startswith(".")] == []


def test_a_kill_before_every_single_step_of_writing(tmp_path: Path) -> None:
    step, code = 0, -signal.SIGKILL
    begun = ended_well = 0
    while code == -signal.SIGKILL:
        folder, progress = tmp_path / str(step) / "run", tmp_path / f"{step}.sealed"
        code = ended(started(killed_at, step, write_a_run, folder, progress))
        sealed = int(progress.read_text()) if progress.exists() else 0
        if not (folder / "run.json").exists():
            assert sealed == 0
            with pytest.raises((RunNotFoundError, RunDamagedError), match=r"there is no run|killed while"):
                open_run(folder)
            listed = list_runs(folder.parent)
            assert all(isinstance(run, DamagedRun) and "killed while" in run.reason for run in listed)
        else:
            begun += 1
            run = open_run(folder)
            assert run.busy() is None
            found = [row.trial for row in run.rows()]
            assert found in [list(range(seals * ROWS_A_SEAL)) for seals in range(SEALS + 1)]
            assert len(found) >= sealed
            if found:
                assert sorted(pd.read_parquet(folder / "trials")["trial"]) == found
            ended_well += run.state is RunState.FINISHED
            with reopen_run(folder) as writer:
                for trial in range(len(found), SEALS * ROWS_A_SEAL):
                    writer.append(row(trial))
                writer.finish("finished")
            assert [row.trial for row in open_run(folder).rows()] == list(range(SEALS * ROWS_A_SEAL))
            assert {path.name for path in folder.iterdir()} == {".lease.lock", "run.json", "trials"}
            assert not any(path.name.startswith(".") for path in (folder / "trials").iterdir())
        step += 1
        assert step < 500, "the writer never came to its end"
    assert code == 0
    assert begun > 20, "kills came at many steps"
    assert 1 < ended_well < begun


def test_a_run_that_was_killed_while_it_was_made_can_be_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert ended(started(killed_at, 2, write_a_run, folder, tmp_path / "sealed")) == -signal.SIGKILL
    assert folder.is_dir()
    create_run(folder, manifest()).finish("finished")
