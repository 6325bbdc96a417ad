"""Exhaustive search: every genotype of a finite space, in the order of its list."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from automl.core.contracts import Answer, Objective, Options, Proposal, SearchSpace, Strategy
from automl.core.contracts.sources import RandomChoices
from automl.core.errors import ChoiceError, UsageError

_PROBES = 100
"""Samples that are looked at for a continuous choice before anything is evaluated."""


class Exhaustive(Strategy):
    """Proposes every genotype once, in the order in which the space lists them, and is done.

    Raises (from making it, or from `ask` where only a rare branch of the space has such a choice):
        UsageError: a choice is continuous, so that there is no list.
    """

    name = "exhaustive"
    learns = False

    def __init__(
        self,
        space: SearchSpace[Any],
        objectives: Sequence[Objective],
        random: Random,
        options: Options | None = None,
    ) -> None:
        super().__init__(space, objectives, random, options)
        for _ in range(_PROBES):
            choices = RandomChoices(random)
            space.define(choices)
            for name, decision in choices.decisions.items():
                if decision.count is None:
                    raise self._no_list(f"choice {name!r} is continuous ({decision})")
        self._genotypes = space.enumerate()

    def ask(self) -> Proposal | Answer:
        """The next genotype of the list, or that there is none any more."""
        try:
            genotype = next(self._genotypes, None)
        except ChoiceError as error:
            raise self._no_list(error.message.rstrip(".")) from error
        return Answer.DONE if genotype is None else Proposal(genotype)

    def _no_list(self, reason: str) -> UsageError:
        return UsageError(
            f"strategy {self.name!r} lists all candidates, and search space {self.space.name!r} has no "
            f"list: {reason}.",
            hint="Use --strategy random or --strategy evolution.",
        )
