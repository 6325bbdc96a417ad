"""Ctrl-C and SIGTERM: what they break off, and what they leave whole."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from automl.core.interrupt import SIGNALS, Interrupt, Interrupted


def interrupted_work() -> None:
    """What a plugin does when Ctrl-C comes: it catches every `Exception`."""
    try:
        os.kill(os.getpid(), signal.SIGINT)
        signal.sigtimedwait([], 1)  # a moment for the handler to run
    except Exception as error:
        raise AssertionError("a plugin swallowed the interrupt") from error


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_noted_and_breaks_off_only_what_may_be_broken(number: signal.Signals) -> None:
    before = {each: signal.getsignal(each) for each in SIGNALS}
    with Interrupt() as interrupt:
        os.kill(os.getpid(), number)
        assert interrupt.requested
        with pytest.raises(Interrupted), interrupt.breaks():
            raise AssertionError("what begins after the signal must not run")
    assert {each: signal.getsignal(each) for each in SIGNALS} == before


def test_what_runs_is_broken_off_even_through_a_plugin_that_catches_everything() -> None:
    with Interrupt() as interrupt, pytest.raises(Interrupted), interrupt.breaks():
        interrupted_work()


def test_a_second_signal_does_not_break_off_the_clean_up() -> None:
    with Interrupt() as interrupt:
        with pytest.raises(Interrupted), interrupt.breaks():
            interrupted_work()
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupt.requested


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
