"""The sources of choices: random, recorded, repaired, crossed over, enumerated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random

from automl.core.contracts.choices import Choices, Decision
from automl.core.contracts.genotype import Genotype, Value
from automl.core.errors import ChoiceError


class RandomChoices(Choices):
    """Every decision is drawn."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random

    def _decide(self, name: str, decision: Decision) -> Value:
        return decision.draw(self._random)


class RecordedChoices(Choices):
    """Every decision is read from a genotype, which must fit exactly.

    Raises (from ``define``, or from `check_all_used` after it):
        ChoiceError: a choice is missing, has a value that is not among its options, or is left over.
    """

    def __init__(self, genotype: Mapping[str, Value]) -> None:
        super().__init__()
        self._recorded = genotype

    def _decide(self, name: str, decision: Decision) -> Value:
        if name not in self._recorded:
            raise ChoiceError(f"the genotype lacks the choice {name!r}: expected {decision}.")
        value = self._recorded[name]
        if not decision.holds(value):
            raise ChoiceError(f"the genotype's {name!r} is {value!r}: expected {decision}.")
        return value

    def check_all_used(self) -> None:
        """Raise `ChoiceError` if the genotype holds a choice that ``define`` did not ask for."""
        left = [name for name in self._recorded if name not in self._values]
        if left:
            raise ChoiceError(f"the genotype holds {left[0]!r}, which the space does not ask for.")


class RepairedChoices(Choices):
    """Decisions are taken from ``wanted`` where that still fits, and drawn where it does not.

    What was recorded is kept by name and by option set: a choice of the same name that offers other
    options now is a new choice, and is drawn.

    Args:
        wanted: for each choice, what it was chosen from and what was chosen; several may be given, and
            the first that fits is taken.
        random: where the rest is drawn from.
    """

    def __init__(self, wanted: Mapping[str, list[tuple[Decision, Value]]], random: Random) -> None:
        super().__init__()
        self._wanted = wanted
        self._random = random

    def _decide(self, name: str, decision: Decision) -> Value:
        for then, value in self._wanted.get(name, ()):
            if decision.same(then):
                return value
        return decision.draw(self._random)


class WalkedChoices(Choices):
    """Decisions follow a path of option numbers, then take the first option: one step of a tree walk."""

    def __init__(self, path: list[int]) -> None:
        super().__init__()
        self._path = path
        self.taken: list[int] = []
        self.counts: list[int] = []

    def _decide(self, name: str, decision: Decision) -> Value:
        if decision.count is None:
            raise ChoiceError(f"choice {name!r} is continuous ({decision}): such a space has no list.")
        depth = len(self.taken)
        index = self._path[depth] if depth < len(self._path) else 0
        self.taken.append(index)
        self.counts.append(decision.count)
        return decision.at(index)

    def next_path(self) -> list[int] | None:
        """The path of the next leaf of the tree, or nothing after the last."""
        path = list(self.taken)
        while path and path[-1] + 1 == self.counts[len(path) - 1]:
            path.pop()
        if not path:
            return None
        path[-1] += 1
        return path


def mutated(parent: Choices, random: Random) -> Mapping[str, list[tuple[Decision, Value]]]:
    """The parent's decisions with one of them re-made to another value, each as likely.

    A parent without a choice that could be made otherwise comes back as it is.
    """
    values, decisions = parent.genotype, parent.decisions
    wanted = {name: [(decision, values[name])] for name, decision in decisions.items()}
    open_names = [name for name, decision in decisions.items() if decision.count != 1]
    if open_names:
        name = open_names[int(random.random() * len(open_names))]
        wanted[name] = [(decisions[name], _another(decisions[name], values[name], random))]
    return wanted


def _another(decision: Decision, value: Value, random: Random) -> Value:
    """A value of ``decision`` other than ``value``; for a continuous one, a fresh draw."""
    if decision.count is None:
        return decision.draw(random)
    while True:
        drawn = decision.draw(random)
        if drawn != value or type(drawn) is not type(value):
            return drawn


def crossed(first: Choices, second: Choices, random: Random) -> Mapping[str, list[tuple[Decision, Value]]]:
    """The decisions of two parents: each from either, as likely, with the other's as second wish."""
    sides = [(parent.genotype, parent.decisions) for parent in (first, second)]
    wanted: dict[str, list[tuple[Decision, Value]]] = {}
    for name in dict.fromkeys([*sides[0][0], *sides[1][0]]):
        wishes = [(decisions[name], values[name]) for values, decisions in sides if name in decisions]
        if len(wishes) == 2 and random.random() < 0.5:
            wishes.reverse()
        wanted[name] = wishes
    return wanted


def walk(define: Callable[[Choices], object]) -> Iterator[Genotype]:
    """Every genotype of ``define`` once, in the order of the options (depth first).

    Raises:
        ChoiceError: a choice is continuous.
    """
    path: list[int] | None = []
    while path is not None:
        step = WalkedChoices(path)
        define(step)
        yield step.genotype
        path = step.next_path()
