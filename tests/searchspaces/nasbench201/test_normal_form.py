from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import torch
from pyarrow.parquet import read_table

from automl.searchspaces.nasbench201 import Cell
from automl.searchspaces.nasbench201.cell import parse_cell
from automl.searchspaces.nasbench201.network import CellModule, ReluConvNorm
from automl.searchspaces.nasbench201.normal_form import canonical_text
from tests.searchspaces.nasbench201.cells import CONV1, CONV3, NONE, POOL, SKIP, all_cells, random_cells


@pytest.fixture(scope="module")
def classes() -> dict[str, list[Cell]]:
    found = defaultdict(list)
    for cell in all_cells():
        found[canonical_text(cell)].append(cell)
    return found


def test_the_number_of_classes(classes: dict[str, list[Cell]]) -> None:
    """Counted apart from this code: 5,653 where the shifts of a 1x1 and of a 3x3 convolution of zero, and a
    shift and the pooling of it, are told apart, though nothing about the network's function does."""
    assert len(classes) == 5234


def text(*operations: str) -> str:
    return canonical_text(Cell(operations))


def test_it_reads_as_definitions_and_an_output() -> None:
    assert text(CONV3, SKIP, CONV1, NONE, POOL, SKIP) == "a=conv3x3(x); b=conv1x1(a); P(a)+b+x"
    assert text(SKIP, SKIP, SKIP, SKIP, POOL, POOL) == "3P(x)+x"
    assert text(NONE, NONE, NONE, NONE, NONE, NONE) == "0"
    assert text(NONE, NONE, CONV1, CONV3, NONE, CONV3) == "a=shift; b=conv3x3(x); c=conv3x3(a); b+c"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param((SKIP, NONE, CONV3, NONE, NONE, SKIP), (NONE, CONV3, NONE, NONE, NONE, SKIP), id="skip"),
        pytest.param(
            (CONV3, CONV1, NONE, NONE, SKIP, SKIP), (CONV1, CONV3, NONE, NONE, SKIP, SKIP), id="order"
        ),
        pytest.param(
            (CONV3, POOL, POOL, NONE, NONE, SKIP), (CONV3, SKIP, SKIP, NONE, NONE, POOL), id="P(a+b) = Pa+Pb"
        ),
        pytest.param((CONV3, NONE, NONE, POOL, NONE, NONE), (NONE, NONE, CONV1, POOL, NONE, NONE), id="dead"),
        pytest.param(
            (NONE, NONE, NONE, SKIP, CONV3, NONE),
            (NONE, NONE, NONE, SKIP, CONV1, NONE),
            id="shift of any kernel",
        ),
        pytest.param(
            (NONE, NONE, CONV3, SKIP, NONE, POOL),
            (NONE, NONE, CONV3, SKIP, NONE, SKIP),
            id="P(shift) = shift",
        ),
    ],
)
def test_what_computes_the_same_has_one_text(first: tuple[str, ...], second: tuple[str, ...]) -> None:
    assert text(*first) == text(*second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(
            (CONV3, CONV3, NONE, NONE, SKIP, SKIP), (CONV3, NONE, SKIP, NONE, SKIP, SKIP), id="a+b != 2a"
        ),
        pytest.param(
            (NONE, NONE, NONE, SKIP, CONV3, NONE), (NONE, NONE, NONE, SKIP, NONE, NONE), id="shift != 0"
        ),
        pytest.param(
            (NONE, NONE, NONE, SKIP, CONV3, CONV3),
            (NONE, NONE, NONE, SKIP, NONE, CONV3),
            id="two shifts != one",
        ),
        pytest.param(
            (SKIP, SKIP, SKIP, NONE, NONE, CONV3), (NONE, SKIP, NONE, NONE, NONE, CONV3), id="2x != x"
        ),
        pytest.param(
            (POOL, NONE, POOL, NONE, NONE, SKIP), (POOL, NONE, SKIP, NONE, NONE, SKIP), id="PPx != Px"
        ),
        pytest.param(
            (CONV1, NONE, NONE, NONE, POOL, NONE), (POOL, NONE, NONE, NONE, CONV1, NONE), id="Pc != cP"
        ),
        pytest.param(
            (CONV1, NONE, NONE, NONE, SKIP, NONE), (CONV3, NONE, NONE, NONE, SKIP, NONE), id="1x1 != 3x3"
        ),
    ],
)
def test_what_computes_something_else_has_another_text(
    first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    assert text(*first) != text(*second)


def test_cells_that_the_table_calls_isomorphic_but_that_are_trained_apart(shared: Path) -> None:
    """Two convolutions are added in the one; one convolution is added to itself in the other."""
    table = read_table(shared / "data" / "nasbench201.parquet", columns=["arch_str", "isomorph_index"])
    texts, representatives = table["arch_str"].to_pylist(), table["isomorph_index"].to_pylist()
    assert representatives[0] == representatives[3599]
    assert canonical_text(parse_cell(texts[0])) == "a=conv1x1(x); b=conv1x1(x); 2P(x)+a+b"
    assert canonical_text(parse_cell(texts[3599])) == "a=conv1x1(x); 2P(x)+2a"


# -- against the plain way: write everything out, and try every naming ------------------------------------


def plain_text(cell: Cell) -> str:
    used = [name for name in "uvwxyz" if name in written_out(cell, "uvwxyz")]
    return min(
        written_out(cell, tuple(dict(zip(used, names, strict=True)).get(old, "-") for old in "uvwxyz"))
        for names in itertools.permutations("ABCDEF"[: len(used)])
    )


def written_out(cell: Cell, names: str | tuple[str, ...]) -> str:
    """The output with every convolution written out where it is used, under the name of its edge."""
    nodes: list[list[str]] = [["*"], [], [], []]
    for (source, target, operation), name in zip(cell.edges(), names, strict=True):
        terms = nodes[source]
        if operation == NONE:
            continue
        if operation == POOL:
            terms = [term if term.startswith("S") else f"P{term}" for term in terms]
        elif operation != SKIP:
            kind = operation[-1] if terms else "S"
            terms = [f"{kind}{name}[{'+'.join(sorted(terms))}]"]
        nodes[target] = nodes[target] + terms
    return "+".join(sorted(nodes[-1]))


def test_the_plain_way_finds_the_same_classes() -> None:
    pairs = {(canonical_text(cell), plain_text(cell)) for cell in random_cells(4000)}
    assert len({fast for fast, _ in pairs}) == len({plain for _, plain in pairs}) == len(pairs)


# -- against numbers ---------------------------------------------------------------------------------------


def test_cells_of_one_class_compute_the_same_function(classes: dict[str, list[Cell]]) -> None:
    """Some matching of the convolutions makes outputs and gradients equal, for random weights, in training
    and in evaluation: so the two cells stay equal however they are trained."""
    random = Random(0)
    several = [cells for _, cells in sorted(classes.items()) if len(cells) > 1]
    for cells in random.sample(several, 150):
        first, second = (trained(cell) for cell in random.sample(cells, 2))
        assert any(equal(first, second, used) for used in matchings(first, second)), cells


def test_the_numbers_tell_cells_of_two_classes_apart() -> None:
    """The check above can fail: here no matching makes the two equal."""
    first = trained(Cell((CONV3, CONV3, NONE, NONE, POOL, SKIP)))
    second = trained(Cell((CONV3, NONE, SKIP, NONE, POOL, SKIP)))
    assert not any(equal(first, second, used) for used in matchings(first, second))


def trained(cell: Cell) -> CellModule:
    """A cell with values as they might be after training."""
    module = CellModule(cell, 3).double()
    module.runs_dead_parts = True
    generator = torch.Generator().manual_seed(0)
    for tensor in [*module.parameters(), *module.buffers()]:
        if tensor.is_floating_point():
            tensor.data.uniform_(0.2, 1.0, generator=generator)
    return module


def used_layers(module: CellModule) -> list[ReluConvNorm]:
    """The convolutions that the output depends on, found by its gradient."""
    module.train()
    module(images()).sum().backward()
    layers = [layer for layer in module.children() if isinstance(layer, ReluConvNorm)]
    return [layer for layer in layers if layer.norm.bias.grad is not None]


def images() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 3, 5, 4, generator=generator, dtype=torch.float64, requires_grad=True)


