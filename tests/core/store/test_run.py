"""Reading: finding runs, their trials, their best, and what is said of damaged ones."""

from __future__ import annotations

import json
import math
import random
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.core.contracts import Status
from automl.core.errors import RunDamagedError, RunNotFoundError, RunTooNewError
from automl.core.store import (
    SCHEMA_VERSION,
    DamagedRun,
    Row,
    Run,
    RunState,
    create_run,
    list_runs,
    new_run_id,
    open_run,
    reopen_run,
)
from tests.core.store.samples import NOW, SETTINGS, manifest, row


def make(folder: Path, rows: list[Row], *, seal_every: int = 1, **changes: object) -> Run:
    with create_run(folder, manifest(folder.name, **changes)) as writer:
        for number, each in enumerate(rows, 1):
            writer.append(each)
            if number % seal_every == 0:
                writer.seal()
        writer.finish("finished")
    return open_run(folder)


def test_trials_are_sorted_and_keep_whole_numbers_whole(tmp_path: Path) -> None:
    rows = [
        row(2, parent=2**62 + 1),
        row(1, stage=1),
        row(1, rung=1, window=None),
        row(1, metrics={"ntk": 0.5}, reason="regions: too many", status=Status.OK),
        row(0, status=Status.CRASHED, metrics={}, objective=None, reason="the worker died"),
    ]
    run = make(tmp_path / "run", rows)
    frame = run.trials()
    assert list(zip(frame["trial"], frame["stage"], frame["rung"], strict=True)) == [
        (0, 0, 0),
        (1, 0, 0),
        (1, 0, 1),
        (1, 1, 0),
        (2, 0, 0),
    ]
    assert frame["parent"].tolist()[-1] == 2**62 + 1
    assert frame["window"].isna().tolist() == [False, False, True, False, False]
    assert math.isnan(frame["metric.ntk"][0])
    assert frame["metric.regions"].isna().tolist() == [True, True, False, False, False]
    assert frame["started_at"][4] == pd.Timestamp(rows[0].started_at)
    assert list(frame["evaluators"][0]) == ["ntk", "regions"]
    assert list(run.rows()) == sorted(rows, key=lambda row: (row.trial, row.stage, row.rung))


def test_a_run_without_trials_can_be_read(tmp_path: Path) -> None:
    run = make(tmp_path / "run", [])
    assert len(run.trials()) == 0
    assert "metric.ntk" in run.trials().columns
    assert list(run.rows()) == []
    assert run.best(5) == []
    assert run.count() == 0


def test_a_run_being_written_is_read_as_far_as_it_is(tmp_path: Path) -> None:
    with create_run(tmp_path / "run", manifest()) as writer:
        writer.append(row(0))
        writer.seal()
        run = open_run(tmp_path / "run")
        assert (run.count(), len(run.trials()), run.state) == (1, 1, RunState.RUNNING)
        writer.append(row(1))
        writer.seal()
        assert (run.count(), len(run.trials())) == (2, 2)


# -- the best -------------------------------------------------------------------------------------------


def oracle(rows: list[Row], n: int, *, smallest: bool) -> list[Row]:
    """Plainly: sort the successes, and keep the first of each key."""
    ranked = sorted(
        (row for row in rows if row.status is Status.OK and row.objective is not None),
        key=lambda row: ((row.objective or 0.0) * (1 if smallest else -1), row.trial),
    )
    seen: set[str] = set()
    kept = [row for row in ranked if not (row.key in seen or seen.add(row.key))]  # type: ignore[func-returns-value]  # add gives None
    return kept[:n]


@given(st.integers(0, 2**32), st.integers(1, 12), st.booleans())
def test_the_best_are_those_of_plain_sorting(
    tmp_path_factory: pytest.TempPathFactory, seed: int, n: int, smallest: bool
) -> None:
    rng = random.Random(seed)
    rows = []
    for trial in range(rng.randrange(12)):
        failed = rng.random() < 0.3
        value = None if failed else float(rng.randrange(4))
        status = rng.choice([Status.DEGENERATE, Status.CRASHED]) if failed else Status.OK
        rows.append(row(trial, status=status, objective=value, key=f"key {rng.randrange(5)}"))
    rng.shuffle(rows)
    objective = "ntk:min" if smallest else "ntk:max"
    run = make(tmp_path_factory.mktemp("best") / "run", rows, seal_every=4, objectives=(objective,))
    assert run.best(n) == oracle(rows, n, smallest=smallest)


