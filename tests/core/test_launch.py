"""Runs from the outside: begun, ended, killed, resumed, gone on with."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import automl
from automl.core.errors import DataError, LeaseLostError, ReplayError, RunDamagedError, UsageError
from automl.core.launch import resume, search, start
from automl.core.registry import load_registry
from automl.core.search import Ended
from automl.core.settings import settings_from
from automl.core.store import EXEMPT_COLUMNS, Run, RunState, open_run
from tests.core import parts
from tests.distributions import HOOK, write_distribution

HERE = parts.__file__
TABLE: dict[str, Any] = {"space": f"{HERE}:Word", "proxy": f"{HERE}:Vowels", "trials": 40}

SLOW_PARTS = '''
import os, time
from automl.core.contracts import Evaluator, Metric
from tests.core.parts import Vowels

class Slow(Vowels):
    """Takes a moment, so that there is a moment to be killed in."""
    name = "slow"
    def score(self, subject, context):
        time.sleep(0.05)
        return super().score(subject, context)

class Deadly(Vowels):
    """Ends its process at one word, wherever it runs."""
    name = "deadly"
    def score(self, subject, context):
        if subject.candidate == "cab":
            os._exit(7)
        return super().score(subject, context)
'''


def comparable(run: Run) -> pd.DataFrame:
    """The trials without time and place."""
    return run.trials().drop(columns=sorted(EXEMPT_COLUMNS))


def automl_process(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from automl.core.cli import main; main()", *arguments]


def test_the_front_door_in_python(tmp_path: Path) -> None:
    run = automl.search(parts.Word, f"{HERE}:Vowels", root=tmp_path, trials=30, strategy="random")
    assert run.manifest.state is RunState.FINISHED
    assert len(run.trials()) == 30
    best = run.best(1)[0]
    assert best.objective == run.trials()["objective"].max()


def test_a_run_is_a_function_of_its_settings(tmp_path: Path) -> None:
    first, second = (start(settings_from(TABLE), root=tmp_path / name)[0] for name in "ab")
    assert_frame_equal(comparable(first), comparable(second))
    other, _ = start(settings_from({**TABLE, "seed": 1}), root=tmp_path)
    assert not comparable(first).equals(comparable(other))


def test_a_run_repeats_from_its_own_manifest(tmp_path: Path) -> None:
    run, _ = start(settings_from(TABLE), root=tmp_path)
    settings = json.loads((run.folder / "run.json").read_text())["settings"]
    again, _ = start(settings_from(settings), root=tmp_path)
    assert_frame_equal(comparable(run), comparable(again))


@pytest.mark.parametrize("strategy", load_registry(only=[]).names("strategy"))
def test_a_finished_run_goes_on_further_as_if_it_had_never_ended(tmp_path: Path, strategy: str) -> None:
    table = {**TABLE, "strategy": strategy}
    short, _ = start(settings_from({**table, "trials": 17}), root=tmp_path)
    longer, ended = resume(short.folder, trials=40)
    whole, _ = start(settings_from(table), root=tmp_path)
    assert ended is Ended.TRIALS
    assert longer.manifest.settings["trials"] == 40
    assert_frame_equal(comparable(longer), comparable(whole))


def test_a_run_with_nothing_left_to_do_is_left_alone(tmp_path: Path) -> None:
    run, _ = start(settings_from(TABLE), root=tmp_path)
    before = run.trials()
    resumed, ended = resume(run.folder)
    assert ended is Ended.TRIALS
    assert_frame_equal(resumed.trials(), before)


def test_other_software_stops_a_resume_unless_it_adopts(tmp_path: Path) -> None:
    run, _ = start(settings_from({**TABLE, "trials": 10}), root=tmp_path)
    path = run.folder / "run.json"
    manifest = json.loads(path.read_text())
    manifest["versions"]["torch"] = "1.0.0"
    path.write_text(json.dumps(manifest))
    with pytest.raises(ReplayError, match=r"torch was 1.0.0 and is .* --adopt"):
        resume(run.folder, trials=20)
    resumed, _ = resume(run.folder, trials=20, adopt=True)
    assert len(resumed.trials()) == 20
    assert any("torch was 1.0.0" in note for note in resumed.manifest.notes)


def test_a_replay_that_fails_leaves_the_run_as_it_was(tmp_path: Path) -> None:
    run, _ = start(settings_from({**TABLE, "trials": 10}), root=tmp_path)
    settings = {**run.manifest.settings, "seed": 5}  # as if the strategy had begun to draw other numbers
    path = run.folder / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "settings": settings}))
    before = path.read_text()
    with pytest.raises(ReplayError, match="trial 0 of this run is"):
        resume(run.folder, trials=20)
    left = open_run(run.folder)
    assert left.manifest.settings == settings
    assert (left.state, left.manifest.reason) == (RunState.FINISHED, Ended.TRIALS.value)
    assert json.loads(before)["trials"] == left.manifest.trials == 10


def test_a_space_whose_file_changed_stops_a_resume(tmp_path: Path) -> None:
    file = tmp_path / "space.py"
    file.write_text(Path(HERE).read_text())
    table = {**TABLE, "space": f"{file}:Word", "trials": 10}
    run, _ = start(settings_from(table), root=tmp_path)
    file.write_text(Path(HERE).read_text() + "\n# changed\n")
    with pytest.raises(ReplayError, match=r"space .*space.py:Word was sha256"):
        resume(run.folder, trials=20)


def test_what_is_not_the_candidates_doing_ends_the_run(tmp_path: Path) -> None:
    file = tmp_path / "torn.py"
    file.write_text(
        "from automl.core.contracts import Evaluator, Metric\n"
        "from automl.core.errors import DataError\n"
        "class Torn(Evaluator):\n"
        "    name, view, metrics = 'torn', None, (Metric('torn'),)\n"
        "    def score(self, subject, context):\n"
        "        raise DataError('image 3 is torn.')\n"
    )
    with pytest.raises(DataError, match="image 3 is torn"):
        start(settings_from({**TABLE, "proxy": f"{file}:Torn"}), root=tmp_path / "runs")
    run = open_run("last", root=tmp_path / "runs")
    assert run.manifest.state is RunState.FAILED
    assert "image 3 is torn" in run.manifest.reason


@pytest.mark.parametrize(
    "change", [{"space": "nothing-like-it"}, {"proxy": "nothing-like-it"}, {"objective": "vowls"}]
)
def test_a_usage_error_writes_nothing(tmp_path: Path, change: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        start(settings_from({**TABLE, **change}), root=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_lease_that_is_lost_stops_the_writer(tmp_path: Path) -> None:
    """Another process took the run over while this one was suspended: it may not write any more."""

    def steal(row: Any) -> None:
        for lease in folder[0].glob(".lease.json"):
            stolen = json.loads(lease.read_text())
            lease.write_text(json.dumps({**stolen, "owner": "somebody else"}))

    folder: list[Path] = []
    with pytest.raises(LeaseLostError):
        start(settings_from(TABLE), root=tmp_path, watch=steal, begun=lambda run: folder.append(run.folder))


def test_a_space_in_no_file_is_told_where_to_put_itself(tmp_path: Path) -> None:
    names: dict[str, Any] = {"parts": parts}
    exec("class Loose(parts.Word):\n    name = 'loose'", names)
    names["Loose"].__module__ = "nowhere"
    with pytest.raises(UsageError, match=r"stands in no file: put it into one"):
        search(names["Loose"], f"{HERE}:Vowels", root=tmp_path)


def test_a_class_of_the_script_that_runs_is_told_to_move(tmp_path: Path) -> None:
    space = type("Mine", (parts.Word,), {"name": "mine", "__module__": "__main__"})
    with pytest.raises(UsageError, match=r"stands in the script that runs.*file of its own"):
        search(space, f"{HERE}:Vowels", root=tmp_path)


def test_other_data_stop_a_resume(tmp_path: Path) -> None:
    """The same settings, and other images in the folder."""
    file = tmp_path / "task.py"
    file.write_text(
        "from automl.core.contracts import Task\n"
        "from pathlib import Path\n"
        "class Data(Task):\n"
        "    name, input_shape, classes = 'data', (1,), 2\n"
        "    def batch(self, size, seed): raise NotImplementedError\n"
        "    def split(self, name): raise NotImplementedError\n"
        f"    def fingerprint(self): return Path({str(tmp_path / 'data')!r}).read_text()\n"
    )
    (tmp_path / "data").write_text("one")
    run, _ = start(settings_from({**TABLE, "task": f"{file}:Data", "trials": 5}), root=tmp_path)
    (tmp_path / "data").write_text("another")
    with pytest.raises(ReplayError, match=r"data of task .* was one and is another"):
        resume(run.folder, trials=10)
    resumed, _ = resume(run.folder, trials=10, adopt=True)
    assert any(note.startswith("adopted from trial 5 on: data of task") for note in resumed.manifest.notes)
    again, _ = resume(run.folder, trials=12)  # what was adopted is the record now
    assert again.count() == 12


def test_a_limit_of_time_stays_the_runs_own(tmp_path: Path) -> None:
    run, _ = start(settings_from({**TABLE, "max_time": 50, "trials": 5}), root=tmp_path)
    resumed, ended = resume(run.folder, trials=40, max_time=1e-9)
    assert ended is Ended.TIME
    assert resumed.manifest.settings["max_time"] == 50


def test_a_run_that_cannot_be_read_is_left_as_it_was(tmp_path: Path) -> None:
    run, _ = start(settings_from(TABLE), root=tmp_path)
    [part] = (run.folder / "trials").glob("part-*.parquet")
    part.write_bytes(part.read_bytes()[:100])
    before = (run.folder / "run.json").read_bytes()
    with pytest.raises(RunDamagedError):
        resume(run.folder, trials=50)
    assert (run.folder / "run.json").read_bytes() == before


@pytest.mark.parametrize("strategy", load_registry(only=[]).names("strategy"))
def test_a_strangers_space_works_with_every_strategy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    """One that came by an entry point and the hook, as an installed package's does."""
    write_distribution(tmp_path / "site", f"stranger_{strategy}", HOOK.replace("1, 3)", "1, 300)"))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("AUTOML_PLUGINS", f"stranger_{strategy}")
    registry = load_registry()
    assert "found" in registry.names("space")
    table = {"space": "found", "proxy": f"{HERE}:Anything", "strategy": strategy, "trials": 25}
    short, _ = start(settings_from({**table, "trials": 9}), root=tmp_path, registry=registry)
    whole, _ = start(settings_from(table), root=tmp_path, registry=registry)
    assert set(whole.trials()["status"]) == {"ok"}
    longer, _ = resume(short.folder, trials=25, registry=registry)
    assert_frame_equal(comparable(longer), comparable(whole))


