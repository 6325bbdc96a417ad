"""Choices: what a search space's ``define`` asks, and who answers.

A space is one function over named choices. Whoever runs that function decides: a random source, a
recorded genotype, a genotype with one decision re-made, a tree walk. Each is a subclass of `Choices`
that says how to decide; asking, checking and recording are the same for all.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar, cast

from automl.core.contracts.genotype import Genotype, Value
from automl.core.errors import ChoiceError

T = TypeVar("T", bound=Value)


@dataclass(frozen=True, slots=True)
class OneOf:
    """A choice among listed options."""

    options: tuple[Value, ...]

    @property
    def count(self) -> int:
        """The number of options."""
        return len(self.options)

    def at(self, index: int) -> Value:
        """The option number ``index``."""
        return self.options[index]

    def draw(self, random: Random) -> Value:
        """An option, each as likely."""
        return self.options[int(random.random() * len(self.options))]

    def holds(self, value: Value) -> bool:
        """Whether ``value`` is one of the options, its type included."""
        return any(value == option and type(value) is type(option) for option in self.options)

    def same(self, other: Decision) -> bool:
        """Whether ``other`` offers the same options: ``True`` is not ``1`` here."""
        return (
            isinstance(other, OneOf)
            and self.options == other.options
            and all(type(a) is type(b) for a, b in zip(self.options, other.options, strict=True))
        )

    def __str__(self) -> str:
        return f"one of {', '.join(map(repr, self.options))}"


@dataclass(frozen=True, slots=True)
class IntegerRange:
    """A choice among the integers from ``low`` to ``high``, both included."""

    low: int
    high: int

    @property
    def count(self) -> int:
        """The number of options."""
        return self.high - self.low + 1

    def at(self, index: int) -> Value:
        """The option number ``index``."""
        return self.low + index

    def draw(self, random: Random) -> Value:
        """An integer, each as likely."""
        return random.randint(self.low, self.high)

    def holds(self, value: Value) -> bool:
        """Whether ``value`` is an integer within the range."""
        return type(value) is int and self.low <= value <= self.high

    def same(self, other: Decision) -> bool:
        """Whether ``other`` offers the same options."""
        return self == other

    def __str__(self) -> str:
        return f"an integer from {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class UniformRange:
    """A choice of a real number between ``low`` and ``high``, uniform in it or in its logarithm."""

    low: float
    high: float
    log: bool

    @property
    def count(self) -> None:
        """A continuous choice has no number of options."""
        return

    def draw(self, random: Random) -> Value:
        """A number from the range."""
        if self.log:
            drawn = math.exp(random.uniform(math.log(self.low), math.log(self.high)))
        else:
            drawn = random.uniform(self.low, self.high)
        return min(max(drawn, self.low), self.high)  # exp(log(x)) may step over the edge by one bit

    def holds(self, value: Value) -> bool:
        """Whether ``value`` is a number within the range."""
        return type(value) is float and self.low <= value <= self.high

    def same(self, other: Decision) -> bool:
        """Whether ``other`` offers the same options."""
        return self == other

    def __str__(self) -> str:
        return f"a number from {self.low} to {self.high}"


Decision = OneOf | IntegerRange | UniformRange


class Choices(ABC):
    """The source of choices that ``define`` is handed.

    After ``define`` has run, `genotype` holds what was chosen. A source serves one run of ``define``.
    """

    def __init__(self) -> None:
        self._values: dict[str, Value] = {}
        self._decisions: dict[str, Decision] = {}

    def one_of(self, name: str, options: Sequence[T]) -> T:
        """One of ``options``: distinct JSON scalars, at least one.

        Raises:
            ChoiceError: ``name`` was chosen before, or the options break the rule above.
        """
        return cast(T, self._ask(name, OneOf(_checked(name, options))))

    def integer(self, name: str, low: int, high: int) -> int:
        """An integer from ``low`` to ``high``, both included.

        Raises:
            ChoiceError: ``name`` was chosen before, or the range is empty or not of integers.
        """
        if type(low) is not int or type(high) is not int or low > high:
            raise ChoiceError(f"choice {name!r}: expected integers low <= high, got {low!r} and {high!r}.")
        return cast(int, self._ask(name, IntegerRange(low, high)))

    def uniform(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number between ``low`` and ``high``, uniform in it or (``log``) in its logarithm.

        Raises:
            ChoiceError: ``name`` was chosen before, or the range is empty, not finite, or (``log``) not
                positive.
        """
        low, high = float(low), float(high)
        if not (math.isfinite(low) and math.isfinite(high) and low <= high) or (log and low <= 0):
            raise ChoiceError(
                f"choice {name!r}: expected finite numbers {'0 < ' if log else ''}low <= high, "
                f"got {low!r} and {high!r}."
            )
        return cast(float, self._ask(name, UniformRange(low, high, log)))

    def _ask(self, name: str, decision: Decision) -> Value:
        if name in self._values:
            raise ChoiceError(f"choice {name!r} was made twice: every choice needs a name of its own.")
        value = self._decide(name, decision)
        self._values[name] = value
        self._decisions[name] = decision
        return value

    @abstractmethod
    def _decide(self, name: str, decision: Decision) -> Value:
        """The value for this decision: one that ``decision.holds``."""

    @property
    def genotype(self) -> Genotype:
        """What has been chosen so far, in order."""
        return Genotype(self._values)

    @property
    def decisions(self) -> dict[str, Decision]:
        """What there was to choose from so far, in order."""
        return dict(self._decisions)


def _checked(name: str, options: Sequence[Value]) -> tuple[Value, ...]:
    checked = tuple(options)
    if not checked:
        raise ChoiceError(f"choice {name!r} has no options.")
    for option in checked:
        if option is not None and not isinstance(option, str | int | float | bool):
            raise ChoiceError(
                f"choice {name!r}: option {option!r} is not a JSON scalar. Choose among names, and look "
                "the objects up by name."
            )
    if len({(type(option), option) for option in checked}) < len(checked):
        raise ChoiceError(f"choice {name!r}: the options {list(checked)!r} are not distinct.")
    return checked
