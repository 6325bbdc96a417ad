"""Regularised evolution: the best of a tournament has a child, and the oldest leaves."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from random import Random
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from automl.core.contracts import Objective, Options, Proposal, SearchSpace, Strategy, Trial


class EvolutionOptions(Options):
    """Options of `Evolution`.

    The paper has a population of 100 and tournaments of 25 for 20,000 trials. The defaults are for some
    200: on NAS-Bench-201 (accuracy after 12 epochs as the signal, 20,000 s of training, about 180 trials)
    the mean test accuracy of 150 searches is 94.18 with 20 and 5, 94.17 with 30 and 5, 94.19 with 50 and
    10 (but less after 5,000 s), and 94.06 with 10 and 3.
    """

    population: int = Field(20, ge=1, description="how many of the latest trials may have children")
    sample: int = Field(5, ge=1, description="trials in a tournament, at most the population")

    @field_validator("sample")
    @classmethod
    def _within_population(cls, sample: int, info: ValidationInfo) -> int:
        population = info.data.get("population")
        if population is not None and sample > population:
            raise ValueError(f"expected at most the population, which is {population}")
        return sample


class Evolution(Strategy):
    """Regularised evolution (Real, Aggarwal, Huang and Le 2019, "Regularized Evolution for Image Classifier
    Architecture Search", AAAI, algorithm 1).

    The first proposals are random, as many as the population is to have. After that, the best of a few
    drawn (with replacement) from the population is mutated; each result joins the population, and the
    oldest leaves, however good it is. So a candidate that was lucky once does not stay for ever.

    A failed trial joins too, and ranks below every success. Of several objectives only the first counts.
    While results are outstanding (a window above 1), parents come from those there are; where there are
    none yet, proposals stay random.
    """

    name = "evolution"
    Options = EvolutionOptions
    options: EvolutionOptions

    def __init__(
        self,
        space: SearchSpace[Any],
        objectives: Sequence[Objective],
        random: Random,
        options: EvolutionOptions | None = None,
    ) -> None:
        super().__init__(space, objectives, random, options)
        self._living: deque[Trial] = deque(maxlen=self.options.population)
        self._random_left = self.options.population

    def ask(self) -> Proposal:
        """A random genotype at first; later the child of a tournament's winner."""
        if self._random_left > 0 or not self._living:
            self._random_left -= 1
            return Proposal(self.space.sample(self.random))
        parent = max(self.random.choices(self._living, k=self.options.sample), key=_fitness)
        return Proposal(self.space.mutate(parent.genotype, self.random), parent=parent.number)

    def tell(self, trial: Trial) -> None:
        """The trial joins the population, and the oldest leaves."""
        self._living.append(trial)


def _fitness(trial: Trial) -> float:
    return float("-inf") if trial.gains is None else trial.gains[0]
