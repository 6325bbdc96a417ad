from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from automl.core.contracts import InvalidCandidateError
from automl.searchspaces.nasbench201 import EDGES, Cell, NasBench201
from automl.searchspaces.nasbench201.network import CellModule, Network, Reduction, ReluConvNorm
from automl.searchspaces.nasbench201.space import NasBench201Options
from tests.searchspaces.nasbench201.cells import CONV1, CONV3, NONE, POOL, SKIP, random_cells
from tests.searchspaces.noise import NoiseTask

MIXED = Cell((CONV3, POOL, CONV1, SKIP, NONE, CONV3))
NOTHING = Cell((NONE,) * 6)


def small(channels: int = 4, cells: int = 1) -> NasBench201:
    return NasBench201(NasBench201Options(channels=channels, cells=cells))


@pytest.mark.parametrize(
    "shape", [(3, 32, 32), (1, 8, 8), (3, 1, 1), (2, 7, 5), (1, 2, 9), (4, 33, 17), (1, 28, 28)]
)
@pytest.mark.parametrize("cell", [MIXED, NOTHING, Cell((POOL,) * 6)], ids=["mixed", "nothing", "pools"])
def test_images_of_any_size_become_logits(shape: tuple[int, ...], cell: Cell) -> None:
    torch.manual_seed(0)
    task = NoiseTask(*shape, classes=7)
    network = small().network(cell, task)
    images = task.batch(3, seed=0).inputs
    for training in (True, False):
        logits = network.train(training)(images)
        assert logits.shape == (3, 7)
        assert logits.dtype == torch.float32
        assert logits.isfinite().all()


def test_a_task_without_images_is_refused() -> None:
    with pytest.raises(InvalidCandidateError, match=r"takes images, .* 'shapes' have the shape \(64,\)"):
        small().network(MIXED, NoiseTask(64))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 13])
def test_a_reduction_halves_and_rounds_up(size: int) -> None:
    assert Reduction(2, 4)(torch.zeros(2, 2, size, size + 1)).shape == (
        *(2, 4),
        (size + 1) // 2,
        size // 2 + 1,
    )


def test_the_shortcut_of_odd_sizes_averages_what_is_there() -> None:
    pool, _ = Reduction(1, 2).shortcut
    image = torch.arange(9.0).view(1, 1, 3, 3)
    assert pool(image).flatten().tolist() == [2.0, 3.5, 6.5, 8.0]


def by_definition(module: CellModule, cell: Cell, features: Tensor) -> Tensor:
    """A node is the sum over all nodes before it, ``none`` a multiplication by zero."""
    nodes = [features]
    for target in (1, 2, 3):
        total = torch.zeros_like(features)
        for (source, end), operation in zip(EDGES, cell.operations, strict=True):
            if end == target:
                layer = getattr(module, f"edge_{target}_{source}", nn.Identity())
                total = total + (nodes[source] * 0 if operation == NONE else layer(nodes[source]))
        nodes.append(total)
    return nodes[-1]


def with_gradients(module: CellModule, output: Tensor, features: Tensor) -> list[Tensor]:
    if not output.requires_grad:
        return [output, torch.zeros_like(features), *map(torch.zeros_like, module.parameters())]
    weight = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view_as(output)
    wanted = [features, *module.parameters()]
    found = torch.autograd.grad((output * weight).sum(), wanted, allow_unused=True, materialize_grads=True)
    return [output, *found]


@pytest.mark.parametrize("dead_parts", [False, True])
def test_outputs_and_gradients_are_those_of_the_definition(dead_parts: bool) -> None:
    torch.manual_seed(0)
    features = torch.randn(2, 3, 5, 4, dtype=torch.float64, requires_grad=True)
    for cell in [NOTHING, *random_cells(150)]:
        module = CellModule(cell, 3).double()
        module.runs_dead_parts = dead_parts
        fast = with_gradients(module, module(features), features)
        slow = with_gradients(module, by_definition(module, cell, features), features)
        for mine, expected in zip(fast, slow, strict=True):
            torch.testing.assert_close(mine, expected)


def test_dead_parts_run_only_where_asked() -> None:
    cell = Cell((CONV3, POOL, CONV1, CONV3, NONE, NONE))
    module, ran = CellModule(cell, 2), list[str]()
    for name, layer in module.named_children():
        layer.register_forward_hook(lambda *_, name=name: ran.append(name))
    features = torch.randn(2, 2, 3, 3)
    alive = module(features)
    assert ran == ["edge_3_0"]
    module.runs_dead_parts = True
    assert torch.equal(module(features), alive)
    assert ran[1:] == ["edge_1_0", "edge_2_0", "edge_2_1", "edge_3_0"]


def test_a_network_without_features_knows_only_its_classifier() -> None:
    torch.manual_seed(0)
    task = NoiseTask(3, 8, 8)
    network = small().network(NOTHING, task)
    logits = network(task.batch(4, seed=0).inputs)
    assert isinstance(network, Network)
    assert torch.allclose(logits, network.classifier.bias.expand(4, -1))
    logits.sum().backward()
    assert network.norm.bias.grad is not None


def test_a_shift_is_all_that_a_convolution_of_nothing_gives() -> None:
    module = CellModule(Cell((NONE, NONE, NONE, NONE, CONV3, NONE)), 2)
    (layer,) = module.children()
    assert isinstance(layer, ReluConvNorm)
    layer.norm.bias.data = torch.tensor([1.0, 2.0])
    for training in (True, False):
        output = module.train(training)(torch.randn(3, 2, 4, 4))
        assert torch.equal(output, torch.tensor([1.0, 2.0]).view(1, 2, 1, 1).expand(3, 2, 4, 4))


def test_the_same_seed_gives_the_same_network() -> None:
    images = NoiseTask(3, 8, 8).batch(2, seed=0).inputs
    logits = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        logits.append(small().network(MIXED, NoiseTask(3, 8, 8))(images))
    assert torch.equal(logits[0], logits[1])
    assert not torch.equal(logits[0], logits[2])


@pytest.mark.parametrize(
    ("channels", "cells", "full", "proxy"),
    [
        (None, None, (16, 5), (8, 1)),
        (4, None, (4, 5), (4, 1)),
        (None, 2, (16, 2), (8, 2)),
        (6, 3, (6, 3), (6, 3)),
    ],
)
def test_sizes_of_full_networks_and_of_proxies(
    channels: int | None, cells: int | None, full: tuple[int, int], proxy: tuple[int, int]
) -> None:
    space = NasBench201(NasBench201Options(channels=channels, cells=cells))
    assert size_of(space) == full
    assert size_of(space.proxy()) == size_of(space.proxy().proxy()) == proxy


def size_of(space: NasBench201) -> tuple[int, int]:
    network = space.network(MIXED, NoiseTask(3, 8, 8))
    assert isinstance(network, Network)
    stem = next(network.stem.children())
    assert isinstance(stem, nn.Conv2d)
    return stem.out_channels, sum(isinstance(stage, CellModule) for stage in network.stages) // 3
