"""Metrics, and the objectives that are chosen among them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Direction(StrEnum):
    """Which end of a metric is the good one."""

    MAX = "max"
    MIN = "min"


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that an evaluator gives.

    Attributes:
        name: lower case, digits and ``_``; the store's column is ``metric.<name>``.
        direction: which end is the good one.
        unit: ``"%"``, ``"s"``, ``"bytes"`` … or empty.
        description: one line for people.
    """

    name: str
    direction: Direction = Direction.MAX
    unit: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"metric name {self.name!r}: expected lower-case letters, digits and '_'")
        object.__setattr__(self, "direction", Direction(self.direction))


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric that the search is to maximise or minimise."""

    metric: str
    direction: Direction

    def gain(self, value: float) -> float:
        """``value`` with its sign turned where needed, so that more is always better."""
        return value if self.direction is Direction.MAX else -value

    def __str__(self) -> str:
        return f"{self.metric}:{self.direction.value}"
