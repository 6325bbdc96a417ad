"""Operations that scale and shift: normalisation layers, and PReLU."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from automl.evaluators.ntk.gram.tape import Operation

if TYPE_CHECKING:
    from torch import Tensor

    from automl.evaluators.ntk.gram.accumulator import Gram
    from automl.evaluators.ntk.gram.statistics import Moments

Normalise = Callable[["Tensor"], "tuple[Tensor, Moments]"]

PIXELS: tuple[tuple[int, ...], ...] = ((), (), (), (2,), (2, 3), (2, 3, 4))
"""The axes of a batch behind samples and channels, by the number of its axes."""


class BatchNorm(Operation):
    """Batch normalisation with constant statistics.

    Args:
        gamma, beta: ``(channels,)`` or nothing.
        normalise: from the input to the output and its statistics; it is called once.
        parameters: which of gamma and beta have gradients to be added.
    """

    __slots__ = ("beta", "gamma", "moments", "normalise")
    moments: Moments

    def __init__(
        self,
        gamma: Tensor | None,
        beta: Tensor | None,
        normalise: Normalise,
        *,
        parameters: tuple[Tensor, ...],
    ) -> None:
        self.gamma, self.beta, self.normalise = gamma, beta, normalise
        self.parameters = parameters

    def forward(self, inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The normalised batch."""
        output, self.moments = self.normalise(inputs)
        return output, (inputs,)

    def backward(
        self, saved: tuple[Tensor, ...], gradient: Tensor, gram: Gram, *, wants_input: bool
    ) -> Tensor | None:
        """Sums over pixels for gamma and beta; the input's gradient is the output's, scaled."""
        (inputs,), moments = saved, self.moments
        pixels = PIXELS[gradient.ndim]
        sums = gradient.sum(pixels) if pixels else gradient
        if gram.wants(self.gamma):
            products = gradient * inputs
            if pixels:
                products = products.sum(pixels)
            gram.add(self.gamma, torch.addcmul(products, moments.mean, sums, value=-1).mul_(moments.scale))
        if self.beta is not None:
            gram.add(self.beta, sums)
        if not wants_input:
            return None
        slope = moments.scale if self.gamma is None else moments.scale * self.gamma
        return gradient * slope.view(-1, *[1] * len(pixels))


class Affine(Operation):
    """``weight * x + bias``, elementwise, as layers have it that normalise each sample by itself.

    Args:
        weight, bias: of the same shape, or nothing.
        first: the axis of the input that their first axis stands for; they reach to the end (layer
            norm), or have one axis (group norm's channels).
        parameters: which of them have gradients to be added.
    """

    __slots__ = ("bias", "first", "weight")

    def __init__(
        self, weight: Tensor | None, bias: Tensor | None, first: int, *, parameters: tuple[Tensor, ...]
    ) -> None:
        self.weight, self.bias, self.first = weight, bias, first
        self.parameters = parameters

    def forward(self, inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The scaled and shifted input."""
        output = inputs if self.weight is None else inputs * self._spread(self.weight, inputs)
        if self.bias is not None:
            output = output + self._spread(self.bias, inputs)
        return output, (inputs,)

    def backward(
        self, saved: tuple[Tensor, ...], gradient: Tensor, gram: Gram, *, wants_input: bool
    ) -> Tensor | None:
        """Sums over all axes that weight and bias do not have."""
        (inputs,) = saved
        if gram.wants(self.weight):
            gram.add(self.weight, self._summed(gradient * inputs, self.weight))
        if gram.wants(self.bias):
            gram.add(self.bias, self._summed(gradient, self.bias))
        if not wants_input:
            return None
        return gradient if self.weight is None else gradient * self._spread(self.weight, gradient)

    def _spread(self, weight: Tensor, like: Tensor) -> Tensor:
        return weight.view(*weight.shape, *[1] * (like.ndim - self.first - weight.ndim))

    def _summed(self, products: Tensor, weight: Tensor) -> Tensor:
        kept = range(self.first, self.first + weight.ndim)
        others = [axis for axis in range(1, products.ndim) if axis not in kept]
        return products.sum(others) if others else products


class PReLU(Operation):
    """``x`` where it is positive, ``weight * x`` elsewhere (He et al. 2015).

    Args:
        weight: ``(1,)`` or ``(channels,)``, the channels being the input's second axis.
    """

    __slots__ = ("weight",)

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight
        self.parameters = (weight,)

    def forward(self, inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The activation."""
        return torch.prelu(inputs, self.weight), (inputs,)

    def backward(
        self, saved: tuple[Tensor, ...], gradient: Tensor, gram: Gram, *, wants_input: bool
    ) -> Tensor | None:
        """Sums over the negative inputs."""
        (inputs,) = saved
        if gram.wants(self.weight):
            products = gradient * inputs.clamp(max=0)
            others = range(1 if self.weight.numel() == 1 else 2, products.ndim)
            gram.add(self.weight, products.sum(tuple(others)) if others else products)
        if not wants_input:
            return None
        weight = self.weight.view(-1, *[1] * (inputs.ndim - 2)) if inputs.ndim > 1 else self.weight
        return torch.where(inputs > 0, gradient, gradient * weight)
