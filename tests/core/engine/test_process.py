"""The child process itself: how it starts, what passes to and fro, and that nothing of it is left."""

from __future__ import annotations

import gc
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from automl.core.contracts import Genotype, Status
from automl.core.engine import IsolatedEngine, Work
from automl.core.engine.process import ChildProcess
from automl.core.errors import AutomlError, UsageError
from automl.core.settings import Settings, settings_from
from tests.core import parts
from tests.core.engine import nets, odd
from tests.core.engine.processes import gone, stopped
from tests.core.engine.test_isolated import child_of, driver, evaluate

pytestmark = pytest.mark.slow

RESTARTS = 50
LONG = 1_000_000

SPACE = """
from automl.core.contracts import SearchSpace
class Mine(SearchSpace[str]):
    name = 'mine'
    def define(self, choose):
        return choose.one_of('letter', OPTIONS)
"""


def settings(space: str | None = None, proxy: str | None = None, **more: object) -> Settings:
    space, proxy = space or f"{parts.__file__}:Word", proxy or f"{odd.__file__}:Length"
    return settings_from({"space": space, "proxy": proxy, **more})


def space_file(folder: Path, before: str = "", options: str = "['a', 'b']") -> str:
    file = folder / "mine.py"
    file.write_text(before + SPACE.replace("OPTIONS", options))
    return f"{file}:Mine"


@contextmanager
def engine(chosen: Settings) -> Iterator[IsolatedEngine]:
    made = IsolatedEngine(chosen)
    try:
        yield made
    finally:
        made.close()


def open_files() -> set[str]:
    gc.collect()
    return set(os.listdir("/proc/self/fd"))


# -- the start --------------------------------------------------------------------------------------------


def test_a_space_that_has_gone_is_named(tmp_path: Path) -> None:
    chosen = settings(space_file(tmp_path))
    (tmp_path / "mine.py").unlink()
    with pytest.raises(UsageError, match=r"no file '.*mine.py': expected a Python file"):
        ChildProcess(chosen)


def test_a_child_that_dies_at_the_start_says_how(tmp_path: Path) -> None:
    chosen = settings(space_file(tmp_path, "import os\nos._exit(9)\n"))
    with pytest.raises(AutomlError, match=r"did not start: it exited with code 9\. See .* automl doctor"):
        ChildProcess(chosen)


def test_a_child_without_an_interpreter_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(AutomlError, match="did not start: No such file or directory"):
        ChildProcess(settings())


@pytest.mark.parametrize("left", [0, 1, 2, 3])
def test_a_child_that_finds_no_file_descriptors_says_so_and_leaks_none(left: int) -> None:
    before = open_files()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = next(number for number in range(3, 10_000) if str(number) not in before)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + left, limits[1]))
    try:
        with pytest.raises(AutomlError, match="did not start: Too many open files"):
            ChildProcess(settings())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert open_files() == before


