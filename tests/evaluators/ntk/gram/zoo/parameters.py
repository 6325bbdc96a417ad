"""Networks with parameters that are used in ways that no rule knows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from automl.evaluators.ntk.gram import Way
from tests.evaluators.ntk.gram.zoo.odd import CLASSES, Lambda, Odd, pooled


class Standardised(nn.Conv2d):
    """Weight standardisation (Qiao et al. 2019): the weight is computed from the parameter."""

    def forward(self, x: Tensor) -> Tensor:
        mean = self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, (self.weight - mean) / self.weight.std((1, 2, 3), keepdim=True), self.bias)


class Positions(nn.Module):
    """Self-attention with a class token and position embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, 4))
        self.positions = nn.Parameter(torch.randn(4, 4))
        self.attention = nn.MultiheadAttention(4, 2, 0.3, batch_first=True)
        self.scale = nn.Parameter(torch.rand(4))
        self.norm = nn.LayerNorm(4)
        self.out = nn.Linear(4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.positions
        x = x + self.scale * self.attention(*[self.norm(x)] * 3, need_weights=False)[0]
        found: Tensor = self.out(x[:, 0])
        return found


def normed(layer: nn.Module) -> nn.Module:
    found: nn.Module = nn.utils.parametrizations.weight_norm(layer)
    return found


def stuck(m: Any, x: Tensor) -> Any:
    """Windows in the first axis: n t rows, of which none belongs to a rule."""
    return m.b(m.a(x.flatten(0, 1)).tanh().unflatten(0, (len(x), -1)).flatten(1))


FREE_PARAMETERS: dict[str, Odd] = {
    "free scale and shift": Odd(
        lambda: Lambda(
            lambda m, x: m.a(x) * m.scale + m.shift,
            a=nn.Linear(4, 3),
            scale=torch.randn(3),
            shift=torch.randn(3),
        ),
        (4,),
        Way.MIXED,
    ),
    "only free parameters": Odd(
        lambda: Lambda(lambda m, x: (x @ m.w).sin(), w=torch.randn(4, 3)), (4,), Way.MIXED
    ),
    "free parameters behind batch norm": Odd(
        lambda: Lambda(
            lambda m, x: m.head(m.norm(m.conv(x)) * m.scale.view(-1, 1, 1)),
            conv=nn.Conv2d(2, 4, 3),
            norm=nn.BatchNorm2d(4),
            scale=torch.randn(4),
            head=pooled(4),
        ),
        (2, 5, 5),
        Way.MIXED,
    ),
    "attention": Odd(Positions, (3, 4), Way.MIXED),
    "weight norm": Odd(
        lambda: nn.Sequential(normed(nn.Conv2d(2, 4, 3)), nn.ReLU(), pooled(4)), (2, 5, 5), Way.MIXED
    ),
    "weight standardisation": Odd(
        lambda: nn.Sequential(Standardised(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), pooled(4)),
        (2, 5, 5),
        Way.MIXED,
    ),
    "cosine classifier": Odd(
        lambda: Lambda(
            lambda m, x: F.linear(F.normalize(m.a(x)), F.normalize(m.w)),
            a=nn.Linear(4, 5),
            w=torch.randn(3, 5),
        ),
        (4,),
        Way.MIXED,
    ),
    "bilinear": Odd(
        lambda: Lambda(lambda m, x: m.b(x, m.a(x).tanh()), a=nn.Linear(4, 3), b=nn.Bilinear(4, 3, CLASSES)),
        (4,),
        Way.MIXED,
    ),
    "einsum": Odd(
        lambda: Lambda(
            lambda m, x: torch.einsum("ntd,tdk->nk", m.a(x), m.w), a=nn.Linear(4, 2), w=torch.randn(3, 2, 3)
        ),
        (3, 4),
        Way.MIXED,
    ),
    "windows in the first axis": Odd(
        lambda: Lambda(stuck, a=nn.Linear(4, 2), b=nn.Linear(6, 3)), (3, 4), Way.MIXED
    ),
    "used in a layer and besides": Odd(
        lambda: Lambda(lambda m, x: m.a(x).tanh() * m.a.weight.norm(), a=nn.Linear(4, CLASSES)),
        (4,),
        Way.SAMPLES,
    ),
    "positions first": Odd(
        lambda: Lambda(
            lambda m, x: m.b(m.norm(m.a(x.transpose(0, 1))).tanh().mean(0)),
            a=nn.Linear(4, 5),
            norm=nn.LayerNorm(5),
            b=nn.Linear(5, 3),
        ),
        (6, 4),  # as many positions as there are samples
        Way.SAMPLES,
    ),
    "an encoder layer": Odd(
        lambda: Lambda(
            lambda m, x: m.b(m.a(x.transpose(0, 1)).mean(0)),
            a=nn.TransformerEncoderLayer(4, 2, 8),
            b=nn.Linear(4, 3),
        ),
        (6, 4),
        Way.SAMPLES,
    ),
}
