"""Networks that are written with functions, or hand layers to functions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from automl.evaluators.ntk.gram import Way
from tests.evaluators.ntk.gram.zoo.odd import CLASSES, Lambda, Odd, head, pooled


class Functional(nn.Module):
    """A small network without a single layer."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(4, 2, 3, 3))
        self.gamma, self.beta = nn.Parameter(torch.rand(4) + 0.5), nn.Parameter(torch.randn(4))
        self.slope = nn.Parameter(torch.rand(4))
        self.matrix, self.bias = nn.Parameter(torch.randn(3, 4)), nn.Parameter(torch.randn(3))

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv2d(x, self.kernel, padding=1)
        x = F.batch_norm(x, None, None, self.gamma, self.beta, training=True)
        found: Tensor = F.linear(F.prelu(x, self.slope).mean((2, 3)), self.matrix, bias=self.bias)
        return found


class Scaled(nn.Linear):
    """A layer that is one of torch's by inheritance alone."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(2 * x).tanh()


class Counting(nn.Module):
    """Writes into its buffer, and replaces another."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, CLASSES)
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("mean", torch.zeros(4))
        self.calls: Tensor
        self.mean: Tensor

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.mean = 0.9 * self.mean + 0.1 * x.mean(0)
        found: Tensor = self.linear(x)
        return found * self.calls


class Cube(torch.autograd.Function):
    """A function with a gradient of its own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        found: Tensor = 3 * gradient * x**2
        return found


def cubed(m: Any, x: Tensor) -> Any:
    cube: Any = Cube.apply
    return m.b(cube(m.a(x)))


def changes_its_input(m: Any, x: Tensor) -> Any:
    x.mul_(2)
    return m.a(x)


def overlapping(m: Any, x: Tensor) -> Any:
    """Windows by strides, which depend on how a tensor lies in memory."""
    y = m.conv(x)
    n, c, h, w = y.shape
    windows = y.contiguous().as_strided((n, c, h, w - 1, 2), (c * h * w, h * w, w, 1, 1))
    return m.head(windows.prod(-1))


TORCH_FUNCTIONS: dict[str, Odd] = {
    "functional": Odd(Functional, (2, 5, 5), Way.CALLS),
    "a subclass": Odd(lambda: nn.Sequential(Scaled(4, 5), nn.Linear(5, CLASSES)), (4,), Way.CALLS),
    "reflecting convolution": Odd(
        lambda: nn.Sequential(nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect"), nn.ReLU(), pooled(4)),
        (2, 5, 5),
        Way.CALLS,
    ),
    "circular convolution": Odd(
        lambda: nn.Sequential(nn.Conv1d(2, 4, 4, padding=2, padding_mode="circular"), nn.ReLU(), head(24)),
        (2, 5),
        Way.CALLS,
    ),
    "instance norm": Odd(
        lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.InstanceNorm2d(4, affine=True), nn.ReLU(), pooled(4)),
        (2, 5, 5),
        Way.CALLS,
    ),
    "instance norm that counts": Odd(
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.InstanceNorm2d(4, affine=True, track_running_stats=True), pooled(4)
        ),
        (2, 5, 5),
        Way.CALLS,
    ),
    "rms norm": Odd(
        lambda: nn.Sequential(nn.Linear(4, 6), nn.RMSNorm(6), nn.Linear(6, CLASSES)), (4,), Way.CALLS
    ),
    "synchronised batch norm": Odd(
        lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.SyncBatchNorm(4), nn.ReLU(), pooled(4)),
        (2, 5, 5),
        Way.CALLS,
    ),
    "another's weight": Odd(
        lambda: Lambda(
            lambda m, x: m.out(F.linear(m.a(x).tanh(), m.a.weight, m.a.bias)),
            a=nn.Linear(4, 4),
            out=nn.Linear(4, CLASSES),
        ),
        (4,),
        Way.CALLS,
    ),
    "embedding tied to the output": Odd(
        lambda: Lambda(
            lambda m, x: F.linear(m.mix(m.table(x)).tanh().mean(1), m.table.weight),
            table=nn.Embedding(CLASSES, 4),
            mix=nn.Linear(4, 4),
        ),
        (5,),
        Way.CALLS,
        integers=CLASSES,
    ),
    "a view that needs memory in order": Odd(
        lambda: Lambda(
            lambda m, x: m.out(m.a(x).view(len(x), -1)), a=nn.Conv2d(2, 3, 2), out=nn.Linear(48, 3)
        ),
        (2, 5, 5),
        Way.CALLS,
    ),
    "windows by strides": Odd(
        lambda: Lambda(overlapping, conv=nn.Conv2d(2, 3, 2), head=head(36)), (2, 5, 5), Way.CALLS
    ),
    "counting": Odd(Counting, (4,)),
    "noise": Odd(
        lambda: Lambda(lambda m, x: m.b(m.a(x) * torch.rand_like(x)), a=nn.Linear(4, 4), b=nn.Linear(4, 3)),
        (4,),
        Way.CALLS,
    ),
    "changes its input": Odd(lambda: Lambda(changes_its_input, a=nn.Linear(4, CLASSES)), (4,)),
    "functional dropout": Odd(
        lambda: Lambda(lambda m, x: m.b(F.dropout(m.a(x), 0.5)), a=nn.Linear(4, 4), b=nn.Linear(4, 3)),
        (4,),
        Way.CALLS,
    ),
    "a gradient of its own": Odd(
        lambda: Lambda(cubed, a=nn.Linear(4, 4), b=nn.Linear(4, 3)),
        (4,),
        Way.CALLS,
    ),
    "a cumulative sum": Odd(
        lambda: Lambda(lambda m, x: m.b(m.a(x).cumsum(1).sort(1)[0]), a=nn.Linear(4, 4), b=nn.Linear(4, 3)),
        (4,),
        Way.CALLS,
    ),
    "products of positions": Odd(
        lambda: Lambda(lambda m, x: m.b((y := m.a(x)) @ y.transpose(1, 2)), a=nn.Linear(4, 5), b=head(9)),
        (3, 4),
        Way.CALLS,
    ),
    "a spectrum": Odd(
        lambda: Lambda(lambda m, x: m.b(torch.fft.rfft(m.a(x)).abs()), a=nn.Linear(4, 4), b=nn.Linear(3, 3)),
        (4,),
        Way.CALLS,
    ),
    "a transform inside": Odd(
        lambda: Lambda(
            lambda m, x: m.b(torch.vmap(m.a, in_dims=1, out_dims=1)(x)), a=nn.Linear(4, 2), b=head(6)
        ),
        (3, 4),
        Way.MIXED,
    ),
    "a transform over samples": Odd(
        lambda: Lambda(lambda m, x: torch.vmap(m.a)(x), a=nn.Linear(4, CLASSES)), (4,), Way.MIXED
    ),
    "sets its own mode": Odd(
        lambda: Lambda(
            lambda m, x: m.b(m.norm.eval()(m.a(x))),
            a=nn.Linear(4, 4),
            norm=nn.BatchNorm1d(4),
            b=nn.Linear(4, 3),
        ),
        (4,),
    ),
    "a branch taken by the batch": Odd(
        lambda: Lambda(
            lambda m, x: m.a(x) if x.sum() > 1e9 else m.b(x).sin(), a=nn.Linear(4, 3), b=nn.Linear(4, 3)
        ),
        (4,),
    ),
}
