from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
import torch
from pyarrow.parquet import read_table
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows it by

from automl.core.contracts import (
    Choices,
    Direction,
    Equality,
    EvaluationContext,
    Evaluator,
    Genotype,
    NetworkSize,
    Outcome,
    SearchSpace,
    Status,
    Subject,
    Task,
)
from automl.evaluators.complexity import Macs, Params
from automl.searchspaces.nasbench201 import OPERATIONS, Cell, NasBench201
from automl.searchspaces.nasbench201.cell import parse_cell
from tests.searchspaces.noise import NoiseTask

CIFAR10 = NoiseTask(3, 32, 32)
NONE, SKIP, CONV1, CONV3, POOL = OPERATIONS
EMPTY = Cell((NONE,) * 6)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@dataclass(frozen=True)
class Context:
    """As much of a context as counting needs."""

    space: SearchSpace[Any]
    task: Task
    device: torch.device = torch.device("cpu")  # noqa: RUF009 - immutable

    def network(self, subject: Subject) -> nn.Module:
        return self.space.network(subject.candidate, self.task)


def outcome(evaluator: Evaluator, space: SearchSpace[Any], candidate: Any, task: Task) -> Outcome:
    context = cast(EvaluationContext, Context(space, task))
    return evaluator.evaluate([Subject(Genotype({}), candidate)], context)[0]


def count(evaluator: Evaluator, space: SearchSpace[Any], candidate: Any, task: Task) -> float:
    done = outcome(evaluator, space, candidate, task)
    assert done.status is Status.OK, done.reason
    return done.metrics[evaluator.name]


# -- against the published numbers ------------------------------------------------------------------------


Counts = tuple[int, int]


def counts(cell: Cell) -> Counts:
    space = NasBench201()
    return int(count(Params(), space, cell, CIFAR10)), int(count(Macs(), space, cell, CIFAR10))


@pytest.fixture(scope="module")
def published(shared: Path) -> dict[Cell, Counts]:
    names = ["arch_str", "params_cifar10", "flops_mac_cifar10"]
    columns = read_table(shared / "data" / "nasbench201.parquet", columns=names).to_pydict()
    return {
        parse_cell(text): (params, macs)
        for text, params, macs in zip(*(columns[name] for name in names), strict=True)
    }


def test_a_random_sample_of_networks_has_the_published_numbers(published: dict[Cell, Counts]) -> None:
    for cell in Random(0).sample(list(published), 200):
        assert counts(cell) == published[cell], cell


def test_all_networks_have_the_published_numbers(published: dict[Cell, Counts]) -> None:
    """By what each operation adds on each edge, measured on 25 networks: every edge has modules of its own,
    which see features of one shape, so that the edges' shares add up. The sample above tests just that;
    ``tests/benchmarks/nasbench201.py`` builds all networks."""
    empty = counts(EMPTY)
    shares: dict[tuple[int, str], Counts] = {}
    for edge in range(6):
        for operation in OPERATIONS:
            cell = Cell(tuple(operation if place == edge else NONE for place in range(6)))
            shares[edge, operation] = minus(counts(cell), empty)
    for cell, expected in published.items():
        added = [shares[edge, operation] for edge, operation in enumerate(cell.operations)]
        assert (empty[0] + sum(p for p, _ in added), empty[1] + sum(m for _, m in added)) == expected


def minus(left: Counts, right: Counts) -> Counts:
    return left[0] - right[0], left[1] - right[1]


def test_what_no_output_depends_on_is_counted() -> None:
    dead = counts(Cell((NONE, CONV3, NONE, NONE, NONE, NONE)))
    alive = counts(Cell((NONE, NONE, NONE, CONV3, NONE, NONE)))
    assert dead == alive > counts(EMPTY)


def test_golden_numbers() -> None:
    assert counts(EMPTY) == (73_306, 7_783_050)
    assert counts(Cell((CONV3, CONV3, POOL, NONE, CONV3, POOL))) == (802_426, 113_951_370)


# -- against arithmetic -----------------------------------------------------------------------------------


