"""Which calls become operations.

A rule has the signature of the function it stands for, after a tape. It gives the output, or nothing where it
does not apply: then the function itself has to be called, and what parameters it uses stay in the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F  # noqa: N812 - the name everybody knows it by

from automl.evaluators.ntk.gram.affine import Affine, BatchNorm, PReLU
from automl.evaluators.ntk.gram.convolution import Convolution, NormalisedConvolution
from automl.evaluators.ntk.gram.linear import Embedding, Linear
from automl.evaluators.ntk.gram.statistics import Moments, normalised
from automl.evaluators.ntk.gram.tape import SITE

if TYPE_CHECKING:
    from torch import Tensor

    from automl.evaluators.ntk.gram.tape import Tape

Rule = Callable[..., "Tensor | None"]


# -- convolutions -------------------------------------------------------------------------------------------


def convolution(
    dims: int,
    tape: Tape,
    input: Tensor,  # noqa: A002 - as torch names it
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor | None:
    """The rule of ``conv1d``, ``conv2d`` and ``conv3d``."""
    if input.ndim != dims + 2 or not tape.takes(input, weight, bias):
        return None
    steps = _each(dilation, dims)
    if isinstance(padding, str):
        reach = [
            step * (size - 1) if padding == "same" else 0
            for step, size in zip(steps, weight.shape[2:], strict=True)
        ]
        if any(total % 2 for total in reach):  # one more behind than in front
            sides = [side for total in reversed(reach) for side in (total // 2, total - total // 2)]
            input, reach = F.pad(input, sides), [0] * dims  # noqa: A001 - as torch names it
        pads = tuple(total // 2 for total in reach)
    else:
        pads = _each(padding, dims)
    operation = Convolution(
        weight,
        bias,
        _each(stride, dims),
        pads,
        steps,
        groups,
        output_padding=(0,) * dims,
        parameters=_owned(tape, weight, bias),
    )
    return tape.run(operation, input)


def transposed_convolution(
    dims: int,
    tape: Tape,
    input: Tensor,  # noqa: A002 - as torch names it
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Tensor | None:
    """The rule of ``conv_transpose1d``, ``conv_transpose2d`` and ``conv_transpose3d``."""
    if input.ndim != dims + 2 or not tape.takes(input, weight, bias):
        return None
    operation = Convolution(
        weight,
        bias,
        _each(stride, dims),
        _each(padding, dims),
        _each(dilation, dims),
        groups,
        transposed=True,
        output_padding=_each(output_padding, dims),
        parameters=_owned(tape, weight, bias),
    )
    return tape.run(operation, input)


# -- linear maps ------------------------------------------------------------------------------------------


def linear(
    tape: Tape,
    input: Tensor,  # noqa: A002 - as torch names it
    weight: Tensor,
    bias: Tensor | None = None,
) -> Tensor | None:
    """The rule of ``linear``."""
    if input.ndim < 2 or weight.ndim != 2 or not tape.takes(input, weight, bias):
        return None
    return tape.run(Linear(weight, bias, parameters=_owned(tape, weight, bias)), input)


def embedding(
    tape: Tape,
    input: Tensor,  # noqa: A002 - as torch names it
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor | None:
    """The rule of ``embedding``, where it neither changes its table nor scales gradients."""
    if max_norm is not None or scale_grad_by_freq or not tape.takes(input, weight):
        return None
    padding = padding_idx if padding_idx is None or padding_idx >= 0 else len(weight) + padding_idx
    return tape.run(Embedding(weight, padding), input)


# -- normalisation ----------------------------------------------------------------------------------------


def batch_norm(
    tape: Tape,
    input: Tensor,  # noqa: A002 - as torch names it
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor | None:
    """The rule of ``batch_norm``: statistics of the batch are held constant, if the tape says so."""
    if training and not tape.frozen:
        tape.coupled = True
        return None
    if training:
        normalise = partial(tape.statistics.normalise, weight=weight, bias=bias, eps=eps)
    elif running_mean is None or running_var is None:
        return None
    else:
        moments = Moments(running_mean, (running_var + eps).rsqrt())
        normalise = partial(_normalised, weight=weight, bias=bias, moments=moments, eps=eps)
    if not tape.takes(input, weight, bias):
        with torch.no_grad():
            _, moments = normalise(input)
        return normalised(input, weight, bias, moments, eps)
    own = _owned(tape, weight, bias)
    producer: Any = input.grad_fn
    # The convolution's own node stays behind: whoever else uses its output leads back to it.
    if type(producer) is SITE and input._version == 0:
        conv = producer.operation
        if isinstance(conv, Convolution) and not conv.transposed and _fits(conv, input):
            (behind,) = producer.saved_tensors
            both = conv.parameters + own
            return tape.run(
                NormalisedConvolution(conv, weight, bias, input.detach(), normalise, parameters=both), behind
            )
    return tape.run(BatchNorm(weight, bias, normalise, parameters=own), input)


def _normalised(
    inputs: Tensor, weight: Tensor | None, bias: Tensor | None, moments: Moments, eps: float
) -> tuple[Tensor, Moments]:
    return normalised(inputs, weight, bias, moments, eps), moments


def layer_norm(
    tape: Tape,
    input: Tensor,  # noqa: A002 - as torch names it
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor | None:
    """The rule of ``layer_norm``."""
    if input.ndim <= len(normalized_shape) or not tape.takes(input, weight, bias):
        return None
    plain = F.layer_norm(input, normalized_shape, None, None, eps)
    first = input.ndim - len(normalized_shape)
    return tape.run(Affine(weight, bias, first, parameters=_owned(tape, weight, bias)), plain)


def group_norm(
    tape: Tape,
    input: Tensor,  # noqa: A002 - as torch names it
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor | None:
    """The rule of ``group_norm``."""
    if not tape.takes(input, weight, bias):
        return None
    plain = F.group_norm(input, num_groups, None, None, eps)
    return tape.run(Affine(weight, bias, 1, parameters=_owned(tape, weight, bias)), plain)


def instance_norm(
    tape: Tape,
    input: Tensor,  # noqa: A002 - as torch names it
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor | None:
    """The rule of ``instance_norm`` by a sample's own statistics: a group norm of single channels."""
    if not use_input_stats or input.ndim < 3:
        return None
    return group_norm(tape, input, input.shape[1], weight, bias, eps)


