from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.core.errors import DataError
from automl.plugins.tasks.drawing import draw, draw_examples


def draw_slowly(count: int, size: int, seed: int) -> list[int]:
    """The whole list shuffled step by step, of which the beginning is taken."""
    random = Random(seed)
    numbers = list(range(count))
    for step in range(size):
        other = step + int(random.random() * (count - step))
        numbers[step], numbers[other] = numbers[other], numbers[step]
    return numbers[:size]


@given(st.integers(0, 60), st.data(), st.integers(0, 2**63 - 1))
def test_draws_as_a_shuffle_of_the_whole_list_does(count: int, data: st.DataObject, seed: int) -> None:
    size = data.draw(st.integers(0, count))
    drawn = draw(count, size, seed)
    assert drawn == draw_slowly(count, size, seed)
    assert len(set(drawn)) == size


def test_the_numbers_are_those_of_every_version() -> None:
    assert draw(1000, 5, 7) == [323, 151, 651, 75, 537]
    assert draw(6, 6, 0) == [5, 4, 3, 2, 0, 1]


def test_a_few_of_very_many_are_drawn_at_once() -> None:
    assert all(0 <= number < 10**12 for number in draw(10**12, 3, 1))


def test_every_order_is_drawn_about_as_often() -> None:
    counts: dict[tuple[int, ...], int] = {}
    for seed in range(6000):
        order = tuple(draw(3, 3, seed))
        counts[order] = counts.get(order, 0) + 1
    # 1,000 expected of each of six; the standard deviation is 29.
    assert len(counts) == 6
    assert all(abs(count - 1000) < 150 for count in counts.values())


def test_too_few_examples_are_an_error_that_says_how_many_there_are() -> None:
    assert sorted(draw_examples("spots", 4, 4, 0)) == [0, 1, 2, 3]
    with pytest.raises(DataError, match=r"batch of 5 examples.*task 'spots' has 4.*at most 4"):
        draw_examples("spots", 4, 5, 0)