def test_files_beside_the_user_do_not_stand_in_for_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("random", "json", "socket", "torch"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('this is the file of a user')\n")
    monkeypatch.chdir(tmp_path)
    with engine(settings()) as made:
        assert evaluate(made, "ab").metrics["length"] == 2


def test_what_this_process_can_import_the_child_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside = tmp_path / "beside"
    beside.mkdir()
    (beside / "letters_of_mine.py").write_text("LETTERS = ['a', 'b']\n")
    monkeypatch.syspath_prepend(str(beside))
    chosen = settings(space_file(tmp_path, "from letters_of_mine import LETTERS\n", "LETTERS"))
    child = ChildProcess(chosen)
    assert child.alive
    child.close()


def test_a_driver_whose_messages_nobody_reads_has_children() -> None:
    code = (
        "from tests.core.engine.test_process import *\n"
        "sys.stderr.close()\n"
        "with engine(settings()) as made:\n"
        "    print(evaluate(made, 'ab').metrics['length'])\n"
    )
    assert driver(code).stdout == "2.0\n"


def test_the_first_evaluation_is_not_charged_for_what_has_to_be_loaded() -> None:
    chosen = settings(f"{nets.__file__}:Nets", f"{nets.__file__}:Ready", task=f"{nets.__file__}:Count")
    with engine(chosen) as made:
        made.submit(Work(0, Genotype({"first": "linear", "width": 8})))
        [evaluation] = made.collect()
    assert evaluation.outcome.metrics == {"loaded": 1.0, "drawn": 1.0}


# -- what passes ------------------------------------------------------------------------------------------


def test_long_candidates_pass(tmp_path: Path) -> None:
    with engine(settings(space_file(tmp_path, options=f"['a' * {LONG}, 'b']"))) as made:
        made.submit(Work(0, Genotype({"letter": "a" * LONG})))
        [evaluation] = made.collect()
    assert evaluation.outcome.metrics["length"] == LONG


def test_long_answers_pass(tmp_path: Path) -> None:
    file = tmp_path / "wordy.py"
    file.write_text(
        "from automl.core.contracts import DegenerateScoreError, Evaluator, Metric\n"
        "class Wordy(Evaluator):\n"
        "    name, view, metrics = 'wordy', None, (Metric('x'),)\n"
        f"    def score(self, subject, context): raise DegenerateScoreError('\\xe4' * {LONG})\n"
    )
    with engine(settings(proxy=f"{file}:Wordy")) as made:
        assert evaluate(made, "a").reason == "\xe4" * LONG


def test_a_child_that_does_not_even_read_is_late(tmp_path: Path) -> None:
    """The candidate is longer than what the connection holds: to send it takes as long as to wait."""
    with engine(settings(space_file(tmp_path, options=f"['a' * {LONG}, 'b']"), timeout=1.0)) as made:
        made.submit(Work(0, Genotype({"letter": "b"})))
        made.collect()
        os.kill(child_of(made), signal.SIGSTOP)
        assert stopped(child_of(made))
        made.submit(Work(1, Genotype({"letter": "a" * LONG})))
        [late] = made.collect()
        assert late.outcome.status is Status.TIMEOUT
        made.submit(Work(2, Genotype({"letter": "b"})))
        [good] = made.collect()
        assert good.outcome.status is Status.OK


# -- the end ----------------------------------------------------------------------------------------------


def test_to_close_ends_the_child_once_and_for_all() -> None:
    child = ChildProcess(settings())
    pid = child.pid
    assert pid is not None
    assert child.alive
    child.close()
    alive: bool = child.alive
    assert not alive
    assert gone(pid)
    child.close()


def test_a_child_ends_when_its_driver_hangs_up() -> None:
    """Where the system does not tell a parent's death, this is how a child learns of it."""
    child = ChildProcess(settings())
    child._connection.close()
    assert child.ending() == "it exited with code 0"
    child.close()


def test_nothing_is_left_open_however_often_it_starts(tmp_path: Path) -> None:
    missing = settings(space_file(tmp_path))
    (tmp_path / "mine.py").unlink()
    chosen = settings()
    ChildProcess(chosen).close()  # what is opened once and for all is open now
    before = open_files()
    pids = []
    for number in range(RESTARTS):
        with engine(chosen) as made:
            if number % 5 == 0:
                with pytest.raises(UsageError):
                    ChildProcess(missing)
            else:
                assert evaluate(made, "ab").metrics["length"] == 2
                pids.append(child_of(made))
                os.kill(pids[-1], signal.SIGKILL)
    assert open_files() == before
    assert len(set(pids)) == RESTARTS * 4 // 5
    assert all(gone(pid) for pid in pids)
    children = subprocess.run(
        ["ps", "--ppid", str(os.getpid()), "-o", "pid="], capture_output=True, text=True, check=False
    )
    assert not set(children.stdout.split()) & {str(pid) for pid in pids}, "zombies"
