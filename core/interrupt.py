"""Ctrl-C and SIGTERM: a search stops between two trials, not in the middle of writing one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """Raised inside an evaluation that a signal breaks off. Not an `Exception`: no plugin may catch it."""


class Interrupt:
    """Whether the search was asked to stop.

    As a context manager it takes the signals over, in the main thread; elsewhere nothing changes. A signal
    only sets `requested`, except where `breaks` allows to break off what runs.
    """

    def __init__(self) -> None:
        self.requested = False
        self._breakable = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def breaks(self) -> Iterator[None]:
        """What runs in this block may be broken off by `Interrupted`."""
        if self.requested:
            raise Interrupted
        self._breakable = True
        try:
            yield
        finally:
            self._breakable = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        if self._breakable:
            self._breakable = False
            raise Interrupted
