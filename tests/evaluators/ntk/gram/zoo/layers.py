"""Networks made of torch's layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tests.evaluators.ntk.gram.zoo.odd import CLASSES, Lambda, Odd, head, pooled


def tied() -> nn.Module:
    first, second = nn.Linear(5, 5), nn.Linear(5, 5)
    second.weight = first.weight
    return nn.Sequential(first, nn.Tanh(), second, nn.Tanh(), nn.Linear(5, CLASSES))


def partly_trained() -> nn.Module:
    network = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 2), pooled(4))
    for parameter in (network[0].weight, network[1].bias, network[3].bias):
        parameter.requires_grad_(False)
    return network


def frozen_trunk() -> nn.Module:
    trunk = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 2))
    return nn.Sequential(nn.Conv2d(2, 2, 1), trunk.requires_grad_(False), pooled(4))


def siamese() -> nn.Module:
    """One convolution on two scales, so that its per-sample gradients are found in two ways."""
    return Lambda(
        lambda m, x: m.head(m.conv(x).mean((2, 3)) + m.conv(F.interpolate(x, scale_factor=3)).mean((2, 3))),
        conv=nn.Conv2d(2, 4, 3, padding=1),
        head=nn.Linear(4, CLASSES),
    )


def two_readers() -> nn.Module:
    """A convolution whose output is normalised and also used as it is."""
    return Lambda(
        lambda m, x: m.head(m.norm(y := m.conv(x)) + y.tanh()),
        conv=nn.Conv2d(2, 4, 3),
        norm=nn.BatchNorm2d(4),
        head=pooled(4),
    )


def normalised_twice() -> nn.Module:
    return Lambda(
        lambda m, x: m.head(m.first(y := m.conv(x)).relu() - m.second(y)),
        conv=nn.Conv2d(2, 4, 3),
        first=nn.BatchNorm2d(4),
        second=nn.BatchNorm2d(4),
        head=pooled(4),
    )


def constant_gamma() -> nn.Module:
    network = nn.Sequential(nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Tanh(), pooled(4))
    nn.init.zeros_(network[1].get_parameter("weight"))  # as residual branches start
    return network


def shapes_of_all_kinds() -> nn.Module:
    def run(m: Any, x: Tensor) -> Any:
        left, right = m.conv(x).chunk(2, 1)
        stacked = torch.stack([left, right.sigmoid()], 1).flatten(1, 2)
        padded = F.pad(stacked, (1, 0, 0, 2))[:, 1:, ::2]
        pixels = padded.permute(0, 2, 3, 1).softmax(-1).transpose(1, 2).unsqueeze(1).squeeze(1)
        both = torch.cat([pixels.amax(-1), pixels.sum(-1), torch.where(pixels.mean(-1) > 0.3, 1.0, 0.5)], -1)
        return m.head((2 - both.pow(2) / 3).reshape(len(x), -1).clamp(-5, 5) * 1.5)

    return Lambda(run, conv=nn.Conv2d(2, 4, 3), head=nn.LazyLinear(CLASSES))


TORCH_LAYERS: dict[str, Odd] = {
    "linear": Odd(lambda: nn.Linear(4, CLASSES), (4,)),
    "linear over positions": Odd(
        lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Flatten(), nn.Linear(15, CLASSES)), (3, 4)
    ),
    "linear over many positions": Odd(
        lambda: Lambda(lambda m, x: m.head(m.a(x).tanh().mean((1, 2))), a=nn.Linear(2, 3), head=head(3)),
        (5, 4, 2),
    ),
    "one output": Odd(lambda: nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 1)), (4,)),
    "conv1d": Odd(
        lambda: nn.Sequential(nn.Conv1d(2, 4, 3, stride=2, dilation=2, padding=1), nn.ReLU(), head(16)),
        (2, 9),
    ),
    "conv2d": Odd(
        lambda: nn.Sequential(nn.Conv2d(3, 4, (3, 2), stride=(2, 1)), nn.GELU(), pooled(4)), (3, 6, 5)
    ),
    "conv2d, many pixels": Odd(
        lambda: nn.Sequential(nn.Conv2d(2, 3, 3, padding=1, dilation=(1, 2)), nn.ReLU(), pooled(3)),
        (2, 17, 16),
    ),
    "conv2d, large kernel": Odd(
        lambda: nn.Sequential(nn.Conv2d(2, 2, 7, padding=3), nn.ReLU(), pooled(2)), (2, 8, 8)
    ),
    "conv2d, same": Odd(
        lambda: nn.Sequential(nn.Conv2d(2, 4, (2, 3), padding="same"), nn.SiLU(), pooled(4)), (2, 5, 5)
    ),
    "conv2d, valid": Odd(
        lambda: nn.Sequential(nn.Conv2d(2, 4, 3, padding="valid"), nn.SiLU(), pooled(4)), (2, 5, 5)
    ),
    "grouped": Odd(
        lambda: nn.Sequential(
            nn.Conv2d(4, 8, 3, groups=2), nn.ELU(), nn.Conv2d(8, 8, 2, groups=8), pooled(8)
        ),
        (4, 6, 6),
    ),
    "pointwise, strided": Odd(
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 1, stride=2), nn.Tanh(), nn.Conv2d(4, 4, 1, padding=1), pooled(4)
        ),
        (2, 5, 5),
    ),
    "conv3d": Odd(
        lambda: nn.Sequential(nn.Conv3d(2, 4, 2), nn.BatchNorm3d(4), nn.ReLU(), nn.AvgPool3d(2), head(4)),
        (2, 4, 4, 4),
    ),
    "transposed": Odd(
        lambda: nn.Sequential(
            nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.ConvTranspose2d(4, 6, 2, groups=2, bias=False),
            pooled(6),
        ),
        (2, 4, 4),
    ),
    "transposed 1d and 3d": Odd(
        lambda: nn.Sequential(
            nn.ConvTranspose1d(2, 4, 3, dilation=2),
            nn.Tanh(),
            nn.Unflatten(2, (3, 3, 1)),
            nn.ConvTranspose3d(4, 2, 2),
            head(64),
        ),
        (2, 5),
    ),
    "batch norm": Odd(
        lambda: nn.Sequential(
            nn.Conv2d(2, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 1), nn.BatchNorm2d(4), pooled(4)
        ),
        (2, 8, 8),
    ),
    "batch norm first": Odd(
        lambda: nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 4, 3), pooled(4)), (2, 4, 4)
    ),
    "batch norm of vectors": Odd(
        lambda: nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, CLASSES)), (4,)
    ),
    "batch norm without parameters": Odd(
        lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4, affine=False), nn.ReLU(), pooled(4)),
        (2, 5, 5),
    ),
    "batch norm without statistics": Odd(
        lambda: nn.Sequential(nn.Conv1d(2, 4, 2), nn.BatchNorm1d(4, track_running_stats=False), head(16)),
        (2, 5),
    ),
    "layer norm": Odd(
        lambda: nn.Sequential(
            nn.Linear(4, 6), nn.LayerNorm(6), nn.GELU(), nn.LayerNorm((3, 6), bias=False), head(18)
        ),
        (3, 4),
    ),
    "group norm": Odd(
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), nn.GroupNorm(1, 4), pooled(4)
        ),
        (2, 6, 6),
    ),
    "prelu": Odd(
        lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.PReLU(4), nn.Conv2d(4, 4, 2), nn.PReLU(), pooled(4)),
        (2, 6, 6),
    ),
    "prelu of vectors": Odd(
        lambda: nn.Sequential(nn.Linear(4, 5), nn.PReLU(5), nn.PReLU(), nn.Linear(5, CLASSES)), (4,)
    ),
    "embedding": Odd(
        lambda: nn.Sequential(nn.Embedding(7, 4, padding_idx=2), nn.Linear(4, 3), nn.Tanh(), head(15)),
        (5,),
        integers=7,
    ),
    "embedding, padding from the end": Odd(
        lambda: nn.Sequential(nn.Embedding(7, 4, padding_idx=-1), nn.Tanh(), head(24)), (2, 3), integers=7
    ),
    "dropout": Odd(
        lambda: nn.Sequential(
            nn.Linear(4, 6), nn.Dropout(0.5), nn.ReLU(), nn.AlphaDropout(), nn.Linear(6, 3)
        ),
        (4,),
    ),
    "in place": Odd(
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(4), nn.SiLU(inplace=True), pooled(4)
        ),
        (2, 5, 5),
    ),
    "called twice": Odd(
        lambda: Lambda(
            lambda m, x: m.out(m.a(m.a(x).tanh()) + x), a=nn.Linear(5, 5), out=nn.Linear(5, CLASSES)
        ),
        (5,),
    ),
    "one module at two places": Odd(
        lambda: nn.Sequential(conv := nn.Conv2d(2, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), conv, pooled(2)),
        (2, 7, 7),
    ),
    "tied": Odd(tied, (5,)),
    "one convolution on two scales": Odd(siamese, (2, 6, 6)),
    "a convolution with two readers": Odd(two_readers, (2, 9, 9)),
    "a convolution normalised twice": Odd(normalised_twice, (2, 9, 9)),
    "gamma zero": Odd(constant_gamma, (2, 9, 9)),
    "partly trained": Odd(partly_trained, (2, 6, 6)),
    "a trunk that is not trained": Odd(frozen_trunk, (2, 6, 6)),
    "unused parameters": Odd(
        lambda: Lambda(lambda m, x: m.a(x), a=nn.Linear(4, CLASSES), b=nn.Linear(4, 2), c=torch.ones(3)), (4,)
    ),
    "shapes of all kinds": Odd(shapes_of_all_kinds, (2, 6, 6)),
    "pools and pads": Odd(
        lambda: nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(2, 4, 3),
            nn.MaxPool2d(2, padding=1),
            nn.Upsample(scale_factor=2),
            nn.AvgPool2d(2),
            nn.PixelShuffle(2),
            nn.LeakyReLU(),
            nn.Flatten(),
            nn.LazyLinear(CLASSES),
        ),
        (2, 6, 6),
    ),
}
