"""Writing: when parts are sealed, what stands in them, and how a run ends."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds
import pytest

from automl.core.contracts import Source
from automl.core.errors import RunNotFoundError, StoreWriteError, UsageError
from automl.core.store import (
    RunState,
    compact,
    create_run,
    files,
    list_runs,
    new_run_id,
    open_run,
    reopen_run,
    writer,
)
from tests.core.store.samples import NOW, SETTINGS, manifest, row


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "run"


def parts(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "trials").iterdir())


def trials(folder: Path) -> list[int]:
    return [row.trial for row in open_run(folder).rows()]


def test_cheap_rows_wait_and_are_sealed_together(folder: Path) -> None:
    with create_run(folder, manifest()) as run:
        for trial in range(5):
            run.append(row(trial))
        assert (run.rows_sealed, parts(folder)) == (0, [])
        run.seal()
        assert (run.rows_sealed, parts(folder)) == (5, ["part-000001.parquet"])
        run.seal()
        assert parts(folder) == ["part-000001.parquet"]
        run.finish("finished")


def test_a_dear_row_is_sealed_at_once_with_all_before_it(folder: Path) -> None:
    with create_run(folder, manifest()) as run:
        run.append(row(0))
        run.append(row(1, seconds=1.01))
        assert run.rows_sealed == 2
        run.append(row(2, seconds=1.0))
        assert run.rows_sealed == 2


def test_a_dear_outcome_that_was_taken_over_is_cheap(folder: Path) -> None:
    with create_run(folder, manifest()) as run:
        run.append(row(0, seconds=60.0, source=Source.CACHE))
        assert run.rows_sealed == 0


def test_many_rows_are_sealed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "SEAL_ROWS", 3)
    with create_run(folder, manifest()) as run:
        for trial in range(7):
            run.append(row(trial))
        assert run.rows_sealed == 6


def test_some_time_after_the_last_part_it_is_due(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(writer, "monotonic", lambda: now)
    with create_run(folder, manifest()) as run:
        now += writer.SEAL_SECONDS - 0.5
        run.append(row(0))
        assert not run.due()
        run.poll()
        assert run.rows_sealed == 0
        now += 0.5
        assert run.due()
        run.poll()
        assert run.rows_sealed == 1
        assert not run.due(), "there is nothing to seal"
        now += writer.SEAL_SECONDS
        run.append(row(1))
        assert run.rows_sealed == 2


def test_rows_stand_in_the_order_in_which_they_were_appended(folder: Path) -> None:
    with create_run(folder, manifest()) as run:
        for trial in (3, 1, 2):
            run.append(row(trial))
        run.seal()
        run.append(row(0))
    written = [pd.read_parquet(folder / "trials" / name)["trial"].tolist() for name in parts(folder)]
    assert written == [[3, 1, 2], [0]]
    assert trials(folder) == [0, 1, 2, 3]


def test_other_readers_read_while_it_is_written(folder: Path) -> None:
    with create_run(folder, manifest()) as run:
        for trial in range(4):
            run.append(row(trial))
            run.seal()
            unfinished = folder / "trials" / ".part.tmp"
            unfinished.write_bytes(b"PAR1 half a part")
            frame = pd.read_parquet(folder / "trials")
            assert sorted(frame["trial"]) == list(range(trial + 1))
            assert ds.dataset(folder / "trials").count_rows() == trial + 1
            assert ds.dataset(folder / "trials").schema.equals(
                ds.dataset(folder / "trials").to_table().schema
            )


def test_the_manifest_says_how_the_run_stands(folder: Path) -> None:
    def state() -> tuple[str, str, int | None]:
        content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        assert (content["ended_at"] is None) == (content["state"] == "running")
        return content["state"], content["reason"], content["trials"]

    settings = {**SETTINGS, "größe": [1, {"a": None}]}
    with create_run(folder, manifest(settings=settings)) as run:
        assert state() == ("running", "", None)
        run.append(row(0))
        run.finish(RunState.INTERRUPTED, "Ctrl-C")
        assert state() == ("interrupted", "Ctrl-C", 1)
    assert open_run(folder).manifest == run.manifest
    with reopen_run(folder) as again:
        assert state() == ("running", "", None)
        assert again.rows_sealed == 1
        again.append(row(1))
        again.finish("finished", "all trials done")
    assert state() == ("finished", "all trials done", 2)
    assert parts(folder) == ["part-000001.parquet", "part-000002.parquet"]
    assert open_run(folder).manifest.settings == settings


def test_leaving_the_block_seals_but_does_not_end_the_run(folder: Path) -> None:
    def interrupted() -> None:
        with create_run(folder, manifest()) as run:
            run.append(row(0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    opened = open_run(folder)
    assert trials(folder) == [0]
    assert opened.manifest.state is RunState.RUNNING
    assert opened.state is RunState.INTERRUPTED
    assert opened.busy() is None


def test_abandoning_drops_what_is_not_sealed(folder: Path) -> None:
    run = create_run(folder, manifest())
    run.append(row(0))
    run.abandon()
    run.abandon()
    assert trials(folder) == []
    for use in (run.seal, lambda: run.note("late"), lambda: run.finish("finished")):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_notes_and_settings_can_change_but_not_what_the_rows_depend_on(folder: Path) -> None:
    with create_run(folder, manifest(an_addition_of_a_later_release=[1])) as run:
        run.note("it does not replay")
        run.note("it does not replay")
        run.update(settings={**SETTINGS, "trials": 20})
        with pytest.raises(ValueError, match="metrics"):
            run.update(metrics=())
        with pytest.raises(ValueError, match="seed"):
            run.update(seed="many")
    found = open_run(folder).manifest
    assert found.notes == ("it does not replay",)
    assert found.settings == {**SETTINGS, "trials": 20}
    assert found.model_extra == {"an_addition_of_a_later_release": [1]}


def test_a_metric_that_was_not_declared_is_refused(folder: Path) -> None:
    with create_run(folder, manifest()) as run:
        with pytest.raises(ValueError, match=r"'accuracy'.*declared"):
            run.append(row(0, metrics={"accuracy": 1.0}))
        with pytest.raises(ValueError, match="time zone"):
            run.append(row(0, started_at=row(0).started_at.replace(tzinfo=None)))
    assert trials(folder) == []


def test_a_run_does_not_end_running(folder: Path) -> None:
    with create_run(folder, manifest()) as run, pytest.raises(ValueError, match="running"):
        run.finish("running")


def test_an_interrupt_right_after_a_part_has_its_name_writes_no_row_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C may come between any two steps; this one is the worst."""
    publish = files.publish

    def interrupted(temporary: Path, path: Path) -> None:
        publish(temporary, path)
        raise KeyboardInterrupt

    with create_run(folder, manifest()) as run:
        run.append(row(0))
        monkeypatch.setattr(files, "publish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run.seal()
        monkeypatch.undo()
        run.append(row(1))
        run.seal()
        assert run.rows_sealed == 2
    assert parts(folder) == ["part-000001.parquet", "part-000002.parquet"]
    assert trials(folder) == [0, 1]


def test_a_file_that_stands_where_a_part_should_is_not_overwritten(folder: Path) -> None:
    with create_run(folder, manifest()) as run:
        stranger = folder / "trials" / "part-000001.parquet"
        stranger.write_bytes(b"a stranger's")
        run.append(row(0))
        for _ in range(2):
            with pytest.raises(StoreWriteError, match=r"File exists.*0 rows are sealed"):
                run.seal()
        assert stranger.read_bytes() == b"a stranger's"
        stranger.unlink()
        run.seal()
    assert trials(folder) == [0]


def test_without_links_a_part_is_renamed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(source: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)  # as FAT and some network file systems answer
    with create_run(folder, manifest()) as run:
        run.append(row(0))
        run.seal()
        (folder / "trials" / "part-000002.parquet").touch()
        run.append(row(1))
        with pytest.raises(StoreWriteError, match="File exists"):
            run.seal()
        (folder / "trials" / "part-000002.parquet").unlink()
    assert trials(folder) == [0, 1]


def test_a_folder_that_is_not_empty_is_not_taken(folder: Path) -> None:
    create_run(folder, manifest()).finish("finished")
    before = (folder / "run.json").read_bytes()
    with pytest.raises(UsageError, match=r"not empty.*automl resume"):
        create_run(folder, manifest())
    assert (folder / "run.json").read_bytes() == before


@pytest.mark.parametrize("address", ["s3://bucket/runs", "file:///tmp/runs", "abfs+x://a/b"])
def test_an_address_is_not_taken_for_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    scheme = address.partition("//")[0]
    for use in (
        lambda: create_run(Path(address), manifest()),
        lambda: open_run(address),
        lambda: open_run("last", root=Path(address)),
        lambda: list_runs(Path(address)),
        lambda: new_run_id(Path(address), "space", ["ntk"], NOW),
    ):
        with pytest.raises(UsageError) as caught:
            use()
        message = str(caught.value)
        assert message.startswith(f"runs are kept in local folders so far, got '{scheme}//")
        assert message.endswith("give a path, such as --out runs.")
        assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["s3:", "exp:1", "file:"])