def test_a_failure_is_never_among_the_best_whatever_it_scored(tmp_path: Path) -> None:
    rows = [row(0, status=Status.DEGENERATE, objective=1e9, reason="singular"), row(1, objective=-1e9)]
    assert [row.trial for row in make(tmp_path / "run", rows).best(5)] == [1]


# -- finding --------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three runs. The newest is neither the first nor the last by name."""
    folder = tmp_path / "runs"
    for days, name in enumerate(["20260301-a", "20260303-c", "20260302-b"]):
        make(folder / name, [], created_at=NOW + timedelta(days=days))
    (folder / ".hidden").mkdir()
    (folder / "notes").mkdir()
    return folder


def test_a_run_is_found_by_name_beginning_path_or_last(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = root / "20260303-c"
    for name in ("20260303-c", "20260303", folder, str(folder), folder / "run.json", f"{folder}/"):
        assert open_run(name, root=root).folder == folder
    assert open_run("last", root=root).id == "20260302-b"
    monkeypatch.chdir(root.parent)
    assert open_run("last").id == "20260302-b"
    assert open_run("20260301").id == "20260301-a"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("2026", "beginning of 3 runs: 20260301-a, 20260302-b, 20260303-c"),
        ("20260303-x", "no run '20260303-x': did you mean 20260303-c"),
        ("qqq", "there are 3, the newest: 20260303-c, 20260302-b, 20260301-a"),
        ("", "there are 3"),
        ("no/such/folder", "there are none in 'no/such'"),
    ],
)
def test_what_is_not_found_is_said_with_what_there_is(root: Path, name: str, words: str) -> None:
    with pytest.raises(RunNotFoundError) as caught:
        open_run(name, root=root)
    assert words in str(caught.value)


def test_where_there_are_no_runs(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "nowhere") == []
    with pytest.raises(RunNotFoundError, match="there are none in"):
        open_run("x", root=tmp_path / "nowhere")
    with pytest.raises(RunNotFoundError, match=r"no run in .* automl search"):
        open_run("last", root=tmp_path)


def test_runs_are_listed_by_age_and_damaged_ones_with_what_is_wrong(root: Path) -> None:
    (root / "20260301-a" / "run.json").write_text("{", encoding="utf-8")
    found = list_runs(root)
    assert [run.id for run in found if isinstance(run, Run)] == ["20260303-c", "20260302-b"]
    (damaged,) = [run for run in found if isinstance(run, DamagedRun)]
    assert (damaged.name, damaged.folder) == ("20260301-a", root / "20260301-a")
    assert "torn" in damaged.reason
    assert open_run("last", root=root).id == "20260302-b"


def test_new_names_tell_when_and_what_and_differ(tmp_path: Path) -> None:
    names = [new_run_id(tmp_path, "nasbench201", ["ntk", "zen"], NOW) for _ in range(50)]
    assert len(set(names)) == 50
    assert all(name.startswith("20260301-141500-nasbench201-ntk-zen-") for name in names)
    assert new_run_id(tmp_path, "x", ["y"], NOW + timedelta(seconds=1)) > max(names)
    odd = new_run_id(tmp_path, "../my dir/ÄSpace.py:My Space", ["p" * 500], NOW)
    assert odd.startswith("20260301-141500-my_space-ppp")
    assert len(odd) < 100
    (tmp_path / odd).mkdir()


# -- damage ---------------------------------------------------------------------------------------------


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x10
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("harm", ["empty", "cut", "flipped"])
def test_a_torn_part_is_named_and_the_others_can_be_read(tmp_path: Path, harm: str) -> None:
    folder = tmp_path / "a run"
    run = make(folder, [row(trial) for trial in range(3)])
    part = folder / "trials" / "part-000002.parquet"
    if harm == "flipped":
        candidates = pq.read_metadata(part).row_group(0).column(7)
        flip(part, candidates.data_page_offset + candidates.total_compressed_size - 3)
    else:
        cut(part, 0 if harm == "empty" else 1000)
    aside = part.with_name(".part-000002.parquet.torn")
    for use in (run.trials, lambda: list(run.rows()), run.best):
        with pytest.raises(RunDamagedError) as caught:
            use()
        assert "part-000002.parquet' of the run is torn" in str(caught.value)
        assert ".." not in str(caught.value)
        assert f"mv '{part}' '{aside}'; then 'automl resume '{folder}''" in str(caught.value).replace(
            '"\'"', ""
        )
    if harm != "flipped":
        with pytest.raises(RunDamagedError, match="part-000002"):
            reopen_run(folder)
        assert open_run(folder).busy() is None
    part.rename(aside)
    assert [row.trial for row in run.rows()] == [0, 2]
    assert run.count() == 2, "whatever run.json says"
    assert len(pd.read_parquet(folder / "trials")) == 2
    with reopen_run(folder) as writer:
        writer.append(row(1))
        writer.finish("finished")
    assert [row.trial for row in run.rows()] == [0, 1, 2]


