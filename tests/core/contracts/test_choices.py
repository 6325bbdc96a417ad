"""Choices: what may be asked, and what is answered."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from automl.core.contracts import Choices, Decision, Genotype, IntegerRange, OneOf, UniformRange, Value
from automl.core.contracts.sources import RandomChoices, RecordedChoices
from automl.core.errors import ChoiceError
from tests.generated import SCALARS, kind_and_value

FINITE = st.floats(allow_nan=False, allow_infinity=False)
DISTINCT = st.lists(SCALARS, min_size=1, max_size=6, unique_by=kind_and_value)


class Operation(enum.StrEnum):
    CONV = "conv"
    POOL = "pool"


def asking(seed: int = 0) -> Choices:
    return RandomChoices(Random(seed))


def decision_of(choices: Choices, name: str) -> Decision:
    return choices.decisions[name]


# -- what is answered ---------------------------------------------------------------------------------


@given(DISTINCT, st.integers())
def test_one_of_answers_with_an_option(options: list[Value], seed: int) -> None:
    choices = asking(seed)
    value = choices.one_of("a", options)
    assert kind_and_value(value) in map(kind_and_value, options)
    assert kind_and_value(choices.genotype["a"]) == kind_and_value(value)
    assert decision_of(choices, "a").holds(value)


@given(st.integers(-(2**70), 2**70), st.integers(0, 2**70), st.integers())
def test_an_integer_is_in_its_range(low: int, length: int, seed: int) -> None:
    choices = asking(seed)
    value = choices.integer("a", low, low + length)
    assert type(value) is int
    assert low <= value <= low + length
    assert decision_of(choices, "a").count == length + 1


@given(FINITE, FINITE, st.integers())
def test_a_uniform_number_is_in_its_range(low: float, high: float, seed: int) -> None:
    assume(low <= high and math.isfinite(high - low))
    choices = asking(seed)
    value = choices.uniform("a", low, high)
    assert type(value) is float
    assert low <= value <= high
    assert decision_of(choices, "a").holds(value)


@given(
    st.floats(min_value=5e-324, max_value=1e308), st.floats(min_value=5e-324, max_value=1e308), st.integers()
)
def test_a_log_uniform_number_is_in_its_range(one: float, other: float, seed: int) -> None:
    low, high = min(one, other), max(one, other)
    assert low <= asking(seed).uniform("a", low, high, log=True) <= high


def test_every_option_is_as_likely() -> None:
    random = Random(0)
    drawn = [RandomChoices(random).one_of("a", ["x", "y", "z"]) for _ in range(6000)]
    counts = [drawn.count(option) for option in "xyz"]
    assert all(abs(count - 2000) < 5 * math.sqrt(2000) for count in counts)


def test_a_logarithmic_choice_is_uniform_in_its_logarithm() -> None:
    random = Random(0)
    drawn = [RandomChoices(random).uniform("a", 1e-4, 1.0, log=True) for _ in range(4000)]
    below = sum(value < 1e-2 for value in drawn)
    assert abs(below - 2000) < 5 * math.sqrt(1000)


def test_a_range_of_one_point_is_no_choice() -> None:
    choices = asking()
    assert choices.uniform("a", 2.0, 2.0) == 2.0
    assert decision_of(choices, "a").count == 1


def test_what_was_chosen_stands_in_order() -> None:
    choices = asking()
    choices.one_of("z", ["only"])
    choices.integer("a", 3, 3)
    assert choices.genotype == Genotype({"z": "only", "a": 3})
    assert list(choices.decisions) == ["z", "a"]


def test_equal_options_of_other_types_are_other_options() -> None:
    """They share an entry in any dictionary, and must not share one here."""
    for options in ([1, 2], [True, 2], [1.0, 2.0], [1, 2.0]):
        choices = asking()
        value = choices.one_of("a", options)
        decision = decision_of(choices, "a")
        assert isinstance(decision, OneOf)
        assert [type(option) for option in decision.options] == [type(option) for option in options]
        assert type(value) in {type(option) for option in options}


@pytest.mark.parametrize("options", [[0.0, 1.0], [-0.0, 1.0]])
def test_minus_zero_is_zero(options: list[float]) -> None:
    choices = RecordedChoices({"a": -0.0})
    choices.one_of("a", options)
    decision = decision_of(choices, "a")
    assert isinstance(decision, OneOf)
    assert str(decision.options[0]) == "0.0"


# -- what may not be asked ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "choice 'a' has no options."),
        ([1, 2, 1], r"choice 'a' offers \[1, 2, 1\]: expected options that are distinct"),
        ([float("nan")], "offers nan: expected finite numbers"),
        ([1.0, float("inf")], "offers inf: expected finite numbers"),
        ([[1]], r"offers \[1\], a list"),
        ([len], "a builtin_function_or_method: .* look the objects up by name"),
        ([Operation.CONV, Operation.POOL], "a Operation"),
        ([np.float64(1.0)], "a float64"),
        ([np.int64(1)], "a int64"),
        ({"x", "y"}, "the options are a set: expected a list or a tuple"),
        (frozenset({1}), "the options are a frozenset"),
        ("xyz", "the options are a str"),
    ],
)
def test_options_that_may_not_be_offered(options: Sequence[Any], says: str) -> None:
    for _ in range(2):  # the second time, whatever was remembered of the first
        with pytest.raises(ChoiceError, match=says):
            asking().one_of("a", options)


@pytest.mark.parametrize(("low", "high"), [(2, 1), (1.0, 2), (1, 2.0), (False, True), ("1", "2")])
def test_integers_need_a_range_of_integers(low: Any, high: Any) -> None:
    with pytest.raises(ChoiceError, match="choice 'a': expected integers low <= high"):
        asking().integer("a", low, high)


@pytest.mark.parametrize(
    ("low", "high", "log"),
    [
        (2.0, 1.0, False),
        (float("nan"), 1.0, False),
        (0.0, float("inf"), False),
        (-1e308, 1e308, False),
        (0.0, 1.0, True),
        (-1.0, 1.0, True),
    ],
)
def test_numbers_need_a_finite_range(low: float, high: float, log: bool) -> None:
    with pytest.raises(ChoiceError, match="choice 'a': expected finite numbers"):
        asking().uniform("a", low, high, log=log)


def test_a_name_is_asked_for_once() -> None:
    choices = asking()
    choices.integer("a", 1, 2)
    with pytest.raises(ChoiceError, match="'a' was made twice"):
        choices.one_of("a", [1, 2])


def test_a_name_is_text() -> None:
    with pytest.raises(ChoiceError, match="expected a name that is text, not a int"):
        asking().integer(1, 1, 2)  # type: ignore[arg-type]  # that is the fault


# -- decisions ----------------------------------------------------------------------------------------


@given(DISTINCT, SCALARS)
def test_one_of_holds_what_it_lists(options: list[Value], value: Value) -> None:
    listed = any(kind_and_value(value) == kind_and_value(option) for option in options)
    assert OneOf(tuple(options)).holds(value) == listed


@given(DISTINCT, DISTINCT)
def test_decisions_are_the_same_if_they_offer_the_same(first: list[Value], second: list[Value]) -> None:
    expected = list(map(kind_and_value, first)) == list(map(kind_and_value, second))
    assert OneOf(tuple(first)).same(OneOf(tuple(second))) == expected
    assert OneOf(tuple(first)).same(OneOf(tuple(first)))


def test_decisions_of_other_kinds_are_never_the_same() -> None:
    decisions: list[Decision] = [
        OneOf((1, 2)),
        OneOf((1, 3)),
        OneOf((True, 2)),
        IntegerRange(1, 2),
        IntegerRange(1, 3),
        UniformRange(1.0, 2.0, log=False),
        UniformRange(1.0, 2.0, log=True),
    ]
    for i, first in enumerate(decisions):
        assert [first.same(second) for second in decisions] == [i == j for j in range(len(decisions))]


@pytest.mark.parametrize(
    ("decision", "held", "not_held"),
    [
        (IntegerRange(1, 3), (1, 2, 3), (0, 4, 1.0, True, "1", None)),
        (UniformRange(0.0, 1.0, log=False), (0.0, 0.5, 1.0), (-0.1, 1.1, 1, 0, True, "0.5", float("nan"))),
    ],
)
def test_ranges_hold_values_of_their_own_type(
    decision: Decision, held: tuple[Value, ...], not_held: tuple[Value, ...]
) -> None:
    assert all(decision.holds(value) for value in held)
    assert not any(decision.holds(value) for value in not_held)


def test_decisions_say_what_they_offer() -> None:
    assert str(OneOf(("a", 1, None))) == "one of 'a', 1, None"
    assert str(IntegerRange(1, 3)) == "an integer from 1 to 3"
    assert str(UniformRange(0.5, 1.0, log=True)) == "a number from 0.5 to 1.0"
