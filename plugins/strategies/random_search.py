"""Random search: every proposal is a fresh sample, and none comes twice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from random import Random
from typing import Any

from pydantic import Field

from automl.core.contracts import Answer, Genotype, Objective, Options, Proposal, SearchSpace, Strategy
from automl.core.errors import ChoiceError

_DRAWS = 100
"""Samples in a row that were proposed before, after which the rest of the space is listed."""

_BLOCK = 1000
"""Genotypes of the list that are shuffled at a time: all of the rest, where that is small."""


class RandomOptions(Options):
    """Options of `RandomSearch`."""

    replacement: bool = Field(False, description="whether a genotype may be proposed again")


class RandomSearch(Strategy):
    """Random search without replacement (or with it).

    A sample that was proposed before is drawn again. Once a hundred in a row were, few can be left: the
    space's list is walked for them, in shuffled blocks of a thousand, and after the last there is nothing
    left to propose. So every genotype of a finite space is proposed exactly once, and nobody need know how
    many there are. What was proposed is remembered as 64 bits of a hash: among a million genotypes, the
    probability that one is passed over is 3e-8.

    A space with a continuous choice has no list. Where it yields a hundred known samples in a row all the
    same, the next one is proposed, known or not.
    """

    name = "random"
    Options = RandomOptions
    learns = False
    options: RandomOptions

    def __init__(
        self,
        space: SearchSpace[Any],
        objectives: Sequence[Objective],
        random: Random,
        options: RandomOptions | None = None,
    ) -> None:
        super().__init__(space, objectives, random, options)
        self._seen: set[int] = set()
        self._genotypes = self._samples() if self.options.replacement else self._different_samples()

    def ask(self) -> Proposal | Answer:
        """The next sample, or that none is left."""
        genotype = next(self._genotypes, None)
        return Answer.DONE if genotype is None else Proposal(genotype)

    def _samples(self) -> Iterator[Genotype]:
        while True:
            yield self.space.sample(self.random)

    def _different_samples(self) -> Iterator[Genotype]:
        yield from self._new_samples()
        try:
            yield from self._rest()
        except ChoiceError:  # a choice is continuous: there is no end
            while True:
                yield self.space.sample(self.random)
                yield from self._new_samples()

    def _new_samples(self) -> Iterator[Genotype]:
        """Samples that were not proposed before, until there seem to be few left."""
        known = 0
        while known < _DRAWS:
            genotype = self.space.sample(self.random)
            known = 0 if self._is_new(genotype) else known + 1
            if known == 0:
                yield genotype

    def _rest(self) -> Iterator[Genotype]:
        """What the space lists and was not proposed, in shuffled blocks."""
        unseen = (genotype for genotype in self.space.enumerate() if _digest(genotype) not in self._seen)
        while block := list(itertools.islice(unseen, _BLOCK)):
            self.random.shuffle(block)
            for genotype in block:
                self._seen.add(_digest(genotype))
                yield genotype

    def _is_new(self, genotype: Genotype) -> bool:
        """Whether it was not proposed before; now it is."""
        known = len(self._seen)
        self._seen.add(_digest(genotype))
        return len(self._seen) > known


def _digest(genotype: Genotype) -> int:
    return int.from_bytes(blake2b(genotype.json.encode(), digest_size=8).digest(), "big")
