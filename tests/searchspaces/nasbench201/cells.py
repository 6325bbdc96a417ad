"""Cells for the tests of this folder."""

from __future__ import annotations

import itertools
from random import Random

from automl.searchspaces.nasbench201 import OPERATIONS, Cell

NONE, SKIP, CONV1, CONV3, POOL = OPERATIONS


def all_cells() -> list[Cell]:
    return [Cell(operations) for operations in itertools.product(OPERATIONS, repeat=6)]


def random_cells(count: int, seed: int = 0) -> list[Cell]:
    return Random(seed).sample(all_cells(), count)
