"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence

_DIGITS = 5
"""Significant digits of a number that is not whole: a score's noise starts before the fifth."""

_SMALLEST, _LARGEST = 1e-4, 1e7
"""Between these, numbers are written without an exponent."""

MISSING = "-"


def number(value: float | None) -> str:
    """A number: five significant digits, whole numbers whole, ``-`` for none."""
    [text] = numbers([value])
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def numbers(values: Sequence[float | None]) -> list[str]:
    """A column of numbers: all with the same decimals where their sizes allow it.

    The largest has five significant digits. Where the smallest would be left with less than two, every
    number has its own five, with an exponent where needed.
    """
    sizes = [abs(value) for value in values if value is not None]
    present = [size for size in sizes if size > 0]
    if all(size.is_integer() and size < 1e15 for size in map(float, sizes)):
        return [MISSING if value is None else f"{value + 0.0:,.0f}" for value in values]
    largest, smallest = max(present), min(present)
    if smallest >= _SMALLEST and largest < _LARGEST and smallest * 10 ** (_DIGITS - 2) >= largest:
        decimals = max(_DIGITS - 1 - math.floor(math.log10(largest)), 0)
        return [MISSING if value is None else f"{value:,.{decimals}f}" for value in values]
    return [MISSING if value is None else f"{value:.{_DIGITS}g}" for value in values]


def duration(seconds: float) -> str:
    """A time in the two largest units that it fills: ``0.3 s``, ``42 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    for unit, size, next_unit, next_size in (
        ("d", 86_400, "h", 3_600),
        ("h", 3_600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // next_size} {next_unit}"
    return f"{whole} s"