class Given(SearchSpace[Callable[[], nn.Module]]):
    """The candidate makes the network."""

    name = "given"

    def define(self, choose: Choices) -> Callable[[], nn.Module]:
        raise NotImplementedError

    def network(self, candidate: Callable[[], nn.Module], task: Task) -> nn.Module:
        return candidate()


class Functional(nn.Module):
    """A convolution, a matrix product and a linear layer, none of them a module."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.ones(6, 2, 3, 3))
        self.matrix = nn.Parameter(torch.ones(6, 5))
        self.frozen = nn.Parameter(torch.ones(7, 5), requires_grad=False)

    def forward(self, images: Tensor) -> Tensor:
        features = F.conv2d(images, self.kernel, groups=2).mean((2, 3))
        return F.linear(features @ self.matrix, self.frozen)


class Shared(nn.Module):
    """One linear layer, used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.second = self.first

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.second(self.first(inputs))
        return logits


def flat(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(*layers, nn.Flatten())


@pytest.mark.parametrize(
    ("make", "shape", "params", "macs"),
    [
        pytest.param(lambda: nn.Linear(6, 5), (6,), 35, 35, id="linear"),
        pytest.param(lambda: nn.Linear(6, 5, bias=False), (6,), 30, 30, id="no bias"),
        pytest.param(lambda: flat(nn.Linear(6, 5)), (4, 6), 35, 4 * 35, id="linear at four places"),
        pytest.param(lambda: flat(nn.Conv2d(4, 6, 3, padding=1)), (4, 5, 7), 222, 222 * 35, id="convolution"),
        pytest.param(
            lambda: flat(nn.Conv2d(4, 6, 3, stride=2, groups=2, bias=False)),
            (4, 5, 7),
            108,
            108 * 6,
            id="groups",
        ),
        pytest.param(
            lambda: flat(nn.ConvTranspose2d(4, 6, 2, stride=2)),
            (4, 3, 5),
            102,
            96 * 15 + 6 * 60,
            id="transposed",
        ),
        pytest.param(lambda: flat(nn.Conv1d(2, 3, 3)), (2, 9), 21, 21 * 7, id="one dimension"),
        pytest.param(
            lambda: flat(nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2)), (3, 1, 1), 6, None, id="too small"
        ),
        pytest.param(
            lambda: flat(nn.BatchNorm2d(3), nn.ReLU(), nn.AvgPool2d(2)), (3, 4, 4), 6, 0, id="no products"
        ),
        pytest.param(Functional, (4, 5, 5), 108 + 30, 108 * 9 + 30 + 35, id="functions"),
        pytest.param(Shared, (6,), 42, 84, id="shared"),
        pytest.param(
            lambda: flat(nn.LazyConv2d(3, 1), nn.LazyBatchNorm2d()), (2, 2, 2), 9 + 6, 36, id="lazy"
        ),
        pytest.param(lambda: nn.Sequential(nn.BatchNorm1d(4), nn.Dropout()), (4,), 8, 0, id="one example"),
    ],
)
def test_counts_are_those_of_pencil_and_paper(
    make: Callable[[], nn.Module], shape: tuple[int, ...], params: int, macs: int | None
) -> None:
    task = NoiseTask(*shape)
    assert count(Params(), Given(), make, task) == params
    if macs is not None:
        assert count(Macs(), Given(), make, task) == macs


def test_a_network_that_does_not_run_is_invalid_and_says_why() -> None:
    failed = outcome(Macs(), Given(), lambda: nn.Linear(3, 2), NoiseTask(4))
    assert failed.status is Status.INVALID
    assert "shapes cannot be multiplied" in failed.reason


@pytest.mark.parametrize("evaluator", [Params(), Macs()])
def test_they_count_full_networks_as_written_and_less_is_better(evaluator: Evaluator) -> None:
    assert (evaluator.size, evaluator.equality) == (NetworkSize.FULL, Equality.FORM)
    assert [(metric.name, metric.direction) for metric in evaluator.metrics] == [
        (evaluator.name, Direction.MIN)
    ]
