"""Ctrl-C and SIGTERM: a search stops between two trials, not in the middle of writing one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)

PATIENCE = 2
"""So many signals ask for a clean end. Whoever sends another one means it: it does what it would have done
without us, so that nothing, not even a plugin that catches everything, can keep a search from ending."""


class Interrupted(BaseException):
    """Raised inside an evaluation that a signal breaks off. Not an `Exception`: no plugin may catch it."""


class Interrupt:
    """Whether the search was asked to stop.

    As a context manager it takes the signals over, in the main thread; elsewhere nothing changes. A signal
    only sets `requested`, except where `breaks` allows to break off what runs.
    """

    def __init__(self) -> None:
        self.requested = False
        self._signals = 0
        self._breakable = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._before[number] = signal.getsignal(number)
                signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_back()

    @contextmanager
    def breaks(self) -> Iterator[None]:
        """What runs in this block may be broken off by `Interrupted`."""
        self._breakable = True
        try:
            if self.requested:  # looked at only now: a signal is seen here, or breaks off what follows
                raise Interrupted
            yield
        finally:
            self._breakable = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        self._signals += 1
        if self._breakable:
            self._breakable = False  # before it raises: this may be the very end of the block
            raise Interrupted
        if self._signals > PATIENCE:
            self._give_back()
            signal.raise_signal(number)

    def _give_back(self) -> None:
        for number, handler in self._before.items():
            # Nothing: a handler that was not set from Python, and cannot be set from there again.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before = {}
