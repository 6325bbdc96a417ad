"""Ctrl-C and SIGTERM: what they break off, and what they leave whole."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from automl.core import interrupt as subject
from automl.core.interrupt import PATIENCE, SIGNALS, Interrupt, Interrupted


@pytest.fixture(autouse=True)
def _handlers_are_given_back() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


def careless_plugin() -> None:
    """What a plugin does when Ctrl-C comes: it catches every `Exception`."""
    try:
        signal.raise_signal(signal.SIGINT)
    except Exception as error:
        raise AssertionError("a plugin swallowed the interrupt") from error


def careless_work() -> None:
    """The same, as an evaluation that goes on for long."""
    careless_plugin()
    raise AssertionError("the evaluation went on")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_outside_is_noted_and_breaks_nothing_off(number: signal.Signals) -> None:
    with Interrupt() as interrupt:
        assert not interrupt.requested
        os.kill(os.getpid(), number)
        assert interrupt.requested


def test_what_would_begin_after_a_signal_does_not() -> None:
    with Interrupt() as interrupt:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Interrupted), interrupt.breaks():
            raise AssertionError("what begins after the signal must not run")


def test_what_runs_is_broken_off_even_through_a_plugin_that_catches_everything() -> None:
    with Interrupt() as interrupt:
        with pytest.raises(Interrupted), interrupt.breaks():
            careless_work()
        assert interrupt.requested


def test_a_block_that_raises_or_ends_is_over() -> None:
    with Interrupt() as interrupt:
        with pytest.raises(KeyError), interrupt.breaks():
            raise KeyError
        with interrupt.breaks():
            pass
        signal.raise_signal(signal.SIGINT)
        assert interrupt.requested


def test_a_second_signal_does_not_break_off_the_clean_up() -> None:
    with Interrupt() as interrupt:
        with pytest.raises(Interrupted), interrupt.breaks():
            work_that_is_interrupted_again()
        assert interrupt.requested


def work_that_is_interrupted_again() -> None:
    try:
        careless_work()
    finally:
        signal.raise_signal(signal.SIGTERM)


def block(interrupt: Interrupt, log: list[str]) -> None:
    with interrupt.breaks():
        log.append("begun")
        log.append("done")
    log.append("left")


def signalled_at(step: int) -> tuple[list[str], list[str] | None, bool]:
    """Run `block`, with a signal just before its ``step``-th instruction, those of `breaks` included.

    Returns:
        What was logged; what had been when the signal came (nothing: it came to its end before); and
        whether it was broken off.
    """
    log: list[str] = []
    seen: list[str] | None = None
    files = {subject.__file__, contextlib.__file__, __file__}
    left, before = step, sys.gettrace()

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left, seen
        if frame.f_code.co_filename not in files:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left < 0 and seen is None:
                seen = list(log)
                signal.raise_signal(signal.SIGINT)
        return trace

    broken = False
    with Interrupt() as interrupt:
        sys.settrace(trace)
        try:
            block(interrupt, log)
        except Interrupted:
            broken = True
        finally:
            sys.settrace(before)
        assert interrupt.requested == (seen is not None)
        signal.raise_signal(signal.SIGINT)  # the block is over: this breaks nothing off
    return log, seen, broken


def test_there_is_no_instruction_at_which_a_signal_is_lost_or_comes_too_late() -> None:
    step, counts = 0, {True: 0, False: 0}
    while True:
        log, seen, broken = signalled_at(step)
        if seen is None:
            assert log == ["begun", "done", "left"]
            break
        assert broken or "done" in seen, f"step {step}: a signal at {seen}, and all of the block ran"
        assert not (broken and "left" in log), f"step {step}: broken off after the block"
        counts[broken] += 1
        step += 1
        assert step < 2000
    assert counts[True] > 20
    assert counts[False] > 0


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Python's own answer to Ctrl-C, also where the tests run in the background of a script, without it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_one_signal_more_than_its_patience_is_no_longer_caught() -> None:
    with Interrupt() as interrupt:
        for _ in range(PATIENCE):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert interrupt.requested


@pytest.mark.slow
def test_whoever_insists_ends_even_what_catches_everything() -> None:
    code = (
        "import signal\n"
        "from automl.core.interrupt import PATIENCE, Interrupt\n"
        "with Interrupt() as interrupt, interrupt.breaks():\n"
        "    for number in range(PATIENCE + 2):\n"
        "        try:\n"
        "            print(number, flush=True)\n"
        "            signal.raise_signal(signal.SIGTERM)\n"
        "        except BaseException:\n"
        "            pass\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGTERM
    assert done.stdout.split() == [str(number) for number in range(PATIENCE + 1)]


def test_outside_the_main_thread_nothing_is_taken_over() -> None:
    before = {each: signal.getsignal(each) for each in SIGNALS}
    seen: list[bool] = []

    def work() -> None:
        with Interrupt() as interrupt, interrupt.breaks():
            seen.append({each: signal.getsignal(each) for each in SIGNALS} == before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True]


def test_one_search_within_another_gives_the_signals_back_to_it() -> None:
    with Interrupt() as outer:
        with Interrupt() as inner:
            signal.raise_signal(signal.SIGINT)
        assert (inner.requested, outer.requested) == (True, False)
        signal.raise_signal(signal.SIGINT)
        assert outer.requested


def test_an_error_in_the_search_gives_the_signals_back() -> None:
    with pytest.raises(KeyError), Interrupt():
        raise KeyError
