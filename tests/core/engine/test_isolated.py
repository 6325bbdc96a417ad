"""The child process: it hangs, dies and prints, and the search does not care. Real processes, real kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from automl.core.contracts import Genotype, Outcome, Status
from automl.core.engine import CautiousEngine, InlineEngine, IsolatedEngine, Work, Workbench
from automl.core.errors import AutomlError, DataError, UsageError
from automl.core.registry import load_registry
from automl.core.settings import Settings, settings_from
from tests.core import parts
from tests.core.engine import odd
from tests.core.engine.test_workbench import genotype

pytestmark = pytest.mark.slow


def settings(proxy: str, **more: object) -> Settings:
    return settings_from({"space": f"{parts.__file__}:Word", "proxy": f"{odd.__file__}:{proxy}", **more})


@pytest.fixture
def fatal() -> Iterator[IsolatedEngine]:
    engine = IsolatedEngine(settings("Fatal", timeout=1.0))
    yield engine
    engine.close()


def evaluate(engine: IsolatedEngine | CautiousEngine | InlineEngine, word: str) -> Outcome:
    engine.submit(Work(0, genotype(word)))
    [evaluation] = engine.collect()
    return evaluation.outcome


def child_of(engine: IsolatedEngine) -> int:
    assert engine._child is not None
    return engine._child._process.pid


def gone(pid: int) -> bool:
    """Whether the process has ended, waiting for it a while."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_the_outcomes_are_those_of_this_process() -> None:
    chosen = settings("Length")
    isolated, inline = IsolatedEngine(chosen), InlineEngine(Workbench(chosen, load_registry(only=[])))
    try:
        for word in ("a", "cab", "bbbb"):
            assert evaluate(isolated, word).metrics == evaluate(inline, word).metrics
    finally:
        isolated.close()


def test_what_kills_or_hangs_the_child_is_an_outcome_and_the_next_one_works(fatal: IsolatedEngine) -> None:
    outcome = evaluate(fatal, "a")
    assert outcome.status is Status.CRASHED
    assert outcome.reason == "its process died 3 times: it exited with code 3"
    assert evaluate(fatal, "ab").metrics == {"fatal": 2.0}
    outcome = evaluate(fatal, "b")
    assert outcome.status is Status.CRASHED
    assert "SIGSEGV" in outcome.reason
    outcome = evaluate(fatal, "c")
    assert outcome.status is Status.TIMEOUT
    assert outcome.reason == "no result after 1 s"
    assert 1.0 <= outcome.seconds < 5.0
    assert evaluate(fatal, "abc").metrics == {"fatal": 3.0}


def test_a_child_that_dies_once_counts_against_nobody(tmp_path: Path) -> None:
    proxy = {f"{odd.__file__}:Fatal": {"deaths": str(tmp_path / "deaths")}}
    engine = IsolatedEngine(settings_from({"space": f"{parts.__file__}:Word", "proxy": proxy}))
    try:
        assert evaluate(engine, "a").metrics == {"fatal": 1.0}
        os.kill(child_of(engine), signal.SIGKILL)  # idle: nobody's fault
        assert gone(child_of(engine))
        assert evaluate(engine, "abc").metrics == {"fatal": 1.0}
    finally:
        engine.close()


def test_an_error_of_the_data_in_the_child_is_the_same_error_here() -> None:
    engine = IsolatedEngine(settings("TornData"))
    try:
        with pytest.raises(DataError, match=r"image 7 is torn\. Mend it\."):
            evaluate(engine, "a")
    finally:
        engine.close()


def test_a_child_that_cannot_start_says_why(tmp_path: Path) -> None:
    file = tmp_path / "space.py"
    file.write_text(Path(parts.__file__).read_text())
    chosen = settings_from({"space": f"{file}:Word", "proxy": f"{odd.__file__}:Length"})
    file.unlink()
    engine = IsolatedEngine(chosen)
    with pytest.raises(UsageError, match=r"no file .*space.py"):
        evaluate(engine, "a")
    engine.close()


def test_a_child_that_dies_at_the_start_says_so(tmp_path: Path) -> None:
    file = tmp_path / "space.py"
    file.write_text("import os\nos._exit(9)\n")
    engine = IsolatedEngine(settings_from({"space": f"{file}:Word", "proxy": f"{odd.__file__}:Length"}))
    with pytest.raises(AutomlError, match="did not start: it exited with code 9"):
        evaluate(engine, "a")
    engine.close()


def test_long_messages_pass(tmp_path: Path) -> None:
    file = tmp_path / "space.py"
    file.write_text(
        "from automl.core.contracts import SearchSpace\n"
        "class Long(SearchSpace[str]):\n"
        "    name = 'long'\n"
        "    def define(self, choose): return choose.one_of('x', ['y' * 1_000_000, 'z'])\n"
    )
    engine = IsolatedEngine(settings_from({"space": f"{file}:Long", "proxy": f"{odd.__file__}:Length"}))
    try:
        engine.submit(Work(0, Genotype({"x": "y" * 1_000_000})))
        [evaluation] = engine.collect()
        assert evaluation.outcome.metrics["length"] == 1_000_000
    finally:
        engine.close()


def test_nothing_is_left_open(fatal: IsolatedEngine) -> None:
    evaluate(fatal, "a")  # three children
    fatal.close()
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(3):
        evaluate(fatal, "a")
        evaluate(fatal, "ab")
        pid = child_of(fatal)
        fatal.close()
        assert gone(pid)
    assert set(os.listdir("/proc/self/fd")) == before


@pytest.mark.skipif(sys.platform != "linux", reason="a parent's death is told to its children on Linux only")
def test_a_hanging_child_dies_with_its_parent() -> None:
    code = (
        "from tests.core.engine.test_isolated import *\n"
        "engine = IsolatedEngine(settings('Fatal'))\n"
        "evaluate(engine, 'ab')\n"
        "print(child_of(engine), flush=True)\n"
        "evaluate(engine, 'c')\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    time.sleep(0.5)
    parent.kill()
    parent.communicate()
    assert gone(pid)


def test_caution_ends_when_what_may_have_killed_the_last_run_is_behind() -> None:
    chosen = settings("Length")
    isolated, inline = IsolatedEngine(chosen), InlineEngine(Workbench(chosen, load_registry(only=[])))
    engine = CautiousEngine(isolated, inline, seconds=1e-9)
    try:
        assert evaluate(engine, "ab").metrics["length"] == 2
        assert isolated._child is None  # it has been ended
        assert evaluate(engine, "abc").metrics["length"] == 3
        assert isolated._child is None
    finally:
        engine.close()
    patient = CautiousEngine(IsolatedEngine(chosen), inline, seconds=60)
    try:
        for word in ("a", "ab"):
            evaluate(patient, word)
        assert patient._now is not inline
    finally:
        patient.close()
