"""Convolutions, and batch normalisations of them."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from operator import mul
from typing import TYPE_CHECKING, Literal

import torch

from automl.evaluators.ntk.gram.affine import PIXELS
from automl.evaluators.ntk.gram.tape import Operation

if TYPE_CHECKING:
    from torch import Tensor

    from automl.evaluators.ntk.gram.accumulator import Gram
    from automl.evaluators.ntk.gram.affine import Normalise
    from automl.evaluators.ntk.gram.statistics import Moments

Ints = tuple[int, ...]

_MANY_PIXELS = 256
"""From this many output pixels on, patches are written out row by row: that takes less memory, and more and
smaller matrix products."""

_SPREAD = 8
"""How many times the elements of input and output the patches may have. Where they would have more, as for
large kernels, a grouped convolution does without them."""


class Convolution(Operation):
    """A convolution of 1 to 3 dimensions, transposed or not, with symmetric zero padding.

    Args:
        weight: ``(out, in / groups, *kernel)``, or transposed ``(in, out / groups, *kernel)``.
        bias: ``(out,)`` or nothing.
        stride, padding, dilation, output_padding: one number a dimension.
        groups: as `torch.nn.Conv2d` has them.
        transposed: whether it is `torch.nn.ConvTranspose2d` instead.
        parameters: which of weight and bias have gradients to be added.
    """

    __slots__ = ("bias", "dilation", "groups", "output_padding", "padding", "stride", "transposed", "weight")

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        stride: Ints,
        padding: Ints,
        dilation: Ints,
        groups: int,
        *,
        transposed: bool = False,
        output_padding: Ints,
        parameters: tuple[Tensor, ...],
    ) -> None:
        self.weight, self.bias = weight, bias
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.transposed, self.output_padding = transposed, output_padding
        self.parameters = parameters

    def forward(self, inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The convolution."""
        output = torch.convolution(
            inputs,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.dilation,
            self.transposed,
            self.output_padding,
            self.groups,
        )
        return output, (inputs,)

    def backward(
        self, saved: tuple[Tensor, ...], gradient: Tensor, gram: Gram, *, wants_input: bool
    ) -> Tensor | None:
        """One grouped convolution for the weight, sums for the bias."""
        (inputs,) = saved
        if gram.wants(self.weight):
            gram.add(self.weight, self.by_weight(inputs, gradient))
        if self.bias is not None and gram.wants(self.bias):
            gram.add(self.bias, gradient.flatten(2).sum(2))
        return self.by_input(inputs, gradient, self.weight) if wants_input else None

    def by_input(self, inputs: Tensor, gradient: Tensor, weight: Tensor) -> Tensor:
        """The gradient by the input, for any weight in the place of its own."""
        found: Tensor = torch.ops.aten.convolution_backward(
            gradient,
            inputs,
            weight,
            None,
            self.stride,
            self.padding,
            self.dilation,
            self.transposed,
            self.output_padding,
            self.groups,
            (True, False, False),
        )[0]
        return found

    def by_weight(self, inputs: Tensor, gradient: Tensor) -> Tensor:
        """The weight's gradients ``(n, rows of weight, rest)``, elements in the order of `in_order`.

        A matrix product a sample, of its gradient with its patches; where those would be too many, *one*
        grouped convolution: the weight's gradient for one image that has all samples' channels, with n
        times as many groups. With channels last in memory the first is the faster one, by far for few
        channels, since grouped convolutions work on blocks of 8 or 16.
        """
        way = _way(
            self.weight.shape,
            inputs.shape,
            gradient.shape,
            self.stride,
            self.padding,
            grouped=self.groups > 1 or self.transposed,
        )
        if way == "points":
            if max(self.stride) > 1:
                for axis, step in enumerate(self.stride, 2):
                    inputs = inputs[(slice(None),) * axis + (slice(None, None, step),)]
            return torch.bmm(gradient.flatten(2), inputs.flatten(2).transpose(1, 2))
        if way == "rows":
            return self._by_rows(inputs, gradient)
        if way == "patches":
            return self._by_patches(inputs, gradient)
        return self._by_groups(inputs, gradient)

    def _by_patches(self, inputs: Tensor, gradient: Tensor) -> Tensor:
        """One product with all patches, ``(n, pixels, patch)``."""
        padded, (n, channels, *_) = self._padded(inputs), inputs.shape
        sample, *steps, channel = padded.stride()
        patches = padded.as_strided(
            (n, *gradient.shape[2:], *self.weight.shape[2:], channels),
            (sample, *map(mul, steps, self.stride), *map(mul, steps, self.dilation), channel),
        )
        return torch.bmm(gradient.flatten(2), patches.reshape(n, -1, prod(self.weight.shape[1:])))

    def _by_rows(self, inputs: Tensor, gradient: Tensor) -> Tensor:
        """One product a row of the kernel, with patches of one row, ``(n, pixels, patch of a row)``."""
        (n, channels), (height, width) = inputs.shape[:2], gradient.shape[2:]
        rows, columns = self.weight.shape[2:]
        padded = self._padded(inputs)
        sample, down, right, channel = padded.stride()
        patches = padded.as_strided(
            (n, padded.shape[1], width, columns, channels),
            (sample, down, right * self.stride[1], right * self.dilation[1], channel),
        ).reshape(n, -1, columns * channels)
        back, step = gradient.flatten(2), self.dilation[0] * width
        return torch.cat(
            [torch.bmm(back, patches[:, row * step : row * step + height * width]) for row in range(rows)],
            2,
        )

    def _padded(self, inputs: Tensor) -> Tensor:
        """``(n, *pixels, channels)``, contiguous, with the padding."""
        last = inputs.movedim(1, -1)
        if any(self.padding):
            sides = [0, 0, *(pad for pad in reversed(self.padding) for _ in range(2))]
            last = torch.constant_pad_nd(last, sides)
        return last.contiguous()

    def _by_groups(self, inputs: Tensor, gradient: Tensor) -> Tensor:
        n, shape = inputs.shape[0], self.weight.shape
        size = self.weight.new_empty(()).expand(n * shape[0], *shape[1:])  # only its shape is looked at
        found: Tensor = torch.ops.aten.convolution_backward(
            gradient.reshape(1, -1, *gradient.shape[2:]),
            inputs.reshape(1, -1, *inputs.shape[2:]),
            size,
            None,
            self.stride,
            self.padding,
            self.dilation,
            self.transposed,
            self.output_padding,
            n * self.groups,
            (False, True, False),
        )[1]
        return found.view(n, *shape).movedim(2, -1).reshape(n, shape[0], -1)