Matching = list[tuple[ReluConvNorm, ReluConvNorm]]


def matchings(first: CellModule, second: CellModule) -> Iterator[Matching]:
    mine, theirs = used_layers(first), used_layers(second)
    if len(mine) == len(theirs):
        for order in itertools.permutations(theirs):
            yield list(zip(mine, order, strict=True))


def equal(first: CellModule, second: CellModule, matching: Matching) -> bool:
    for mine, theirs in matching:
        theirs.norm.load_state_dict(mine.norm.state_dict())
        if mine.conv.weight.shape == theirs.conv.weight.shape:
            theirs.conv.load_state_dict(mine.conv.state_dict())
    return all(
        torch.allclose(a, b, rtol=1e-9, atol=1e-9)
        for training in (False, True)
        for a, b in zip(
            behaviour(first, [mine for mine, _ in matching], training),
            behaviour(second, [theirs for _, theirs in matching], training),
            strict=True,
        )
    )


def behaviour(module: CellModule, layers: list[ReluConvNorm], training: bool) -> list[torch.Tensor]:
    """The output, and the gradients of a function of it for the input and the matched weights."""
    inputs = images()
    state = {name: value.clone() for name, value in module.state_dict().items()}
    weights = [w for layer in layers for w in (layer.norm.weight, layer.norm.bias, layer.conv.weight)]
    output: torch.Tensor = module.train(training)(inputs)
    if not output.requires_grad:
        return [output]
    gradients = torch.autograd.grad(
        (output * torch.linspace(-1, 1, output.numel()).view_as(output)).sum(),
        [inputs, *weights],
        allow_unused=True,
        materialize_grads=True,
    )
    module.load_state_dict(state)  # the statistics are as they were
    # A convolution of zero may have a kernel of another size: its gradient is zero, whatever its shape.
    return [output, *(gradient if gradient.any() else torch.zeros(()) for gradient in gradients)]
