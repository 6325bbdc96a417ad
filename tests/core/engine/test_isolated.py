"""The engine in a child process: what hangs and dies there is an outcome. Real processes, real kills."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from automl.core.contracts import Genotype, Outcome, Status
from automl.core.engine import IsolatedEngine, Work
from automl.core.errors import AutomlError, DataError
from automl.core.interrupt import Interrupt, Interrupted
from automl.core.settings import settings_from
from tests.core import parts
from tests.core.engine import deadly
from tests.core.engine.deadly import noted
from tests.core.engine.processes import gone, stopped, written
from tests.core.engine.test_workbench import genotype

pytestmark = pytest.mark.slow

TIMEOUT = 1.0
"""Seconds; far more than a word needs, also on a slow machine."""

SPACE = f"{parts.__file__}:Word"


@dataclass
class Bench:
    """An engine, and the file in which the evaluator notes its attempts."""

    notes: str
    engine: IsolatedEngine

    def begin(self, how: str, *, timeout: float | None = None, times: int = 1000) -> None:
        proxy = {f"{deadly.__file__}:Deadly": {"how": how, "notes": self.notes, "times": times}}
        self.engine = IsolatedEngine(settings_from({"space": SPACE, "proxy": proxy, "timeout": timeout}))

    def evaluate(self, word: str) -> Outcome:
        return evaluate(self.engine, word)

    @property
    def attempts(self) -> list[int]:
        return noted(self.notes)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(str(tmp_path / "notes"), IsolatedEngine(settings_from({"space": SPACE, "proxy": "params"})))
    yield made
    made.engine.close()
    assert all(gone(pid) for pid in made.attempts), "something was left running"


def evaluate(engine: Any, word: str) -> Outcome:
    assert engine.room() == 1
    engine.submit(Work(5, genotype(word)))
    assert engine.room() == 0
    [evaluation] = engine.collect()
    assert evaluation.number == 5
    outcome: Outcome = evaluation.outcome
    return outcome


def child_of(engine: IsolatedEngine) -> int:
    assert engine._child is not None
    assert engine._child.pid is not None
    return engine._child.pid


# -- what the candidate does ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "ending"),
    [
        ("exit", "it exited with code 3"),
        ("segfault", "it was ended by SIGSEGV"),
        ("kill", "it was ended by SIGKILL, perhaps because memory ran out"),
        ("unknown_signal", f"it was ended by signal {signal.SIGRTMIN + 3}"),
    ],
)
def test_what_kills_three_processes_has_crashed_and_the_next_one_works(
    bench: Bench, how: str, ending: str
) -> None:
    bench.begin(how)
    outcome = bench.evaluate("a")
    assert (outcome.status, outcome.reason) == (Status.CRASHED, f"its process died 3 times: {ending}")
    assert outcome.seconds > 0
    assert len(set(bench.attempts)) == 3
    assert bench.evaluate("ab").metrics == {"length": 2}


@pytest.mark.parametrize("how", ["hang", "hang_in_c"])
def test_what_hangs_is_late_and_the_next_one_works(bench: Bench, how: str) -> None:
    bench.begin(how, timeout=TIMEOUT)
    outcome = bench.evaluate("a")
    assert (outcome.status, outcome.reason) == (Status.TIMEOUT, "no result after 1 s")
    assert outcome.seconds >= TIMEOUT
    assert bench.evaluate("ab").metrics == {"length": 2}
    assert len(bench.attempts) == 1


def test_what_dies_twice_succeeds_in_the_end(bench: Bench) -> None:
    bench.begin("kill", times=2)
    assert bench.evaluate("a").metrics == {"length": 1}
    assert len(set(bench.attempts)) == 2


def test_what_hangs_takes_along_what_it_started(bench: Bench) -> None:
    bench.begin("hang_with_family", timeout=TIMEOUT)
    assert bench.evaluate("a").status is Status.TIMEOUT
    [family] = bench.attempts
    assert gone(family)


def test_a_process_that_is_left_behind_hides_no_death(bench: Bench) -> None:
    bench.begin("die_with_heir")
    outcome = bench.evaluate("a")
    assert outcome.reason == "its process died 3 times: it exited with code 4"
    assert all(gone(heir) for heir in bench.attempts)


def test_to_quit_is_no_death(bench: Bench) -> None:
    bench.begin("quit")
    outcome = bench.evaluate("a")
    assert outcome.status is Status.INVALID
    assert outcome.reason == "SystemExit: it tried to end the process, with 'no more'"


def test_an_error_of_the_plugins_own_ends_the_search_as_what_it_is(bench: Bench) -> None:
    bench.begin("raise_own_error")
    with pytest.raises(DataError, match=r"image 7 is torn\. Mend it\."):
        bench.evaluate("a")
    assert bench.evaluate("ab").metrics == {"length": 2}


def test_what_should_not_happen_is_told_and_no_candidates_fault(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "space.py"
    file.write_text(
        "from automl.core.contracts import SearchSpace\n"
        "class Odd(SearchSpace[str]):\n"
        "    name = 'odd'\n"
        "    def define(self, choose):\n"
        "        return {'a': 'x'}[choose.one_of('letter', ['a', 'b'])]\n"
    )
    engine = IsolatedEngine(settings_from({"space": f"{file}:Odd", "proxy": f"{deadly.__file__}:Deadly"}))
    try:
        engine.submit(Work(0, Genotype({"letter": "b"})))
        with pytest.raises(AutomlError, match="the child process for evaluations failed: KeyError: 'b'"):
            engine.collect()
    finally:
        engine.close()
    assert f'File "{file}", line 5' in capfd.readouterr().err


# -- what others do ---------------------------------------------------------------------------------------


def test_a_child_that_dies_with_nothing_to_do_counts_against_nobody(bench: Bench) -> None:
    bench.begin("exit", times=2)
    for _ in range(3):
        assert bench.evaluate("ab").metrics == {"length": 2}
        os.kill(child_of(bench.engine), signal.SIGKILL)
        assert gone(child_of(bench.engine))
    assert bench.evaluate("a").metrics == {"length": 1}  # after two deaths of its own
    assert len(bench.attempts) == 2


def test_a_child_may_outlive_the_thread_that_started_it_or_not(bench: Bench) -> None:
    bench.begin("exit")
    found: list[Outcome] = []
    thread = threading.Thread(target=lambda: found.append(bench.evaluate("ab")))
    thread.start()
    thread.join()
    assert bench.evaluate("abc").metrics == {"length": 3}
    assert found[0].metrics == {"length": 2}


def test_an_interrupt_ends_the_child_and_no_answer_is_taken_for_anothers(bench: Bench) -> None:
    bench.begin("interrupt_the_driver")
    with Interrupt() as interrupt:
        with pytest.raises(Interrupted), interrupt.breaks():
            bench.evaluate("a")
        [hanging] = bench.attempts
        assert gone(hanging)
        assert bench.evaluate("abc").metrics == {"length": 3}


def test_ctrl_c_at_the_terminal_is_the_drivers_to_handle(tmp_path: Path) -> None:
    """The driver lets the evaluation end. Its child has to live on, and to give what it always gives."""
    notes = tmp_path / "notes"
    code = (
        "from tests.core.engine.test_isolated import *\n"
        f"bench = Bench({str(notes)!r}, None)\n"
        "bench.begin('interrupt_all', times=2)\n"
        "with Interrupt() as interrupt:\n"
        "    print(bench.evaluate('a').metrics, interrupt.requested)\n"
        "    print(bench.evaluate('abc').metrics, bench.attempts == [child_of(bench.engine)])\n"
        "bench.engine.close()\n"
    )
    done = driver(code, start_new_session=True)
    assert done.stdout.splitlines() == ["{'length': 1.0} True", "{'length': 3.0} True"], done.stderr


def test_a_driver_that_is_suspended_finds_the_answer_when_it_goes_on(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    code = (
        "from tests.core.engine.test_isolated import *\n"
        f"bench = Bench({str(notes)!r}, None)\n"
        f"bench.begin('suspend_the_driver', timeout={TIMEOUT})\n"
        "print(bench.evaluate('a').metrics)\n"
        "bench.engine.close()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert written(notes), "the evaluation did not begin"
        assert stopped(process.pid)
        time.sleep(1.2 * TIMEOUT)
        process.send_signal(signal.SIGCONT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert output == "{'length': 1.0}\n"


def test_a_plugin_may_print_to_a_terminal_that_stops_what_runs_in_the_background(tmp_path: Path) -> None:
    """``stty tostop``: the child is not in the foreground, and prints."""
    code = (
        "import fcntl, termios\n"
        "from tests.core.engine.test_isolated import *\n"
        "fcntl.ioctl(2, termios.TIOCSCTTY, 0)\n"
        "terminal = termios.tcgetattr(2)\n"
        "terminal[3] |= termios.TOSTOP\n"
        "termios.tcsetattr(2, termios.TCSANOW, terminal)\n"
        f"bench = Bench({str(tmp_path / 'notes')!r}, None)\n"
        f"bench.begin('print_much', timeout={TIMEOUT})\n"
        "print(bench.evaluate('a').metrics)\n"
        "bench.engine.close()\n"
    )
    ours, theirs = pty.openpty()
    try:
        process = subprocess.run(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=theirs,
            start_new_session=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert process.stdout == "{'length': 1.0}\n"
        assert b'{"ready": true}' in os.read(ours, 4096)
    finally:
        os.close(ours)
        os.close(theirs)


def test_what_a_plugin_prints_is_neither_an_answer_nor_output_of_ours(tmp_path: Path) -> None:
    code = (
        "from tests.core.engine.test_isolated import *\n"
        f"bench = Bench({str(tmp_path / 'notes')!r}, None)\n"
        "bench.begin('print_much')\n"
        "print(bench.evaluate('a').metrics)\n"
        "bench.engine.close()\n"
    )
    done = driver(code)
    assert done.stdout == "{'length': 1.0}\n"
    assert done.stderr.splitlines() == ['{"ready": true}', '{"number": 0, "status": "ok"}']


@pytest.mark.skipif(sys.platform != "linux", reason="a parent's death is told to its children on Linux only")
@pytest.mark.parametrize("how", ["hang", "hang_in_c"])
def test_a_child_that_hangs_dies_with_its_driver(tmp_path: Path, how: str) -> None:
    notes = tmp_path / "notes"
    code = (
        "from tests.core.engine.test_isolated import *\n"
        f"bench = Bench({str(notes)!r}, None)\n"
        f"bench.begin({how!r})\n"
        "bench.evaluate('a')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        assert written(notes), "the evaluation did not begin"
    finally:
        process.kill()
        process.wait()
    [child] = noted(str(notes))
    assert gone(child)


def driver(code: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """A process with an engine of its own."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120, **more
    )
