"""The genotype: its text is all there is of it."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.core.contracts import Genotype, Value
from automl.core.errors import ChoiceError, ParseError
from tests.generated import SCALARS, kind_and_value

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.dictionaries(NAMES, SCALARS, max_size=6)


def spelled(values: dict[str, Value]) -> list[tuple[str, tuple[type, Value]]]:
    return [(name, kind_and_value(value)) for name, value in values.items()]


@given(VALUES)
def test_json_gives_it_back(values: dict[str, Value]) -> None:
    genotype = Genotype(values)
    again = Genotype.from_json(genotype.json)
    assert again == genotype
    assert hash(again) == hash(genotype)
    assert spelled(dict(again)) == spelled(values)
    assert spelled(json.loads(genotype.json)) == spelled(values)
    assert genotype.json.encode().decode() == genotype.json


@given(VALUES, VALUES)
def test_equal_are_those_with_the_same_choices_in_the_same_order(
    first: dict[str, Value], second: dict[str, Value]
) -> None:
    assert (Genotype(first) == Genotype(second)) == (repr(spelled(first)) == repr(spelled(second)))


def test_one_and_true_are_different() -> None:
    variants = [Genotype({"a": value}) for value in (1, 1.0, True, "1")]
    assert len(set(variants)) == 4


def test_order_counts() -> None:
    assert Genotype({"a": 1, "b": 2}) != Genotype({"b": 2, "a": 1})


def test_it_is_equal_to_nothing_else() -> None:
    assert Genotype({"a": 1}) != {"a": 1}
    assert Genotype({"a": 1}) != '{"a":1}'


def test_it_is_a_mapping_that_does_not_change() -> None:
    values: dict[str, Value] = {"a": 1, "b": None}
    genotype = Genotype(values)
    values["a"] = 2
    assert dict(genotype) == {"a": 1, "b": None}
    assert (len(genotype), genotype["a"], "c" in genotype) == (2, 1, False)
    assert repr(genotype) == 'Genotype({"a":1,"b":null})'
    with pytest.raises(TypeError):
        genotype["a"] = 2  # type: ignore[index]  # that is the fault
    with pytest.raises(AttributeError):
        genotype.other = 2  # type: ignore[attr-defined]  # that is the fault


def test_it_travels_by_pickle_and_copy() -> None:
    genotype = Genotype({"a": 1, "b": "\N{SNOWMAN}"})
    assert pickle.loads(pickle.dumps(genotype)) == genotype
    assert copy.deepcopy(genotype) == genotype


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([1], "'a' is [1], a list"),
        ({"b": 1}, "a dict"),
        (np.float64(1.0), "a float64"),
        (float("nan"), "expected text and finite numbers"),
        (float("inf"), "expected text and finite numbers"),
        ("\ud800", "surrogates not allowed"),
        (len, "a builtin_function_or_method"),
    ],
)
def test_it_holds_json_scalars_only(value: Any, says: str) -> None:
    with pytest.raises(ChoiceError) as refused:
        Genotype({"a": value})
    assert says in refused.value.message


@pytest.mark.parametrize(
    "text",
    ["", "x", "{", "[]", "1", "null", '{"a": [1]}', '{"a": {}}', '{"a": NaN}', '{"a": 1e999}', "[" * 100_000,
     '{"a": "\\ud800"}', "{'a': 1}"],
)  # fmt: skip
def test_other_texts_do_not_parse(text: str) -> None:
    with pytest.raises(ParseError, match="genotype"):
        Genotype.from_json(text)
