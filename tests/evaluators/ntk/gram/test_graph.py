"""What the graph proves is true: where it says that samples do not meet, no gradient passes between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from automl.evaluators.ntk.gram.graph import read
from automl.evaluators.ntk.gram.rules import linear
from automl.evaluators.ntk.gram.statistics import Statistics
from automl.evaluators.ntk.gram.tape import Tape

N = 4
"""Samples, and also the length of every other axis: an axis that is mistaken for another is not noticed."""

Step = Callable[[Tensor], Tensor]

# All map (4, 4, 4) to (4, 4, 4), so that they can follow each other in any order.
APART: dict[str, Step] = {
    "relu": torch.relu,
    "gelu": F.gelu,
    "softplus": F.softplus,
    "times two": lambda x: 2 * x - 1,
    "square": lambda x: x**2,
    "product": lambda x: x * x.sigmoid(),
    "quotient": lambda x: x / (1 + x.abs()),
    "maximum": lambda x: torch.maximum(x, 0.1 * x),
    "where": lambda x: torch.where(x > 0, x, x.exp()),
    "clamp": lambda x: x.clamp(-1, 1),
    "clone": lambda x: x.clone(),
    "softmax": lambda x: x.softmax(1),
    "last softmax": lambda x: x.log_softmax(-1),
    "transpose": lambda x: x.transpose(1, 2),
    "permute": lambda x: x.permute(0, 2, 1),
    "view": lambda x: x.reshape(N, 2, 8).reshape(N, N, N),
    "cat": lambda x: torch.cat([x[:, :2], x[:, 2:].sin()], 1),
    "stack": lambda x: torch.stack([x[:, 0], x[:, 1], x[:, 2], x.mean(1)], 1),
    "chunks": lambda x: torch.cat([half.tanh() for half in x.chunk(2, -1)], -1),
    "steps": lambda x: torch.cat([x[:, ::2], x[:, 1::2]], 1),
    "pad": lambda x: F.pad(x, (1, -1, -1, 1)),
    "mean": lambda x: x - x.mean((1, 2), keepdim=True).expand(N, N, N),
    "sum": lambda x: x.sum(-1, keepdim=True).expand(-1, -1, N),
    "largest": lambda x: x.amax(1).unsqueeze(1).expand(-1, N, -1),
    "unbind": lambda x: torch.stack(x.unbind(1), 2),
    "layer norm": lambda x: F.layer_norm(x, (N,)),
    "group norm": lambda x: F.group_norm(x, 2),
    "pool": lambda x: F.avg_pool2d(x.unsqueeze(1), 3, 1, 1).squeeze(1),
    "one pixel": lambda x: x * F.adaptive_avg_pool2d(x.unsqueeze(1), 1).squeeze(1).expand(N, N, N),
    "largest of windows": lambda x: F.max_pool2d(x, 3, 1, 1),
    "constant convolution": lambda x: F.conv1d(x, torch.ones(N, N, 3), padding=1),
    "constant product": lambda x: (x.reshape(N, 16) @ torch.ones(16, 16).cumsum(0)).reshape(N, N, N),
    "constant mean": lambda x: x - x.detach().mean(0),
    "gated": lambda x: F.glu(torch.cat([x, x], 2), 2),
}
MIXING: dict[str, Step] = {
    "transpose of samples": lambda x: x.transpose(0, 1),
    "permutation of samples": lambda x: x.permute(1, 2, 0),
    "mean over samples": lambda x: x - x.mean(0, keepdim=True).expand(N, N, N),
    "mean over all": lambda x: x * x.mean(),
    "mean over samples and pixels": lambda x: x + x.mean((0, 1), keepdim=True).expand(N, N, N),
    "last mean": lambda x: x + x.mean(-3, keepdim=True).expand(N, N, N),
    "softmax over samples": lambda x: x.softmax(0),
    "softmax over samples from behind": lambda x: x.softmax(-3),
    "sum over samples": lambda x: x.sum(0).unsqueeze(0).expand(N, -1, -1),
    "broadcast over samples": lambda x: x + x.mean(1).sin(),
    "cat of samples": lambda x: torch.cat([x[2:], x[:2]]),
    "stack of samples": lambda x: torch.stack([x[0], x[1], x[0], x[3]]),
    "pad of samples": lambda x: F.pad(x, (0, 0, 0, 0, 1, -1)),
    "steps over samples": lambda x: torch.cat([x[::2], x[1::2]]),
    "one sample": lambda x: x[0].expand(N, N, N),
    "view over samples": lambda x: x.reshape(2, 32).transpose(0, 1).reshape(N, N, N),
    "layer norm over samples": lambda x: F.layer_norm(x, (N, N, N)),
    "unbound samples": lambda x: torch.stack(x.unbind(0), 1),
    "largest over samples": lambda x: x.amax(0, keepdim=True).expand(N, N, N),
    "batch norm": lambda x: F.batch_norm(x, None, None, training=True),
    "flip": lambda x: x.flip(0),
    "roll": lambda x: x + x.roll(1, 0),
    "index": lambda x: x[torch.tensor([1, 0, 3, 2])],
    "strides": lambda x: x.contiguous().as_strided((N, N, N), (4, 16, 1)),
    "attention": lambda x: torch.einsum("iab,jab,jcd->icd", x, x, x),
}


class Watched(nn.Module):
    """A step behind a layer with parameters."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(N, N)

    def recorded(self, steps: list[Step], x: Tensor) -> Tensor:
        tape = Tape(N, self.layer.parameters(), statistics=Statistics(torch.device("cpu")), frozen=True)
        y = linear(tape, x, self.layer.weight, self.layer.bias)
        assert y is not None
        return self.through(steps, y)

    @staticmethod
    def through(steps: list[Step], y: Tensor) -> Tensor:
        for step in steps:
            y = step(y)
        return y.flatten(1)