@lru_cache(maxsize=1024)
def _way(
    weight: Ints, inputs: Ints, outputs: Ints, stride: Ints, padding: Ints, *, grouped: bool
) -> Literal["points", "rows", "patches", "groups"]:
    """How the gradients by a weight are found, from shapes and settings."""
    if grouped:
        return "groups"
    kernel, pixels, given = weight[2:], prod(outputs[2:]), prod(inputs[1:])
    if prod(kernel) == 1 and not any(padding):
        return "points"
    most = _SPREAD * (given + prod(outputs[1:]))
    by_rows = len(kernel) == 2 and stride[0] == 1
    if by_rows and pixels >= _MANY_PIXELS and kernel[1] * given <= most:
        return "rows"
    return "patches" if pixels * prod(weight[1:]) <= most else "groups"


def in_order(weight: Tensor) -> Tensor:
    """A convolution's weight as its gradients come, ``(rows, kernel and columns)``: columns innermost."""
    return weight.movedim(1, -1).flatten(1)


class NormalisedConvolution(Operation):
    """Batch normalisation, with constant statistics, of a convolution's output.

    With y = w * x + b and z = (y - mean) * scale * gamma + beta, let E be the convolution's per-sample
    gradient as if z were y. Then ``dz/dw = gamma * scale * E``, and the sum over pixels of z's gradient
    times y, which gamma's gradient needs, is ``<w, E> + b * (sum of z's gradient)``, since the convolution
    is linear in w. So y is not kept, nor its gradient ever formed: the input's is the convolution's, with
    weights scaled.

    Args:
        convolution: the convolution.
        gamma, beta: ``(out,)`` or nothing.
        output: y.
        normalise: from y to z and the statistics; it is called once.
        parameters: those of the convolution and of gamma and beta whose gradients are to be added.
    """

    __slots__ = ("_output", "beta", "convolution", "gamma", "moments", "normalise")
    moments: Moments

    def __init__(
        self,
        convolution: Convolution,
        gamma: Tensor | None,
        beta: Tensor | None,
        output: Tensor,
        normalise: Normalise,
        *,
        parameters: tuple[Tensor, ...],
    ) -> None:
        self.convolution, self.gamma, self.beta, self.normalise = convolution, gamma, beta, normalise
        self._output: Tensor | None = output
        self.parameters = parameters

    def forward(self, inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """z, from the y that was computed before."""
        output, self._output = self._output, None
        if output is None:
            raise AssertionError("an operation runs forward once")
        output, self.moments = self.normalise(output)
        return output, (inputs,)

    def backward(
        self, saved: tuple[Tensor, ...], gradient: Tensor, gram: Gram, *, wants_input: bool
    ) -> Tensor | None:
        """As the class says."""
        (inputs,), conv = saved, self.convolution
        weight, bias, moments = conv.weight, conv.bias, self.moments
        slope = moments.scale if self.gamma is None else moments.scale * self.gamma
        sums = gradient.sum(PIXELS[gradient.ndim])
        if gram.wants(weight) or gram.wants(self.gamma):
            by_weight = conv.by_weight(inputs, gradient)
            if gram.wants(self.gamma):
                products = (by_weight * in_order(weight)).sum(2)
                centre = moments.mean if bias is None else moments.mean - bias
                gram.add(self.gamma, torch.addcmul(products, centre, sums, value=-1).mul_(moments.scale))
            if gram.wants(weight):
                gram.add(weight, by_weight.mul_(slope.unsqueeze(1)))
        if self.beta is not None:
            gram.add(self.beta, sums)
        if bias is not None:
            gram.add(bias, sums * slope)
        if not wants_input:
            return None
        return conv.by_input(inputs, gradient, weight * slope.view(-1, *[1] * (weight.ndim - 1)))
