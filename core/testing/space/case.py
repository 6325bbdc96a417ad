"""What the test cases of a search space share: how it is made, and what is drawn from it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from automl.core.contracts import Genotype, SearchSpace, Task
from automl.core.testing.broken import BrokenContractError, first_line, short
from automl.core.testing.parts import NoiseOptions, NoiseTask

SAMPLES = 30
"""Genotypes that a test looks at, where looking is cheap."""


class SpaceCase:
    """Base of the test cases.

    Attributes:
        space: the class in question.
    """

    space: type[SearchSpace[Any]]

    def make_space(self) -> SearchSpace[Any]:
        """The space to test; by default the class with its default options."""
        if not hasattr(self, "space"):
            raise TypeError(f"{type(self).__name__} names no space: write space = MySpace in it")
        return self.space()

    def make_tasks(self) -> Sequence[Task]:
        """The tasks that networks are built for; by default two of images, one with a single channel."""
        return NoiseTask(), NoiseTask(NoiseOptions(channels=1, classes=3))


def draw(space: SearchSpace[Any], count: int = SAMPLES) -> list[Genotype]:
    """Genotypes of the space, those of the seeds from 0 on.

    Raises:
        BrokenContractError: ``define`` raises, or what is sampled is no genotype.
    """
    try:
        genotypes = [space.sample(Random(seed)) for seed in range(count)]
    except Exception as error:
        raise define_raised(space, error) from error
    for genotype in genotypes:
        check_genotype(space, genotype, source="sample gave")
    return genotypes


def check_genotype(space: SearchSpace[Any], genotype: object, *, source: str) -> None:
    """Raise `BrokenContractError` if something else stands where a genotype should."""
    if not isinstance(genotype, Genotype):
        raise BrokenContractError(
            f"{type(space).__name__}: {source} {short(genotype)}, a {type(genotype).__name__}.",
            demanded="a genotype is an automl.core.contracts.Genotype: it is immutable, and survives JSON.",
            change="Genotype({'name': value, …}), or leave the method to the base class.",
        )


def define_raised(space: SearchSpace[Any], error: Exception) -> BrokenContractError:
    """What to say where ``define`` does not come to an end."""
    return BrokenContractError(
        f"{type(space).__name__}.define raised {first_line(error)}",
        demanded="define makes a candidate of whatever choose answers.",
        change="the choices in define, as the first line says.",
    )


def rebuilt(space: SearchSpace[Any], genotype: Genotype, *, source: str) -> Any:
    """The candidate of a genotype.

    Raises:
        BrokenContractError: it is none of this space; ``source`` says where it is from.
    """
    check_genotype(space, genotype, source=f"{source}:")
    try:
        return space.rebuild(genotype)
    except Exception as error:
        raise BrokenContractError(
            f"{type(space).__name__} cannot rebuild {genotype.json}, which {source}: {first_line(error)}",
            demanded="every genotype that the space itself gives fits its define: the same names, and "
            "values that are among the options.",
            change="let define ask the same choices whenever it gets the same answers, and build genotypes "
            "nowhere but from what it asked.",
        ) from error
