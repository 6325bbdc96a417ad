"""An engine that evaluates in a child process, so that a hang or a crash is an outcome and not the end."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic

from automl.core.contracts import Outcome, Status
from automl.core.engine.messages import decode_evaluation, encode_work
from automl.core.engine.process import ChildProcess
from automl.core.engine.work import Evaluation, Work
from automl.core.settings import Settings

MOST_DEATHS = 3
"""How often a process may die with one candidate before the candidate is given up."""


class IsolatedEngine:
    """Evaluates one candidate at a time in a child process, which is replaced when it dies or hangs.

    Args:
        settings: what the child makes its workbench from; ``settings.timeout`` limits each evaluation.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._queue: list[Work] = []
        self._child: ChildProcess | None = None

    def room(self) -> int:
        """How many more candidates it takes now."""
        return 1 - len(self._queue)

    def submit(self, work: Work) -> None:
        """Take a candidate in."""
        self._queue.append(work)

    def collect(self) -> Sequence[Evaluation]:
        """Evaluate what was submitted."""
        batch, self._queue = self._queue, []
        return [self._evaluate(work) for work in batch]

    def close(self) -> None:
        """End the child process."""
        self._queue = []
        if self._child is not None:
            self._child.close()
            self._child = None

    def _evaluate(self, work: Work) -> Evaluation:
        endings: list[str] = []
        started, clock, timeout = datetime.now(UTC), monotonic(), self._settings.timeout
        while len(endings) < MOST_DEATHS:
            child = self._ready_child()
            asked = monotonic()
            try:
                return decode_evaluation(child.ask(encode_work(work), timeout))
            except TimeoutError:
                self.close()
                reason = f"no result after {timeout:g} s"
                return self._failed(work, Status.TIMEOUT, reason, started, monotonic() - asked)
            except EOFError:
                endings.append(child.ending())
                self.close()
            except BaseException:
                self.close()  # it may still answer, and would be taken to speak of the next candidate
                raise
        reason = f"its process died {MOST_DEATHS} times: {endings[-1]}"
        return self._failed(work, Status.CRASHED, reason, started, monotonic() - clock)

    def _ready_child(self) -> ChildProcess:
        """The child, or a new one. One that died while it had nothing to do counts against nobody."""
        if self._child is not None and not self._child.alive:
            self.close()
        if self._child is None:
            self._child = ChildProcess(self._settings)
        return self._child

    def _failed(
        self, work: Work, status: Status, reason: str, started: datetime, seconds: float
    ) -> Evaluation:
        outcome = Outcome.failed(status, reason, seconds=seconds)
        return Evaluation(work.number, outcome, started, socket.gethostname(), self._settings.device)
