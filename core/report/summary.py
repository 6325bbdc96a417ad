"""A run in a few numbers, and its best candidates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from automl.core.contracts import Objective, Source, Status
from automl.core.store import Row, Run
from automl.core.store.manifest import parse_objective


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in a few numbers.

    Attributes:
        trials: how many there are.
        statuses: how many of each status.
        sources: how many outcomes were evaluated, found, joined.
        reasons: the commonest reasons of failures, with how often each came.
        evaluation_seconds: the sum of what the evaluations took.
        best: the best rows by the first objective, no two of them equal candidates.
    """

    trials: int
    statuses: Mapping[str, int]
    sources: Mapping[str, int]
    reasons: tuple[tuple[str, int], ...]
    evaluation_seconds: float
    best: tuple[Row, ...]

    @property
    def succeeded(self) -> int:
        """How many trials have a score."""
        return self.statuses.get(Status.OK.value, 0)

    def as_json(self) -> dict[str, Any]:
        """The summary as JSON-able values."""
        return {
            "trials": self.trials,
            "statuses": dict(self.statuses),
            "sources": dict(self.sources),
            "reasons": [{"reason": reason, "count": count} for reason, count in self.reasons],
            "evaluation_seconds": round(self.evaluation_seconds, 6),
            "best": [row_as_json(row) for row in self.best],
        }


def objectives_of(run: Run) -> tuple[Objective, ...]:
    """The run's objectives, the first one first."""
    return tuple(parse_objective(text) for text in run.manifest.objectives)


def summarise(run: Run, top: int = 10) -> Summary:
    """The run in a few numbers.

    Args:
        run: the run; it may be in the middle of being written.
        top: how many of the best to keep.
    """
    statuses: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    seconds = 0.0
    for row in run.rows():
        statuses[row.status.value] += 1
        sources[row.source.value] += 1
        if row.status is not Status.OK:
            reasons[row.reason] += 1
        if row.source is Source.EVALUATED:
            seconds += row.seconds
    return Summary(
        trials=sum(statuses.values()),
        statuses=dict(statuses),
        sources=dict(sources),
        reasons=tuple(reasons.most_common(3)),
        evaluation_seconds=seconds,
        best=tuple(run.best(top)),
    )


def row_as_json(row: Row) -> dict[str, Any]:
    """What a program wants to know of a trial."""
    return {
        "trial": row.trial,
        "status": row.status.value,
        "reason": row.reason,
        "candidate": row.candidate,
        "genotype": dict(row.genotype),
        "key": row.key,
        "source": row.source.value,
        "objective": row.objective,
        "metrics": dict(row.metrics),
        "seconds": row.seconds,
        "parent": row.parent,
    }
