"""Torch's own layers, run by the rules while a tape is recorded.

Watching the calls of known layers costs nothing a call, and watching all calls of all functions costs a few
microseconds each: much, for a network whose layers take fifty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from torch import nn

from automl.evaluators.ntk.gram import rules

if TYPE_CHECKING:
    from torch import Tensor

    from automl.evaluators.ntk.gram.tape import Tape

Run = Callable[["Tape", Any, "Tensor"], "Tensor | None"]
"""A layer on an input, by its rule; nothing where the rule does not apply."""


@contextmanager
def recorded(modules: Sequence[nn.Module], tape: Tape) -> Iterator[None]:
    """Within it, those of ``modules`` that are known run by the rules. Dropout does nothing."""
    changed = [module for module in modules if type(module) in LAYERS and "forward" not in module.__dict__]
    try:
        for module in changed:
            module.__dict__["forward"] = partial(_forward, LAYERS[type(module)], tape, module)
        yield
    finally:
        for module in changed:
            module.__dict__.pop("forward", None)


def _forward(run: Run, tape: Tape, module: nn.Module, *args: Any, **kwargs: Any) -> Any:
    if len(args) == 1 and not kwargs:
        output = run(tape, module, args[0])
        if output is not None:
            return output
    return type(module).forward(module, *args, **kwargs)


def _convolution(dims: int, tape: Tape, layer: nn.modules.conv._ConvNd, inputs: Tensor) -> Tensor | None:
    if layer.padding_mode != "zeros":
        return None
    return rules.convolution(
        dims,
        tape,
        inputs,
        layer.weight,
        layer.bias,
        layer.stride,
        layer.padding,
        layer.dilation,
        layer.groups,
    )


def _transposed(dims: int, tape: Tape, layer: nn.modules.conv._ConvNd, inputs: Tensor) -> Tensor | None:
    return rules.transposed_convolution(
        dims,
        tape,
        inputs,
        layer.weight,
        layer.bias,
        layer.stride,
        layer.padding,  # type: ignore[arg-type]  # a transposed convolution's is never a text
        layer.output_padding,
        layer.groups,
        layer.dilation,
    )


def _linear(tape: Tape, layer: nn.Linear, inputs: Tensor) -> Tensor | None:
    return rules.linear(tape, inputs, layer.weight, layer.bias)


def _embedding(tape: Tape, layer: nn.Embedding, inputs: Tensor) -> Tensor | None:
    if layer.max_norm is not None or layer.scale_grad_by_freq:
        return None
    return rules.embedding(tape, inputs, layer.weight, layer.padding_idx)


def _batch_norm(
    ndims: tuple[int, ...], tape: Tape, layer: nn.modules.batchnorm._BatchNorm, inputs: Tensor
) -> Tensor | None:
    if inputs.ndim not in ndims:
        return None
    training = layer.training or (layer.running_mean is None and layer.running_var is None)
    return rules.batch_norm(
        tape,
        inputs,
        layer.running_mean,
        layer.running_var,
        layer.weight,
        layer.bias,
        training,
        eps=layer.eps,
    )


def _layer_norm(tape: Tape, layer: nn.LayerNorm, inputs: Tensor) -> Tensor | None:
    return rules.layer_norm(tape, inputs, layer.normalized_shape, layer.weight, layer.bias, layer.eps)


def _group_norm(tape: Tape, layer: nn.GroupNorm, inputs: Tensor) -> Tensor | None:
    return rules.group_norm(tape, inputs, layer.num_groups, layer.weight, layer.bias, layer.eps)


def _prelu(tape: Tape, layer: nn.PReLU, inputs: Tensor) -> Tensor | None:
    return rules.prelu(tape, inputs, layer.weight)


def _dropout(tape: Tape, layer: nn.Module, inputs: Tensor) -> Tensor | None:
    return inputs


LAYERS: Mapping[type[nn.Module], Run] = {
    nn.Conv1d: partial(_convolution, 1),
    nn.Conv2d: partial(_convolution, 2),
    nn.Conv3d: partial(_convolution, 3),
    nn.ConvTranspose1d: partial(_transposed, 1),
    nn.ConvTranspose2d: partial(_transposed, 2),
    nn.ConvTranspose3d: partial(_transposed, 3),
    nn.Linear: _linear,
    nn.Embedding: _embedding,
    nn.BatchNorm1d: partial(_batch_norm, (2, 3)),
    nn.BatchNorm2d: partial(_batch_norm, (4,)),
    nn.BatchNorm3d: partial(_batch_norm, (5,)),
    nn.LayerNorm: _layer_norm,
    nn.GroupNorm: _group_norm,
    nn.PReLU: _prelu,
    nn.Dropout: _dropout,
    nn.Dropout1d: _dropout,
    nn.Dropout2d: _dropout,
    nn.Dropout3d: _dropout,
    nn.AlphaDropout: _dropout,
    nn.FeatureAlphaDropout: _dropout,
}
"""By exact type: a subclass may do anything in its own forward."""
