"""What the loop hands to an engine, and what it gets back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from automl.core.contracts import Genotype, Outcome


@dataclass(frozen=True, slots=True)
class Work:
    """One candidate to evaluate.

    Attributes:
        number: the trial's number.
        genotype: the choices: all that travels to another process.
        repeat: how often an equal candidate was evaluated before.
        candidate: what the genotype defines, where it is at hand; it never travels.
    """

    number: int
    genotype: Genotype
    repeat: int = 0
    candidate: Any = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What became of one `Work`: the outcome, and the time and place."""

    number: int
    outcome: Outcome
    started_at: datetime
    host: str
    device: str


class Engine(Protocol):
    """Where evaluations run."""

    def room(self) -> int:
        """How many more candidates it takes now."""

    def submit(self, work: Work) -> None:
        """Take a candidate in. It returns at once."""

    def collect(self) -> Sequence[Evaluation]:
        """Wait for results, and return those there are: at least one, if anything was submitted."""

    def close(self) -> None:
        """End all that the engine started. What it has not evaluated is dropped."""
