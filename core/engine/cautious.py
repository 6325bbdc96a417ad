"""After a run that ended badly: what may have ended it runs in a child process first."""

from __future__ import annotations

from collections.abc import Sequence

from automl.core.engine.work import Engine, Evaluation, Work


class CautiousEngine:
    """Evaluates in a child process until what may have ended the last run is behind, then in this one.

    Of a run that ended badly, what was not sealed is at most ``seconds`` of evaluations, and one that was
    still running: whatever killed it is among them. The child's first evaluation does not count: it may take
    most of its time to load what the last run had long loaded.
    """

    def __init__(self, isolated: Engine, inline: Engine, *, seconds: float) -> None:
        self._now, self._later = isolated, inline
        self._seconds_left = seconds
        self._begun = False

    def room(self) -> int:
        """How many more candidates it takes now."""
        return self._now.room()

    def submit(self, work: Work) -> None:
        """Take a candidate in."""
        self._now.submit(work)

    def collect(self) -> Sequence[Evaluation]:
        """Evaluate what was submitted."""
        evaluations = self._now.collect()
        if evaluations and self._now is not self._later:
            if self._begun:
                self._seconds_left -= sum(evaluation.outcome.seconds for evaluation in evaluations)
            self._begun = True
            if self._seconds_left <= 0:
                self._now.close()
                self._now = self._later
        return evaluations

    def close(self) -> None:
        """End all that was started."""
        self._now.close()
        self._later.close()
