"""The list of all genotypes, and their number."""

from __future__ import annotations

import itertools
from random import Random
from typing import Any

from automl.core.contracts import Genotype, SearchSpace
from automl.core.contracts.sources import RandomChoices
from automl.core.errors import ChoiceError
from automl.core.testing.broken import BrokenContractError
from automl.core.testing.space.case import SpaceCase, define_raised, draw, rebuilt

_MOST = 2000
"""Genotypes that are listed: a smaller space is looked at whole."""

_PROBES = 200
"""Samples among which a continuous choice is looked for."""


class EnumerationCases(SpaceCase):
    """What `SearchSpace.enumerate` and `SearchSpace.size` have to be."""

    def test_the_list_holds_each_genotype_once(self) -> None:
        """What is listed rebuilds, and nothing comes twice."""
        space = self.make_space()
        seen: set[Genotype] = set()
        for genotype in _listed(space):
            rebuilt(space, genotype, source="it lists")
            if genotype in seen:
                raise BrokenContractError(
                    f"{type(space).__name__}.enumerate lists {genotype.json} twice.",
                    demanded="every genotype is listed once: an exhaustive search evaluates each.",
                    change="leave enumerate to the base class, or leave out what was listed.",
                )
            seen.add(genotype)

    def test_the_list_has_a_fixed_order(self) -> None:
        """Listed again, by another object, it is the same list."""
        first, second = _listed(self.make_space()), _listed(self.make_space())
        if first != second:
            at = next(i for i, (a, b) in enumerate(itertools.zip_longest(first, second)) if a != b)
            raise BrokenContractError(
                f"{type(self.make_space()).__name__}.enumerate gave another list the second time: they "
                f"differ at position {at}.",
                demanded="the list has a fixed order: a resumed run goes on in it.",
                change="let no set, no random number and no state decide the order.",
            )

    def test_what_is_sampled_is_on_the_list(self) -> None:
        """A space that is listed to its end samples nothing else."""
        space = self.make_space()
        listed = _listed(space)
        if len(listed) in (0, _MOST):
            return  # continuous, or too long to be listed whole
        for genotype in draw(space):
            if genotype not in listed:
                raise BrokenContractError(
                    f"{type(space).__name__}.enumerate leaves out {genotype.json}, which was sampled.",
                    demanded="the list holds every genotype.",
                    change="leave enumerate to the base class, or list what is missing.",
                )

    def test_the_size_is_the_length_of_the_list(self) -> None:
        """A number, or nothing where it is above the cap or a choice is continuous."""
        space = self.make_space()
        length = len(_listed(space))
        expected: dict[int, int | None]
        if length == 0:
            expected = {_MOST: None}
        elif length == _MOST:
            expected = {_MOST - 1: None}
        else:
            expected = {_MOST: length, length: length, length - 1: None}
        for cap, size in expected.items():
            given = space.size(cap)
            if given != size:
                raise BrokenContractError(
                    f"{type(space).__name__}.size({cap}) is {given}; its list has "
                    f"{f'{_MOST} or more' if length == _MOST else length or 'no end'}.",
                    demanded="size is the number of genotypes, or None above the cap and where a choice is "
                    "continuous.",
                    change="leave size to the base class, or count what enumerate lists.",
                )


def _listed(space: SearchSpace[Any]) -> list[Genotype]:
    """The first genotypes of the list; none, where a choice is continuous."""
    try:
        listed = list(itertools.islice(space.enumerate(), _MOST))
    except ChoiceError as error:
        if _is_continuous(space):
            return []
        raise define_raised(space, error) from error
    if not listed:
        raise BrokenContractError(
            f"{type(space).__name__}.enumerate lists nothing.",
            demanded="the list holds every genotype, and a space has at least one.",
            change="leave enumerate to the base class.",
        )
    return listed


def _is_continuous(space: SearchSpace[Any]) -> bool:
    for seed in range(_PROBES):
        choices = RandomChoices(Random(seed))
        space.define(choices)
        if any(decision.count is None for decision in choices.decisions.values()):
            return True
    return False
