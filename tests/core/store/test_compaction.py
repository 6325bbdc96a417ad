"""Merging: the same rows in one part, at whatever moment it is killed."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from automl.core.errors import RunBusyError, RunDamagedError
from automl.core.store import RunState, compact, create_run, open_run, reopen_run
from automl.core.store.compaction import GROUP_ROWS
from tests.core.store.processes import ended, killed_at, merge, merge_without_exchange, started
from tests.core.store.samples import manifest, row

TRIALS = [4, 0, 3, 1, 2, 6, 5]


def make(folder: Path, trials: list[int] = TRIALS) -> Path:
    with create_run(folder, manifest()) as writer:
        for trial in trials:
            writer.append(row(trial))
            writer.seal()
        writer.finish("finished")
    return folder


def parts(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "trials").iterdir())


def test_the_rows_are_the_same_in_one_part_and_in_their_order(tmp_path: Path) -> None:
    folder = make(tmp_path / "run")
    run = open_run(folder)
    before, schema = run.trials(), pq.read_schema(folder / "trials" / "part-000001.parquet")
    assert compact(folder) == len(TRIALS)
    assert parts(folder) == ["part-000008.parquet"], "numbers are never used twice"
    pd.testing.assert_frame_equal(run.trials(), before)
    merged = pq.ParquetFile(folder / "trials" / "part-000008.parquet")
    assert merged.read()["trial"].to_pylist() == TRIALS
    assert merged.schema_arrow.equals(schema, check_metadata=True)
    assert sorted(path.name for path in folder.iterdir()) == [".lease.lock", "run.json", "trials"]
    assert open_run(folder).manifest == run.manifest


def test_once_merged_there_is_nothing_to_do(tmp_path: Path) -> None:
    folder = make(tmp_path / "run")
    compact(folder)
    before = parts(folder)
    assert compact(folder) == 0
    assert compact(make(tmp_path / "empty", [])) == 0
    assert parts(folder) == before


def test_a_merged_run_can_be_gone_on_with_and_merged_again(tmp_path: Path) -> None:
    folder = make(tmp_path / "run")
    compact(folder)
    with reopen_run(folder) as writer:
        assert writer.rows_sealed == len(TRIALS)
        writer.append(row(7))
        writer.finish("finished")
    assert parts(folder) == ["part-000008.parquet", "part-000009.parquet"]
    assert compact(folder) == 2
    assert parts(folder) == ["part-000010.parquet"]
    assert [row.trial for row in open_run(folder).rows()] == list(range(8))


def test_large_runs_are_merged_in_groups(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    half = GROUP_ROWS // 2 + 1
    with create_run(folder, manifest()) as writer:
        template = [row(trial) for trial in range(4096)]
        for trial in range(2 * half + 10):
            writer.append(template[trial % 4096])
        writer.finish("finished")
    before = open_run(folder).count()
    compact(folder)
    (path,) = (folder / "trials").iterdir()
    metadata = pq.read_metadata(path)
    assert metadata.num_row_groups == 2
    assert metadata.num_rows == before == 2 * half + 10


def test_a_run_being_written_is_not_merged(tmp_path: Path) -> None:
    folder = make(tmp_path / "run")
    before = parts(folder)
    with reopen_run(folder):
        with pytest.raises(RunBusyError, match="being written"):
            compact(folder)
        assert parts(folder) == before


def test_a_torn_part_stops_the_merge(tmp_path: Path) -> None:
    folder = make(tmp_path / "run")
    before = parts(folder)
    (folder / "trials" / "part-000003.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunDamagedError, match="part-000003"):
        compact(folder)
    assert parts(folder) == before
    assert open_run(folder).busy() is None


def test_readers_see_all_rows_while_parts_are_merged(tmp_path: Path) -> None:
    folder = make(tmp_path / "run", list(range(40)))
    run = open_run(folder)
    counts: set[int] = set()
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                counts.add(len(run.trials()))
        except BaseException as error:
            failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for trial in range(40, 45):
        compact(folder)
        with reopen_run(folder) as writer:
            writer.append(row(trial))
            writer.finish("finished")
    done.set()
    reader.join()
    assert failures == []
    assert counts <= set(range(40, 46))
    assert len(counts) > 0


@pytest.mark.slow
@pytest.mark.parametrize("target", [merge, merge_without_exchange])
def test_a_kill_before_every_single_step_of_merging(tmp_path: Path, target: object) -> None:
    step, code, asides = 0, -signal.SIGKILL, 0
    while code == -signal.SIGKILL:
        folder = make(tmp_path / str(step))
        code = ended(started(killed_at, step, target, folder, tmp_path / "unused"))
        run = open_run(folder)
        assert run.state is RunState.FINISHED
        assert [row.trial for row in run.rows()] == sorted(TRIALS)
        if (folder / "trials").is_dir():
            assert sorted(pd.read_parquet(folder / "trials")["trial"]) == sorted(TRIALS)
        else:
            asides += 1
        if step % 2:
            compact(folder)
            assert len(parts(folder)) == 1
        else:
            reopen_run(folder).finish("finished")
        assert sorted(path.name for path in folder.iterdir()) == [".lease.lock", "run.json", "trials"]
        assert [row.trial for row in run.rows()] == sorted(TRIALS)
        step += 1
        assert step < 500, "the merge never came to its end"
    assert code == 0
    assert step > 25, "kills came at many steps"
    assert asides == (1 if target is merge_without_exchange else 0)
