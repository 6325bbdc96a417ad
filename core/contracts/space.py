"""The search space: one function over named choices, and how a candidate becomes something to evaluate."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator
from enum import StrEnum
from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from automl.core.contracts.choices import Choices
from automl.core.contracts.component import Component
from automl.core.contracts.genotype import Genotype
from automl.core.contracts.sources import (
    RandomChoices,
    RecordedChoices,
    RepairedChoices,
    crossed,
    mutated,
    walk,
)
from automl.core.contracts.task import Task
from automl.core.errors import ChoiceError, MissingViewError, ParseError

if TYPE_CHECKING:
    from torch import nn

C = TypeVar("C", bound=Hashable)

SIZE_CAP = 1_000_000
"""How many genotypes `SearchSpace.size` counts before it answers 'unknown'."""


class View(StrEnum):
    """The forms in which a candidate can be evaluated: a space offers some, an evaluator needs one."""

    NETWORK = "network"
    PROGRAM = "program"
    LAYER = "layer"
    TABLE_KEY = "table_key"


class SearchSpace(Component, ABC, Generic[C]):
    """Defines candidates, and turns them into what evaluators need.

    A space is complete with ``name``, `define` and one view (mostly `network`). Sampling, mutation,
    crossover and enumeration follow from `define`; a space that can do better by itself overrides them.

    Attributes:
        version: raise it when the same genotype begins to mean something else.
    """

    @abstractmethod
    def define(self, choose: Choices) -> C:
        """The candidate that the choices define.

        Called by whoever makes the choices, any number of times. It must depend on nothing but what
        ``choose`` answers and the space's options. Later choices may depend on earlier ones.

        Returns:
            An immutable, hashable value.
        """

    # -- views ---------------------------------------------------------------------------------------

    def network(self, candidate: C, task: Task) -> nn.Module:
        """The network, from ``(n, *task.input_shape)`` float32 to ``(n, task.classes)`` logits.

        Initial values are drawn from torch's global generator, which the caller has seeded. A module that
        leaves out at run time what no output depends on has an attribute ``runs_dead_parts``, so that an
        evaluator which counts what is written can set it.
        """
        raise self._lacks(View.NETWORK)

    def program(self, candidate: C) -> Any:
        """The candidate as a callable over arrays."""
        raise self._lacks(View.PROGRAM)

    def layer(self, candidate: C) -> Any:
        """The candidate as a layer: a callable that makes an ``nn.Module`` for a number of channels."""
        raise self._lacks(View.LAYER)

    def table_key(self, candidate: C) -> str:
        """The candidate's name in published tables."""
        raise self._lacks(View.TABLE_KEY)

    @classmethod
    def views(cls) -> frozenset[View]:
        """The views that this space offers: those it overrides."""
        return frozenset(v for v in View if getattr(cls, v.value) is not getattr(SearchSpace, v.value))

    def _lacks(self, view: View) -> MissingViewError:
        return MissingViewError(f"search space {self.name!r} has no {view.value.replace('_', ' ')} view.")

    def proxy(self) -> SearchSpace[C]:
        """The same space with networks small enough for scores without training; by default itself.

        Genotypes mean the same architecture in both. What the user set is kept.
        """
        return self

    # -- text and normal form ------------------------------------------------------------------------

    def render(self, candidate: C) -> str:
        """The text that a person reads. A space that overrides it overrides `parse` too.

        By default there is none, and the genotype's JSON stands in its place.
        """
        raise NotImplementedError

    def parse(self, text: str) -> Genotype:
        """The genotype of the candidate that ``text`` names: the inverse of `render`.

        Raises:
            ParseError: ``text`` names no candidate of this space.
        """
        genotype = Genotype.from_json(text)
        try:
            self.rebuild(genotype)
        except ChoiceError as error:
            raise ParseError(f"candidate {text!r} is none of search space {self.name!r}: {error}") from error
        return genotype

    def text(self, genotype: Genotype, candidate: C) -> str:
        """The candidate's text: `render`'s where the space has one, else the genotype's JSON."""
        if type(self).render is SearchSpace.render:
            return genotype.json
        return self.render(candidate)

    def canonical(self, candidate: C) -> str:
        """A text that is equal only for candidates that compute the same function (cheap, structural).

        It need not find all such pairs, but must never put two different functions together, not even
        ones that differ only once they are trained. By default there is none, and every genotype
        counts as different.
        """
        raise NotImplementedError

    def key(self, genotype: Genotype, candidate: C, *, by_form: bool = False) -> str:
        """The equivalence key: 128 bits in hexadecimal.

        Args:
            genotype: the choices.
            candidate: what they define.
            by_form: only candidates written alike are equal, whatever they compute.
        """
        if by_form or type(self).canonical is SearchSpace.canonical:
            material = self.text(genotype, candidate)
        else:
            material = self.canonical(candidate)
        return blake2b(material.encode(), digest_size=16).hexdigest()

    def describe(self, genotype: Genotype, candidate: C) -> list[tuple[str, str]]:
        """The candidate for people, as rows of (name, value); by default its choices."""
        return [(name, str(value)) for name, value in genotype.items()]

    # -- what follows from define ----------------------------------------------------------------------

    def rebuild(self, genotype: Genotype) -> C:
        """The candidate of a recorded genotype.

        Raises:
            ChoiceError: the genotype is not one of this space.
        """
        choices = RecordedChoices(genotype)
        candidate = self.define(choices)
        choices.check_all_used()
        return candidate

    def sample(self, random: Random) -> Genotype:
        """A genotype with every choice drawn."""
        choices = RandomChoices(random)
        self.define(choices)
        return choices.genotype

    def mutate(self, genotype: Genotype, random: Random) -> Genotype:
        """The genotype with one choice re-made, and repaired where later choices no longer fit."""
        return self._repaired(mutated(self._recorded(genotype), random), random)

    def crossover(self, first: Genotype, second: Genotype, random: Random) -> Genotype:
        """A genotype that takes each choice from either parent, and draws what fits neither."""
        return self._repaired(crossed(self._recorded(first), self._recorded(second), random), random)

    def enumerate(self) -> Iterator[Genotype]:
        """Every genotype once, in a fixed order.

        Raises:
            ChoiceError: a choice is continuous.
        """
        return walk(self.define)

    def size(self, cap: int = SIZE_CAP) -> int | None:
        """The number of genotypes, or nothing where it is above ``cap`` or a choice is continuous."""
        try:
            count = sum(1 for _ in itertools.islice(self.enumerate(), cap + 1))
        except ChoiceError:
            return None
        return count if count <= cap else None

    def _recorded(self, genotype: Genotype) -> Choices:
        choices = RecordedChoices(genotype)
        self.define(choices)
        return choices

    def _repaired(self, wanted: Any, random: Random) -> Genotype:
        choices = RepairedChoices(wanted, random)
        self.define(choices)
        return choices.genotype
