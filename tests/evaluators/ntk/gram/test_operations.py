"""The rules, over all that their layers can be set to, against the loop in float64."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from automl.evaluators.ntk.gram import Way
from automl.evaluators.ntk.gram.convolution import Convolution, in_order
from tests.evaluators.ntk.gram.comparison import same_as_loop

CONVOLUTIONS: Any = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED: Any = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
NORMS: Any = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
SIDES = {1: (7, 40), 2: (7, 18), 3: (7, 8)}
"""Small images, and ones of which rows of patches are written out."""


class Pixels(nn.Module):
    """Logits that every pixel has a weight of its own in, so that no gradient is the same at two."""

    def forward(self, x: Tensor) -> Tensor:
        pixels = x.flatten(1)
        waves = torch.outer(torch.arange(1.0, 3.0), 1 + torch.arange(pixels.shape[1])).sin()
        return (pixels + pixels**2) @ waves.to(pixels).T


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[nn.Module, Tensor, int]:
    """A convolution with any settings, its inputs, and its number of outputs."""
    dims = draw(st.integers(1, 3))
    groups = draw(st.sampled_from([1, 1, 1, 2, 4]))
    inputs, outputs = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(dims))

    kernel = draw(st.sampled_from([(1,) * dims, each(1, 4)]))
    stride, dilation, bias = each(1, 3), each(1, 2), draw(st.booleans())
    padding: Any = each(0, 2)
    side = draw(st.sampled_from(SIDES[dims]))
    given = normal(draw(st.integers(1, 4)), inputs, *(side + draw(st.integers(0, 2)) for _ in range(dims)))
    if draw(st.booleans()):
        beyond = tuple(
            draw(st.integers(0, max(step, spread) - 1)) for step, spread in zip(stride, dilation, strict=True)
        )
        layer = TRANSPOSED[dims](inputs, outputs, kernel, stride, (0,) * dims, beyond, groups, bias, dilation)
    else:
        if all(step == 1 for step in stride) and draw(st.booleans()):
            padding = draw(st.sampled_from(["same", "valid"]))
        layer = CONVOLUTIONS[dims](inputs, outputs, kernel, stride, padding, dilation, groups, bias)
    return layer, given, outputs


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@settings(deadline=None, max_examples=150)
@given(drawn=convolutions(), normed=st.booleans(), scale=st.sampled_from([1.0, 0.0, -0.7]))
def test_a_convolution_has_the_kernel_of_the_loop(
    drawn: tuple[nn.Module, Tensor, int], normed: bool, scale: float
) -> None:
    layer, inputs, outputs = drawn
    torch.manual_seed(0)
    norm = NORMS[inputs.ndim - 2](outputs)
    nn.init.constant_(norm.weight, scale)
    nn.init.normal_(norm.bias)
    network = nn.Sequential(layer, *([norm] if normed else []), Pixels()).double()
    same_as_loop(network, inputs)


@settings(deadline=None, max_examples=60)
@given(
    size=st.integers(1, 6),
    kernel=st.integers(1, 3),
    padding=st.integers(0, 2),
    groups=st.sampled_from([1, 2]),
    side=st.sampled_from([4, 17]),
)
def test_per_sample_gradients_of_the_weight_are_those_of_single_samples(
    size: int, kernel: int, padding: int, groups: int, side: int
) -> None:
    weight = nn.Parameter(normal(4, 2 // groups, kernel, kernel))
    operation = Convolution(
        weight, None, (1, 1), (padding,) * 2, (1, 1), groups, output_padding=(0, 0), parameters=(weight,)
    )
    for layout in (torch.contiguous_format, torch.channels_last):
        inputs = normal(size, 2, side, side).contiguous(memory_format=layout)
        with torch.no_grad():
            output, (saved,) = operation.forward(inputs)
            gradient = normal(*output.shape).contiguous(memory_format=layout)
            found = operation.by_weight(saved, gradient)
        for i in range(size):
            outputs = nn.functional.conv2d(inputs[i : i + 1], weight, padding=padding, groups=groups)
            (expected,) = torch.autograd.grad(outputs, weight, gradient[i : i + 1])
            torch.testing.assert_close(found[i], in_order(expected))


@settings(deadline=None, max_examples=60)
@given(
    samples=st.integers(1, 5),
    positions=st.lists(st.integers(1, 4), max_size=2),
    features=st.integers(1, 9),
    outputs=st.integers(1, 9),
    bias=st.booleans(),
    twice=st.booleans(),
)
def test_a_linear_layer_has_the_kernel_of_the_loop(
    samples: int, positions: list[int], features: int, outputs: int, bias: bool, twice: bool
) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(features, features if twice else outputs, bias=bias)
    network = nn.Sequential(*[linear] * (2 if twice else 1), Pixels()).double()
    same_as_loop(network, normal(samples, *positions, features), way=Way.LAYERS)


@settings(deadline=None, max_examples=40)
@given(
    samples=st.integers(1, 5),
    length=st.integers(1, 6),
    entries=st.integers(1, 5),
    padding=st.none() | st.integers(-1, 0),
    tied=st.booleans(),
)
def test_an_embedding_has_the_kernel_of_the_loop(
    samples: int, length: int, entries: int, padding: int | None, tied: bool
) -> None:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(entries, 3, padding_idx=padding)
            nn.init.normal_(self.table.weight)

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.table(x).sin()
            return nn.functional.linear(found.mean(1), self.table.weight) if tied else found.flatten(1)

    torch.manual_seed(0)
    inputs = torch.randint(entries, (samples, length), generator=torch.Generator().manual_seed(length))
    if tied or padding is None or not bool((inputs == padding % entries).all()):
        same_as_loop(Reader().double(), inputs)


@settings(deadline=None, max_examples=60)
@given(
    samples=st.integers(2, 5),
    channels=st.sampled_from([2, 4]),
    pixels=st.lists(st.integers(1, 4), max_size=3),
    kind=st.sampled_from(["batch", "group", "layer", "prelu", "prelu of channels"]),
    affine=st.booleans(),
)
def test_a_normalisation_has_the_kernel_of_the_loop(
    samples: int, channels: int, pixels: list[int], kind: str, affine: bool
) -> None:
    assume(kind != "group" or channels * prod(pixels) > 2)  # torch refuses groups of one value
    assume(kind != "layer" or prod(pixels or [channels]) > 1)  # one value alone is normalised to nothing
    torch.manual_seed(0)
    made: dict[str, Callable[[], nn.Module]] = {
        "batch": lambda: {0: nn.BatchNorm1d, **NORMS}[len(pixels)](channels, affine=affine),
        "group": lambda: nn.GroupNorm(2, channels, affine=affine),
        "layer": lambda: nn.LayerNorm(pixels or [channels], elementwise_affine=affine),
        "prelu": nn.PReLU,
        "prelu of channels": lambda: nn.PReLU(channels),
    }
    layer = made[kind]()
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    network = nn.Sequential(Before(channels), layer, Pixels()).double()
    same_as_loop(network, normal(samples, channels, *pixels), way=Way.LAYERS)


class Before(nn.Module):
    """Something with a parameter, so that a layer's input has a gradient and the kernel is never empty."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.slope = nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.slope(x) + x.sin()
        return found
