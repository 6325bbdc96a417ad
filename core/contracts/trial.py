"""Outcomes and trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from automl.core.contracts.genotype import Genotype


class Status(StrEnum):
    """How an evaluation ended. Only ``ok`` carries numbers that can be ranked."""

    OK = "ok"
    DEGENERATE = "degenerate"
    """The score is not a number one can rank: a singular kernel, logits that are not finite."""
    INVALID = "invalid"
    """The network cannot be built or run."""
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    """The process died, three times in a row, with this candidate alone in it."""
    PRUNED = "pruned"


MACHINE_DEPENDENT = frozenset({Status.TIMEOUT, Status.OUT_OF_MEMORY, Status.CRASHED})
"""Outcomes that another machine, or another day, may not repeat: exempt from the promise of replay."""


class Source(StrEnum):
    """Where a trial's outcome comes from."""

    EVALUATED = "evaluated"
    CACHE = "cache"
    """An equal candidate was evaluated before, and its result was there to be taken."""
    TABLE = "table"
    JOINED = "joined"
    """An equal candidate was under evaluation: this trial waited for it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one evaluation gave.

    Attributes:
        status: how it ended.
        metrics: finite numbers by metric name; all that were declared where ``status`` is ``ok``.
        reason: why it failed, in one line; empty where it did not.
        seconds: how long the evaluation took (wall time).

    Raises:
        ValueError: a metric is not a finite number, an ``ok`` has none, or a failure has no reason.
    """

    status: Status
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        for name, value in self.metrics.items():
            if not math.isfinite(value):
                raise ValueError(
                    f"metric {name!r} is {value!r}: return Outcome.degenerate(reason) for a score that is "
                    "no number, never a NaN, an infinity or a magic number"
                )
        if self.status is Status.OK and not self.metrics:
            raise ValueError("an outcome that is 'ok' needs metrics: all that the evaluator declares")
        if self.status is not Status.OK and not self.reason:
            raise ValueError(f"an outcome that is {self.status.value!r} needs a reason")

    @classmethod
    def ok(cls, metrics: Mapping[str, float], *, seconds: float = 0.0) -> Outcome:
        """A success with its metrics."""
        return cls(Status.OK, {name: float(value) for name, value in metrics.items()}, "", seconds)

    @classmethod
    def degenerate(cls, reason: str, metrics: Mapping[str, float] | None = None) -> Outcome:
        """A score that is not a number one can rank, with the reason, and what numbers there are."""
        return cls(Status.DEGENERATE, dict(metrics or {}), reason)

    @classmethod
    def failed(cls, status: Status, reason: str, *, seconds: float = 0.0) -> Outcome:
        """A failure of any kind, with the reason."""
        return cls(status, {}, reason, seconds)


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate with its outcome and where it came from: what a strategy is told.

    Attributes:
        number: counted from 0 in the order of the proposals.
        genotype: the choices made.
        outcome: what the evaluation gave.
        gains: the objectives' values with signs turned so that more is better, in the order of the
            objectives; nothing where the trial failed. A failure ranks below every success.
        source: where the outcome comes from.
        stage: which evaluator of a funnel; 0 is the first.
        rung: which report of one evaluation; 0 where there is one only.
        parent: the number of the trial that this one descends from, if any.
        fidelity: how dear an evaluation was asked for, if the strategy said (epochs, for example).
    """

    number: int
    genotype: Genotype
    outcome: Outcome
    gains: tuple[float, ...] | None
    source: Source = Source.EVALUATED
    stage: int = 0
    rung: int = 0
    parent: int | None = None
    fidelity: float | None = None
