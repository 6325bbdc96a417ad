from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from pyarrow.parquet import read_table
from pydantic import ValidationError

from automl.core.contracts import Genotype, View
from automl.core.errors import ParseError
from automl.searchspaces.nasbench201 import OPERATIONS, Cell, NasBench201
from automl.searchspaces.nasbench201.space import NasBench201Options
from tests.searchspaces.nasbench201.cells import CONV1, CONV3, NONE, POOL, SKIP

SPACE = NasBench201()
TEXT = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|avg_pool_3x3~2|"
CHOICES = {
    "edge_1_0": CONV3,
    "edge_2_0": NONE,
    "edge_2_1": SKIP,
    "edge_3_0": SKIP,
    "edge_3_1": CONV1,
    "edge_3_2": POOL,
}


def test_a_genotype_is_six_choices_in_the_order_of_the_text() -> None:
    assert SPACE.parse(TEXT) == Genotype(CHOICES)
    assert SPACE.rebuild(Genotype(CHOICES)) == Cell((CONV3, NONE, SKIP, SKIP, CONV1, POOL))


def test_every_genotype_comes_back_from_its_text() -> None:
    genotypes = list(SPACE.enumerate())
    assert len(set(genotypes)) == SPACE.size() == 5**6
    for genotype in genotypes[::7]:
        cell = SPACE.rebuild(genotype)
        assert SPACE.parse(SPACE.text(genotype, cell)) == genotype
        assert SPACE.parse(genotype.json) == genotype


def test_neighbours_differ_in_one_edge() -> None:
    parent, random = Genotype(CHOICES), Random(0)
    for _ in range(50):
        child = SPACE.mutate(parent, random)
        assert sum(child[name] != parent[name] for name in CHOICES) == 1


def test_a_text_that_is_no_cell_is_refused() -> None:
    with pytest.raises(ParseError, match="An example:"):
        SPACE.parse("|none~0|")
    with pytest.raises(ParseError, match="not JSON"):
        SPACE.parse("{edge_1_0}")


def test_the_table_is_in_the_order_of_the_operations(shared: Path) -> None:
    table = read_table(shared / "data" / "nasbench201.parquet", columns=["arch_str", "ops6"])
    texts, numbers = table["arch_str"].to_pylist(), table["ops6"].to_pylist()
    for text, digits in zip(texts, numbers, strict=True):
        cell = SPACE.rebuild(SPACE.parse(text))
        assert cell.operations == tuple(OPERATIONS[int(digit)] for digit in digits)
        assert SPACE.table_key(cell) == text


@pytest.mark.parametrize(
    ("index", "genotype"),
    [
        (0, (POOL, CONV1, SKIP, CONV1, SKIP, SKIP)),
        (11, (CONV3, CONV3, POOL, NONE, CONV3, POOL)),
        (284, (SKIP, SKIP, SKIP, NONE, CONV1, NONE)),
    ],
)
def test_golden_indices(index: int, genotype: tuple[str, ...], shared: Path) -> None:
    texts = read_table(shared / "data" / "nasbench201.parquet", columns=["arch_str"])["arch_str"]
    assert tuple(SPACE.parse(texts[index].as_py()).values()) == genotype


def test_equal_functions_have_one_key_and_two_forms() -> None:
    first, second = (Genotype({**CHOICES, "edge_3_2": op, "edge_2_1": NONE}) for op in (NONE, POOL))
    cells = [SPACE.rebuild(genotype) for genotype in (first, second)]
    assert SPACE.key(first, cells[0]) == SPACE.key(second, cells[1])
    assert SPACE.key(first, cells[0], by_form=True) != SPACE.key(second, cells[1], by_form=True)


def test_the_description_shows_the_graph_and_what_is_idle() -> None:
    genotype = Genotype({**CHOICES, "edge_3_2": NONE})
    assert SPACE.describe(genotype, SPACE.rebuild(genotype)) == [
        ("cell", TEXT.replace("avg_pool_3x3", "none")),
        ("node 1", "nor_conv_3x3(input)"),
        ("node 2", "node 1"),
        ("output", "input + nor_conv_1x1(node 1)"),
        ("computes", "a=conv3x3(x); b=conv1x1(a); b+x"),
        ("without effect", "skip_connect 1→2"),
    ]
    nothing = Genotype(dict.fromkeys(CHOICES, NONE))
    assert SPACE.describe(nothing, SPACE.rebuild(nothing))[-2:] == [("output", "0"), ("computes", "0")]


@pytest.mark.parametrize(
    "wrong", [{"channels": 0}, {"channels": 513}, {"cells": 0}, {"cells": 21}, {"depth": 3}]
)
def test_sizes_that_make_no_network_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        NasBench201Options.model_validate(wrong)


def test_it_offers_networks_and_table_keys() -> None:
    assert NasBench201.views() == {View.NETWORK, View.TABLE_KEY}


def test_the_plugin_is_read_without_torch() -> None:
    code = (
        "import sys, automl.searchspaces\n"
        "print([m for m in ('torch', 'pandas', 'pyarrow', 'ray') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
