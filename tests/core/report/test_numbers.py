"""Numbers as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.core.report.numbers import duration, number, numbers

FINITE = st.floats(-1e300, 1e300)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "-"),
        (0.0, "0"),
        (-0.0, "0"),
        (15625.0, "15,625"),
        (0.25, "0.25"),
        (-3.4123456, "-3.4123"),
        (94.373, "94.373"),
        (123456.7, "123,457"),
        (1.5e-9, "1.5e-09"),
        (1.23456789e12, "1,234,567,890,000"),
        (1e300, "1e+300"),
    ],
)
def test_one_number(value: float | None, expected: str) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        ([None], ["-"]),
        ([1, 20, 300], ["1", "20", "300"]),
        ([6.285714, 5.5, None, -1], ["6.2857", "5.5000", "-", "-1.0000"]),
        ([0.8456, 0.0, 0.7], ["0.84560", "0.00000", "0.70000"]),
        ([1828.91, 688.3], ["1,828.9", "688.3"]),
        ([1e-9, 3.5], ["1e-09", "3.5"]),
        ([0.01, 12345.6], ["0.01", "12346"]),
    ],
)
def test_a_column_of_numbers(values: list[float | None], expected: list[str]) -> None:
    assert numbers(values) == expected


@given(st.lists(FINITE, min_size=1, max_size=8))
def test_what_is_written_is_what_was_measured(values: list[float]) -> None:
    """To five digits of the largest, in whatever form."""
    largest = max(map(abs, values))
    for value, text in zip(values, numbers(values), strict=True):
        assert abs(float(text.replace(",", "")) - value) <= 1e-4 * largest
    for value in values:
        assert float(number(value).replace(",", "")) == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (0.00213, "0.0021 s"),
        (9.94, "9.9 s"),
        (42.4, "42 s"),
        (59.7, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_time(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected
