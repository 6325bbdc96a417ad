"""Networks in which samples meet, or in which gradients are not what they seem."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.checkpoint import checkpoint

from automl.evaluators.ntk.gram import Way
from tests.evaluators.ntk.gram.zoo.odd import CLASSES, Lambda, Odd, head


class HomeMadeNorm(nn.Module):
    """Batch statistics that no rule knows."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.gamma * (x - x.mean(0)) / x.std(0)


class DeclaredNorm(HomeMadeNorm):
    """The same, that says how to hold its statistics still."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self._held = False

    @contextmanager
    def frozen_statistics(self) -> Iterator[None]:
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def forward(self, x: Tensor) -> Tensor:
        of = x.detach() if self._held else x
        return self.gamma * (x - of.mean(0)) / of.std(0)


def hooked_tensor(m: Any, x: Tensor) -> Any:
    y = m.a(x)
    y.register_hook(lambda gradient: gradient - gradient.mean(0))
    return m.b(y)


def hooked_parameter() -> nn.Module:
    layer = nn.Linear(4, CLASSES)
    mask = torch.tensor([1.0, 0.0, 1.0, 0.5])
    layer.weight.register_hook(lambda gradient: gradient * mask)  # type: ignore[no-untyped-call]  # torch's
    return layer


def hooked_module() -> nn.Module:
    def mix(module: nn.Module, by_input: Any, by_output: Any) -> Any:
        return (2 * by_output[0].flip(0),)

    layer = nn.Linear(4, 4)
    layer.register_full_backward_hook(mix)
    return nn.Sequential(nn.Linear(4, 4), layer, nn.Linear(4, CLASSES))


def slope_inside(m: Any, x: Tensor) -> Any:
    """The gradient of a network as a network."""
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(m.a(x).tanh().sum(), x, create_graph=True)
    return m.b(slope)


class Reversed(torch.autograd.Function):
    """Does nothing, but its gradient mixes samples."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient + 0.1 * gradient.flip(0)


def between(function: Callable[[Tensor], Tensor], width: int = 4) -> Callable[[], nn.Module]:
    """A network with ``function`` between two linear layers."""
    return lambda: Lambda(lambda m, x: m.b(function(m.a(x))), a=nn.Linear(4, 4), b=nn.Linear(width, CLASSES))


def through_the_mean(y: Tensor) -> Tensor:
    """The value is y's; the gradient has a part of the batch's mean."""
    mean = y.mean(0)
    return y + 0.5 * (mean - mean.detach())


def constant_mean(y: Tensor) -> Tensor:
    """Samples meet in the value alone."""
    return y - y.detach().mean(0)


COUPLED: dict[str, Odd] = {
    "home-made batch norm": Odd(
        lambda: nn.Sequential(nn.Linear(4, 5), HomeMadeNorm(5), nn.Tanh(), nn.Linear(5, 3)), (4,), Way.LOOP
    ),
    "a declared batch norm with a free parameter": Odd(
        lambda: nn.Sequential(nn.Linear(4, 5), DeclaredNorm(5), nn.Tanh(), nn.Linear(5, 3)), (4,), Way.LOOP
    ),
    "a declared batch norm": Odd(
        lambda: nn.Sequential(
            nn.Linear(4, 5), DeclaredNorm(5).requires_grad_(False), nn.Tanh(), nn.Linear(5, 3)
        ),
        (4,),
    ),
    "the batch's mean": Odd(between(lambda y: y - y.mean(0)), (4,), Way.LOOP),
    "the mean of all": Odd(between(lambda y: y * y.mean()), (4,), Way.LOOP),
    "the batch's constant mean": Odd(between(constant_mean), (4,)),
    "the batch's mean in the gradient alone": Odd(between(through_the_mean), (4,), Way.LOOP),
    "the neighbour": Odd(between(lambda y: y + 0.01 * y.roll(1, 0)), (4,), Way.LOOP),
    "the previous sample": Odd(between(lambda y: y + torch.cat([0 * y[:1], y[:-1]])), (4,), Way.LOOP),
    "pairs": Odd(between(lambda y: (y + y.view(-1, 2, 4).flip(1).view(-1, 4)).tanh()), (4,), Way.LOOP),
    "broadcast over samples": Odd(
        lambda: Lambda(
            lambda m, x: m.b(m.a(x) + m.c(x).squeeze(1)),
            a=nn.Linear(4, 6),
            b=nn.Linear(6, 3),
            c=nn.Linear(4, 1),
        ),
        (4,),
        Way.LOOP,
    ),
    "attention between samples": Odd(between(lambda y: (y @ y.T).softmax(1) @ y), (4,), Way.LOOP),
    "the same logits for all": Odd(
        lambda: Lambda(lambda m, x: m.a(x).mean(0).expand(len(x), -1), a=nn.Linear(4, CLASSES)),
        (4,),
        Way.LOOP,
    ),
    "in reverse": Odd(between(lambda y: y.flip(0)), (4,), Way.LOOP),
    "in another order": Odd(between(lambda y: y[[1, 2, 0, *range(3, len(y))]]), (4,), Way.LOOP),
    "softmax over samples": Odd(between(lambda y: y.softmax(0)), (4,), Way.LOOP),
    "ghost statistics": Odd(
        between(
            lambda y: F.layer_norm(y.view(2, -1, 4).transpose(1, 2), (3,)).transpose(1, 2).reshape(-1, 4)
        ),
        (4,),
        Way.LOOP,
    ),
    "a gradient that mixes samples": Odd(between(Reversed.apply), (4,), Way.LOOP),
    "a hook on a tensor": Odd(
        lambda: Lambda(hooked_tensor, a=nn.Linear(4, 4), b=nn.Linear(4, CLASSES)), (4,), Way.LOOP
    ),
    "a hook on a parameter": Odd(hooked_parameter, (4,), Way.LOOP),
    "a hook on a module": Odd(hooked_module, (4,), Way.LOOP),
    "noise and a free parameter": Odd(
        lambda: Lambda(lambda m, x: m.a(x + torch.randn_like(x)) * m.s, a=nn.Linear(4, 3), s=torch.randn(3)),
        (4,),
        Way.LOOP,
    ),
    "a gradient inside": Odd(
        lambda: Lambda(slope_inside, a=nn.Linear(4, 4), b=nn.Linear(4, CLASSES)), (4,), Way.LOOP
    ),
    "run again in the backward pass": Odd(
        lambda: Lambda(
            lambda m, x: m.b(checkpoint(m.a, x, use_reentrant=False)),
            a=nn.Sequential(nn.Linear(4, 4), nn.Tanh()),
            b=nn.Linear(4, CLASSES),
        ),
        (4,),
    ),
    "an lstm": Odd(
        lambda: Lambda(
            lambda m, x: m.b(m.a(x)[0][:, -1]), a=nn.LSTM(4, 3, batch_first=True), b=nn.Linear(3, 3)
        ),
        (3, 4),
        Way.LOOP,
    ),
    "an embedding that renormalises": Odd(
        lambda: nn.Sequential(nn.Embedding(7, 4, max_norm=1.0), head(20)), (5,), Way.LOOP, integers=7
    ),
    "an embedding that counts": Odd(
        lambda: nn.Sequential(nn.Embedding(7, 4, scale_grad_by_freq=True), head(20)),
        (5,),
        Way.LOOP,
        integers=7,
    ),
}
