"""The strategy: decides what to try next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Any, ClassVar

from automl.core.contracts.component import Component, Options
from automl.core.contracts.genotype import Genotype
from automl.core.contracts.metric import Objective
from automl.core.contracts.space import SearchSpace
from automl.core.contracts.trial import Trial


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a strategy wants tried next.

    Attributes:
        genotype: the candidate.
        parent: the number of the trial it descends from, if any.
        stage: which evaluator of a funnel it is for.
        fidelity: how dear an evaluation is asked for, if the strategy says.
    """

    genotype: Genotype
    parent: int | None = None
    stage: int = 0
    fidelity: float | None = None


class Answer(Enum):
    """What `Strategy.ask` answers instead of a proposal."""

    WAIT = "wait"
    """Nothing before another result is told. The loop tells the next one in order, and asks again."""
    DONE = "done"
    """Nothing any more: the space is exhausted."""


class Strategy(Component, ABC):
    """Decides what to try next: ask and tell.

    The loop asks for trials in order of their numbers and tells results in that same order, each once.
    Between the ask of trial *n* and the ask before it, exactly the results that the run's window demands
    have been told. All randomness comes from ``random``: asked and told the same again, a strategy
    answers the same again, and so a run is resumed without its state ever being stored.

    Attributes:
        learns: whether results change what is proposed. One that does not learn is never told.
        space, objectives, random: what it was made with.
    """

    learns: ClassVar[bool] = True

    def __init__(
        self,
        space: SearchSpace[Any],
        objectives: Sequence[Objective],
        random: Random,
        options: Options | None = None,
    ) -> None:
        super().__init__(options)
        self.space = space
        self.objectives = tuple(objectives)
        self.random = random

    @abstractmethod
    def ask(self) -> Proposal | Answer:
        """The next proposal, or that there is none now, or none any more."""

    def tell(self, trial: Trial) -> None:
        """Take in a result. It may be of a trial that this strategy did not propose: a run that goes on
        from a record (``--adopt``) tells what stands there.
        """