@pytest.mark.slow
def test_a_candidate_that_hangs_cannot_do_it_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its driver is killed while it hangs; resumed, it hangs in a child, which has a limit then."""
    file = tmp_path / "hanging.py"
    file.write_text(SLOW_PARTS.replace("os._exit(7)", "time.sleep(3600)"))
    arguments = ["--space", f"{HERE}:Word", "--proxy", f"{file}:Deadly", "--strategy", "exhaustive"]
    command = automl_process("search", *arguments, "--out", str(tmp_path / "runs"), "--cache", "off")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list((tmp_path / "runs").glob("*/run.json")):
        time.sleep(0.02)
    time.sleep(1.5)
    process.kill()
    process.wait()
    monkeypatch.setattr("automl.core.launch._CAUTION_TIMEOUT", 2.0)
    resumed, ended = resume(open_run("last", root=tmp_path / "runs").folder)
    assert ended is Ended.EXHAUSTED
    frame = resumed.trials()
    assert list(frame[frame["status"] != "ok"]["status"].value_counts().items()) == [
        ("degenerate", (frame["status"] == "degenerate").sum()),
        ("timeout", 1),
    ]


@pytest.mark.slow
def test_a_candidate_that_kills_its_process_cannot_do_it_twice(tmp_path: Path) -> None:
    """Inline it takes the driver with it; resumed, it dies in a child, three times, and is given up."""
    file = tmp_path / "slow_parts.py"
    file.write_text(SLOW_PARTS)
    command = automl_process(
        "search", "--space", f"{HERE}:Word", "--proxy", f"{file}:Deadly", "--strategy", "exhaustive",
        "--trials", "200", "--out", str(tmp_path / "runs"), "--quiet", "--cache", "off",
    )  # fmt: skip
    assert subprocess.run(command, check=False, capture_output=True).returncode == 7
    run = open_run("last", root=tmp_path / "runs")
    assert run.manifest.state is RunState.RUNNING
    resumed, ended = resume(run.folder)
    assert ended is Ended.EXHAUSTED
    frame = resumed.trials()
    assert len(frame) == 3 + 9 + 27 + 81
    crashed = frame[frame["status"] == "crashed"]
    assert [json.loads(genotype)["length"] for genotype in crashed["genotype"]] == [3]
    assert crashed["reason"].iloc[0].endswith("it exited with code 7")


def killed_and_resumed(tmp_path: Path, arguments: list[str], kills: int, longest: float) -> Run:
    """Begin a search, kill it with SIGKILL at random moments, resume it each time, and let it end."""
    moments = random.Random(0)
    root = tmp_path / "killed"
    command = automl_process("search", *arguments, "--out", str(root))
    sealed, idle = [0], 0
    for _ in range(kills):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        assert process.stderr.readline().startswith("run ")  # from here on there is a run to be killed in
        time.sleep(moments.uniform(0.0, longest) * (1 + idle / 2))  # a slow machine is given more
        process.send_signal(signal.SIGKILL)
        _, error = process.communicate()
        assert process.returncode in (-signal.SIGKILL, 0), error
        sealed.append(open_run("last", root=root).count())
        idle = idle + 1 if sealed[-1] == sealed[-2] else 0
        command = automl_process("resume", "last", "--out", str(root))
    assert len(set(sealed)) > 2, f"no two kills came while trials were being made: {sealed}"
    assert sealed == sorted(sealed)
    finished = subprocess.run(command, check=False, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return open_run("last", root=root)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["evolution", "random"])
def test_killed_twenty_times_the_trials_are_the_same(tmp_path: Path, strategy: str) -> None:
    file = tmp_path / "slow_parts.py"
    file.write_text(SLOW_PARTS)
    arguments = [
        "--space", f"{HERE}:Word", "--proxy", f"{file}:Slow", "--strategy", strategy, "--trials", "120",
        "--cache", "off",
    ]  # fmt: skip
    whole = automl_process("search", *arguments, "--out", str(tmp_path / "whole"), "--quiet")
    subprocess.run(whole, check=True, capture_output=True)
    killed = killed_and_resumed(tmp_path, arguments, kills=20, longest=2.5)
    assert_frame_equal(comparable(killed), comparable(open_run("last", root=tmp_path / "whole")))


@pytest.mark.slow
def test_the_real_search_killed_and_resumed_is_the_same(tmp_path: Path, shared: Path) -> None:
    """The command of the README on real images, with the real proxy."""
    arguments = [
        "--space", "nasbench201", "--proxy", "ntk", "--task", "images", "--data",
        str(shared / "data" / "cifar10"), "--trials", "100", "--seed", "0",
    ]  # fmt: skip
    for name in ("first", "second"):
        command = automl_process("search", *arguments, "--out", str(tmp_path / name), "--quiet")
        subprocess.run(command, check=True, capture_output=True)
    first, second = (open_run("last", root=tmp_path / name) for name in ("first", "second"))
    assert len(first.trials()) == 100
    assert (first.trials()["status"] == "ok").any()
    assert_frame_equal(comparable(first), comparable(second))
    killed = killed_and_resumed(tmp_path, arguments, kills=20, longest=2.5)
    assert_frame_equal(comparable(killed), comparable(first))


@pytest.mark.slow
def test_ctrl_c_seals_the_run_and_says_how_to_go_on(tmp_path: Path) -> None:
    file = tmp_path / "slow_parts.py"
    file.write_text(SLOW_PARTS)
    root = tmp_path / "runs"
    command = automl_process(
        "search", "--space", f"{HERE}:Word", "--proxy", f"{file}:Slow", "--trials", "500",
        "--cache", "off", "--out", str(root),
    )  # fmt: skip
    for number in (signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        assert process.stderr.readline().startswith("run ")
        while not any(open_run("last", root=root).folder.glob("trials/part-*.parquet")):
            time.sleep(0.02)
        os.kill(process.pid, number)
        _, error = process.communicate(timeout=20)
        assert process.returncode == 130, error
        assert "Go on with:  automl resume" in error
        run = open_run("last", root=root)
        assert run.manifest.state is RunState.INTERRUPTED
        assert 0 < len(run.trials()) < 500