def test_any_flipped_bit_in_the_data_of_a_part_is_noticed(tmp_path: Path) -> None:
    """Without checksums every fifth of them gives other trials, and no error."""
    run = make(tmp_path / "run", [row(trial) for trial in range(20)], seal_every=20)
    part = tmp_path / "run" / "trials" / "part-000001.parquet"
    whole = part.read_bytes()
    before = list(run.rows())
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    noticed = 0
    for offset in range(4, len(whole) - footer, 7):
        flip(part, offset)
        try:
            assert list(run.rows()) == before  # it was in a page's statistics
        except RunDamagedError:
            noticed += 1
        part.write_bytes(whole)
    assert noticed > 100


def test_a_missing_folder_of_trials_is_damage(tmp_path: Path) -> None:
    run = make(tmp_path / "run", [])
    (tmp_path / "run" / "trials").rmdir()
    with pytest.raises(RunDamagedError, match=r"no folder trials/.*automl resume"):
        run.trials()


def edit(folder: Path, **changes: object) -> None:
    path = folder / "run.json"
    content = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    path.write_text(json.dumps(content), encoding="utf-8")


def test_a_newer_run_is_refused_in_words(tmp_path: Path) -> None:
    make(tmp_path / "run", [])
    edit(tmp_path / "run", schema_version=SCHEMA_VERSION + 1, metrics="in another form")
    before = sorted((tmp_path / "run").iterdir())
    for use in (open_run, reopen_run):
        with pytest.raises(RunTooNewError, match=r"schema version 2; .* up to 1.*pip install --upgrade"):
            use(tmp_path / "run")
    assert sorted((tmp_path / "run").iterdir()) == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "torn"),
        (b'{"id": ', "torn"),
        (b"\xff\xfe", "torn"),
        (b"[1]", "not a run of this software"),
        (b'{"name": "a package"}', "no schema_version"),
        (b'{"schema_version": "1"}', "no schema_version"),
        (b'{"schema_version": 1}', "id: Field required"),
    ],
)
def test_a_manifest_that_is_none_is_damage(tmp_path: Path, content: bytes, words: str) -> None:
    make(tmp_path / "run", [])
    (tmp_path / "run" / "run.json").write_bytes(content)
    with pytest.raises(RunDamagedError) as caught:
        open_run(tmp_path / "run")
    assert words in str(caught.value)
    assert "pandas.read_parquet" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"objectives": ["accuracy:max"]}, "none of the metrics"),
        ({"objectives": ["ntk:up"]}, "'up'"),
        ({"metrics": [{"name": "ntk", "direction": "max"}] * 2}, "stands twice"),
        ({"metrics": [{"name": "Not A Name", "direction": "max"}]}, "Not A Name"),
        ({"state": "resting"}, "state"),
        ({"settings": {}}, "settings: Value error, space.name is not a text"),
        ({"settings": {**SETTINGS, "space": "nasbench201"}}, "space.name is not a text"),
        ({"settings": {**SETTINGS, "strategy": {"name": 1}}}, "strategy.name is not a text"),
        ({"settings": {**SETTINGS, "task": {}}}, "task.name is not a text"),
        ({"settings": {**SETTINGS, "proxy": {}}}, "proxy is not a table"),
        ({"settings": {**SETTINGS, "proxy": ["ntk"]}}, "proxy is not a table"),
        ({"settings": {**SETTINGS, "trials": 0}}, "trials is not a positive"),
        ({"settings": {**SETTINGS, "trials": True}}, "trials is not a positive"),
        ({"created_at": "2026-03-01T00:00:00"}, "timezone"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_damage(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    make(tmp_path / "run", [])
    edit(tmp_path / "run", **changes)
    with pytest.raises(RunDamagedError) as caught:
        open_run(tmp_path / "run")
    assert words in str(caught.value)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunDamagedError, match=r"has no run\.json: it is not a run"):
        open_run(tmp_path)


def test_a_manifest_with_text_that_is_none_can_be_written(tmp_path: Path) -> None:
    settings = {**SETTINGS, "data": "\udcff", "größe": "\U0001f600"}
    run = make(tmp_path / "run", [], settings=settings)
    assert run.manifest.settings == settings