def test_a_folder_may_have_a_colon_in_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    root = Path(place)
    root.mkdir()
    with create_run(root / "run", manifest()) as run:
        for trial in range(2):
            run.append(row(trial))
            run.seal()
    opened = open_run("run", root=root)
    assert (opened.count(), len(opened.trials())) == (2, 2)
    assert compact(root / "run") == 2
    assert trials(root / "run") == [0, 1]


def test_an_empty_folder_is_taken(folder: Path) -> None:
    folder.mkdir(parents=True)
    create_run(folder, manifest()).finish("finished")
    assert open_run(folder).state is RunState.FINISHED


def test_reopening_what_is_not_there(folder: Path) -> None:
    with pytest.raises(RunNotFoundError, match="no run folder"):
        reopen_run(folder)
    assert not folder.exists()


def test_reopening_removes_what_a_killed_writer_left(folder: Path) -> None:
    create_run(folder, manifest()).finish("finished")
    leftovers = [folder / ".abc.tmp", folder / "trials" / ".def.tmp"]
    for leftover in leftovers:
        leftover.write_bytes(b"half")
    reopen_run(folder).finish("finished")
    assert [leftover for leftover in leftovers if leftover.exists()] == []
    assert sorted(path.name for path in folder.iterdir()) == [".lease.lock", "run.json", "trials"]