def meet(steps: list[Step]) -> bool:
    """Whether some sample's output has a gradient by another sample's row, by autograd's own Jacobian."""
    torch.manual_seed(1)
    given = torch.randn(N, N, N)
    function: Any = torch.autograd.functional.jacobian
    jacobian = function(lambda y: Watched.through(steps, y), given).view(N, -1, N, N * N)
    return any(bool(jacobian[i, :, j].any()) for i in range(N) for j in range(N) if i != j)


def proven(steps: list[Step]) -> bool:
    torch.manual_seed(1)
    return read(Watched().recorded(steps, torch.randn(N, N, N)), N).by_rows


@pytest.mark.parametrize("name", APART)
def test_what_keeps_samples_apart_is_proven_to(name: str) -> None:
    assert not meet([APART[name]])
    assert proven([APART[name]])


@pytest.mark.parametrize("name", MIXING)
def test_what_mixes_samples_is_not_proven(name: str) -> None:
    assert meet([MIXING[name]])
    assert not proven([MIXING[name]])


@settings(deadline=None, max_examples=300)
@given(names=st.lists(st.sampled_from([*APART, *MIXING]), min_size=1, max_size=4))
def test_a_proof_is_never_false(names: list[str]) -> None:
    steps = [{**APART, **MIXING}[name] for name in names]
    if proven(steps):
        assert not meet(steps)


def test_parameters_besides_the_operations_are_found() -> None:
    watched, x = Watched(), torch.randn(N, N, N)
    scale = nn.Parameter(torch.randn(N))
    reading = read(watched.recorded([lambda y: y * scale.sin()], x), N)
    assert id(scale) in reading.reached
    assert id(watched.layer.weight) not in reading.reached
    assert [list(map(id, op.parameters)) for op in reading.operations] == [
        list(map(id, watched.layer.parameters()))
    ]


def test_steps_that_lead_to_parameters_alone_need_no_proof() -> None:
    watched, x = Watched(), torch.randn(N, N, N)
    matrix = nn.Parameter(torch.randn(N, N))
    assert read(watched.recorded([lambda y: y + matrix.flip(0).mean(0).expand(N, N, N)], x), N).by_rows
    assert not read(watched.recorded([lambda y: (y * matrix.sum()).flip(0)], x), N).by_rows
