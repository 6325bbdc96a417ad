"""The forward pass under a tangent kernel: batch statistics as asked for, nothing random, nothing changed.

PyTorch's batch normalisation has its statistics held constant where that is asked for. A module of another
kind may declare how its own are held: by a method ``frozen_statistics`` without arguments, which returns a
context manager within which no gradient flows through them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

import torch
from torch.func import functional_call
from torch.nn import functional as F  # noqa: N812 - the name everybody knows it by
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from automl.core.contracts import DegenerateScoreError, InvalidCandidateError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from automl.evaluators.ntk.options import BatchNorm


def differentiable_logits(
    network: nn.Module, inputs: Tensor, *, batchnorm: BatchNorm = "frozen", seed: int = 0
) -> Tensor:
    """The network's logits with the graph that leads back to its parameters.

    ``batchnorm`` decides the mode, whatever mode the network is in: train mode for ``frozen`` and
    ``train``, eval mode for ``eval``. With ``frozen``, every call of ``torch.nn.functional.batch_norm``
    (all of torch's batch-norm layers and their subclasses end there) takes the statistics of its batch
    as constants. Another layer that couples samples is differentiated through as it is written.

    Dropout is left out: the kernel is the network's, not that of one of its random thinnings, whose
    masks would make samples look more different than they are. Whatever else draws random numbers,
    draws them from ``seed``.

    Afterwards the network's buffers and modes, the inputs and torch's random state are as before.

    Args:
        network: from ``(n, ...)`` to logits ``(n, classes)``.
        inputs: ``(n, ...)``.
        batchnorm: which statistics batch normalisation takes.
        seed: where a network that draws random numbers draws them from.

    Returns:
        ``(n, classes)``, finite, of a real floating dtype.

    Raises:
        InvalidCandidateError: the output is not a batch of real logits.
        DegenerateScoreError: the logits are not finite, or no parameter reaches them.
    """
    # What batch norm counts and averages while it runs, it writes into copies.
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    replaced = {**WITHOUT_DROPOUT, **(_FROZEN_STATISTICS if batchnorm == "frozen" else {})}
    with (
        torch.enable_grad(),
        seeded(inputs.device, seed),
        in_mode(network, training=batchnorm != "eval"),
        held_statistics(network.modules() if batchnorm == "frozen" else ()),
        ReplacedCalls(replaced),
    ):
        outputs = functional_call(network, buffers, (inputs.clone(),))
    return checked_logits(outputs, len(inputs))


def give_shape(network: nn.Module, inputs: Tensor, *, seed: int = 0) -> None:
    """Run a network with lazy layers once, so that its parameters are there; leave any other alone.

    Args:
        network: the network.
        inputs: what it is to be run on, ``(n, ...)``.
        seed: where the new parameters' initial values are drawn from.
    """
    if any(is_lazy(tensor) for tensor in (*network.parameters(), *network.buffers())):
        # In eval mode, since running statistics are no part of the shape.
        with torch.no_grad(), seeded(inputs.device, seed), in_mode(network, training=False):
            network(inputs.clone())


def checked_logits(outputs: object, n: int) -> Tensor:
    """What a network gave, if it is ``(n, classes)`` finite real logits that some parameter reaches.

    Raises:
        InvalidCandidateError: it is no batch of real logits.
        DegenerateScoreError: the logits are not finite, or no parameter reaches them.
    """
    if not isinstance(outputs, torch.Tensor):
        raise InvalidCandidateError(
            f"the network's output is a {type(outputs).__name__}: expected one tensor, logits ({n}, classes)."
        )
    if outputs.ndim != 2 or len(outputs) != n:
        raise InvalidCandidateError(
            f"the network's output has the shape {tuple(outputs.shape)}: expected logits ({n}, classes)."
        )
    if not outputs.is_floating_point():
        raise InvalidCandidateError(f"the network's output is {outputs.dtype}: expected real logits.")
    if not outputs.requires_grad:
        raise DegenerateScoreError("no trainable parameter reaches the logits: the tangent kernel is zero.")
    # One look at the sum is cheaper than one at each, and only a sum that overflows deceives it.
    if not isfinite(outputs.detach().sum()) and (bad := int((~outputs.isfinite()).sum())):
        raise DegenerateScoreError(f"{bad} of {outputs.numel()} logits are not finite.")
    return outputs


@contextmanager
def in_mode(network: nn.Module, *, training: bool) -> Iterator[None]:
    """Within it, the network is in train mode or in eval mode; afterwards each module is as it was."""
    before = [(module, module.training) for module in network.modules()]
    network.train(training)
    try:
        yield
    finally:
        for module, flag in before:
            module.training = flag


@contextmanager
def held_statistics(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Within it, those of ``modules`` that say how to hold their own statistics of the batch constant."""
    with ExitStack() as held:
        for module in modules:
            if hasattr(type(module), "frozen_statistics"):
                held.enter_context(cast(Any, module).frozen_statistics())
        yield


@contextmanager
def seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Within it, random numbers come from ``seed``; afterwards the global generators are as they were."""
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reach devices that are not forked
        if on_gpu:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


# -- functions that the network's own calls are replaced by -------------------------------------------


class ReplacedCalls(TorchFunctionMode):
    """While it is active, calls of some torch functions go to others.

    It replaces calls, not modules: so it holds for subclasses with a forward of their own and for
    networks that are written with ``torch.nn.functional``, and there is nothing to put back.
    """

    def __init__(self, replacements: Mapping[Callable[..., Any], Callable[..., Any]]) -> None:
        super().__init__()
        self._replacements = replacements

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        return self._replacements.get(func, func)(*args, **(kwargs or {}))


def _frozen_batch_norm(
    input: Tensor,  # noqa: A002 - the signature of torch.nn.functional.batch_norm
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if training:
        with torch.no_grad():
            others = [axis for axis in range(input.ndim) if axis != 1]
            running_var, running_mean = torch.var_mean(input, others, correction=0)
    return F.batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)


def _identity(input: Tensor, *_: object, **__: object) -> Tensor:  # noqa: A002 - as torch names it
    return input


def _attention(*args: Any, **kwargs: Any) -> Any:
    return F.multi_head_attention_forward(*args, **{**kwargs, "training": False})


def _dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    **kwargs: Any,
) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value, attn_mask, 0.0, **kwargs)


_FROZEN_STATISTICS: Mapping[Callable[..., Any], Callable[..., Any]] = {F.batch_norm: _frozen_batch_norm}
WITHOUT_DROPOUT: Mapping[Callable[..., Any], Callable[..., Any]] = {
    F.dropout: _identity,
    F.dropout1d: _identity,
    F.dropout2d: _identity,
    F.dropout3d: _identity,
    F.alpha_dropout: _identity,
    F.feature_alpha_dropout: _identity,
    F.multi_head_attention_forward: _attention,
    F.scaled_dot_product_attention: _dot_product_attention,
}
"""What dropout becomes: nothing, by the function of `torch.nn.functional` that it is called by."""