def rms_norm(
    tape: Tape,
    input: Tensor,  # noqa: A002 - as torch names it
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor | None:
    """The rule of ``rms_norm``."""
    if input.ndim <= len(normalized_shape) or not tape.takes(input, weight):
        return None
    plain = F.rms_norm(input, list(normalized_shape), None, eps)
    first = input.ndim - len(normalized_shape)
    return tape.run(Affine(weight, None, first, parameters=_owned(tape, weight)), plain)


def prelu(
    tape: Tape,
    input: Tensor,  # noqa: A002 - as torch names it
    weight: Tensor,
) -> Tensor | None:
    """The rule of ``prelu``."""
    return tape.run(PReLU(weight), input) if tape.takes(input, weight) else None


RULES: Mapping[Callable[..., Any], Rule] = {
    F.conv1d: partial(convolution, 1),
    F.conv2d: partial(convolution, 2),
    F.conv3d: partial(convolution, 3),
    F.conv_transpose1d: partial(transposed_convolution, 1),
    F.conv_transpose2d: partial(transposed_convolution, 2),
    F.conv_transpose3d: partial(transposed_convolution, 3),
    F.linear: linear,
    F.embedding: embedding,
    F.batch_norm: batch_norm,
    F.layer_norm: layer_norm,
    F.group_norm: group_norm,
    F.instance_norm: instance_norm,
    F.rms_norm: rms_norm,
    F.prelu: prelu,
}
"""By function of `torch.nn.functional`."""


def _fits(conv: Convolution, output: Tensor) -> bool:
    """Whether one operation for both pays: it saves passes over the output, and costs passes over the
    weight's gradients, so it does where the output is the larger one.
    """
    return output.numel() > output.shape[0] * conv.weight.numel()


def _each(value: int | Sequence[int], dims: int) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,) * dims
    return tuple(value) * (dims if len(value) == 1 else 1)


def _owned(tape: Tape, *weights: Tensor | None) -> tuple[Tensor, ...]:
    return tuple(weight for weight in weights if weight is not None and tape.owns(weight))
