"""Choices: what a search space's ``define`` asks, and who answers.

A space is one function over named choices. Whoever runs that function decides: a random source, a
recorded genotype, a genotype with one decision re-made, a tree walk. Each is a subclass of `Choices`
that says how to decide; asking, checking and recording are the same for all.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import TypeVar, cast

from automl.core.contracts.genotype import SCALARS, Genotype, Value
from automl.core.errors import ChoiceError

T = TypeVar("T", bound=Value)

_NO_LISTS = (str, set, frozenset)
"""What can be iterated and is no list of options: the order of a set is another one in every process."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """A choice among listed options."""

    options: tuple[Value, ...]
    _known: frozenset[tuple[type, Value]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", frozenset((type(option), option) for option in self.options))

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
        return (type(value), value) in self._known

    def same(self, other: Decision) -> bool:
        """Whether ``other`` offers the same options: ``True`` is not ``1`` here."""
        return self is other or (
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
    def count(self) -> int | None:
        """A continuous choice has no number of options; a range of one point has that one."""
        return 1 if self.low == self.high else None

    def at(self, index: int) -> Value:
        """The only option, where there is only one."""
        return self.low

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
        """One of ``options``: distinct JSON scalars in a list or a tuple, at least one.

        Raises:
            ChoiceError: ``name`` was chosen before, or the options break the rule above.
        """
        if isinstance(options, _NO_LISTS):
            raise ChoiceError(
                f"choice {name!r}: the options are a {type(options).__name__}: expected a list or a tuple, "
                "whose order is the same in every process."
            )
        offered = tuple(options)
        try:
            decision = _one_of(offered, tuple(map(type, offered)))
        except (ChoiceError, TypeError):  # TypeError: an option that has no hash
            raise ChoiceError(f"choice {name!r} {_fault(offered)}") from None
        return cast(T, self._ask(name, decision))

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
            ChoiceError: ``name`` was chosen before, or the range is empty, or not of finite length, or
                (``log``) not positive.
        """
        low, high = float(low), float(high)
        if not (low <= high and math.isfinite(high - low)) or (log and low <= 0):
            raise ChoiceError(
                f"choice {name!r}: expected finite numbers {'0 < ' if log else ''}low <= high, "
                f"got {low!r} and {high!r}."
            )
        return cast(float, self._ask(name, UniformRange(low, high, log)))

    def _ask(self, name: str, decision: Decision) -> Value:
        if type(name) is not str:
            raise ChoiceError(f"choice {name!r}: expected a name that is text, not a {type(name).__name__}.")
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


@lru_cache(maxsize=4096)
def _one_of(options: tuple[Value, ...], types: tuple[type, ...]) -> OneOf:
    """The choice among ``options``, checked once however often it is asked.

    ``types`` keeps apart what is equal: ``(1,)`` and ``(True,)``. Adding zero makes one of 0.0 and -0.0.
    """
    if _fault(options):
        raise ChoiceError(_fault(options))
    return OneOf(tuple(option + 0.0 if type(option) is float else option for option in options))


def _fault(options: tuple[Value, ...]) -> str:
    """What is wrong with these options, if anything is."""
    if not options:
        return "has no options."
    for option in options:
        if type(option) not in SCALARS:
            return (
                f"offers {option!r}, a {type(option).__name__}: expected plain text, numbers, true, false or "
                "null. Choose among names, and look the objects up by name."
            )
        if type(option) is float and not math.isfinite(option):
            return f"offers {option!r}: expected finite numbers, the only ones that JSON has."
    if len({(type(option), option) for option in options}) < len(options):
        return f"offers {list(options)!r}: expected options that are distinct."
    return ""
