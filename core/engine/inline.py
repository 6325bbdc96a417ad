"""The inline engine: evaluations run in this process."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from automl.core.engine.work import Evaluation, Work
from automl.core.engine.workbench import Workbench

BATCH_SECONDS = 0.1
"""About how long a batch may take: long enough to share work, short enough to stop, seal and show."""

_MOST = 1024
"""Candidates in a batch, however fast they are."""


class InlineEngine:
    """Evaluates in this process, in batches sized by what the last one cost.

    The first batch is a single candidate, so that the first result comes as soon as it can.
    """

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._queue: list[Work] = []
        self._size = 1

    def room(self) -> int:
        """How many more candidates it takes now."""
        return self._size - len(self._queue)

    def submit(self, work: Work) -> None:
        """Take a candidate in."""
        self._queue.append(work)

    def collect(self) -> Sequence[Evaluation]:
        """Evaluate what was submitted."""
        batch, self._queue = self._queue, []
        if not batch:
            return []
        start = perf_counter()
        evaluations = self._workbench.evaluate(batch)
        each = (perf_counter() - start) / len(batch)
        self._size = max(1, min(int(BATCH_SECONDS / max(each, 1e-9)), 2 * self._size, _MOST))
        return evaluations

    def close(self) -> None:
        """Nothing was started; what was not evaluated is dropped."""
        self._queue = []
