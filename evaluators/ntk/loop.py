"""The tangent kernel by one backward pass a sample: slow, and right for every network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from automl.core.contracts import DegenerateScoreError, InvalidCandidateError
from automl.evaluators.ntk.forward import differentiable_logits, give_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from automl.evaluators.ntk.options import BatchNorm, Output

_COLUMNS = 1 << 16
"""How many parameters' gradients are held in float64 at a time: 8 MiB for 16 samples."""


@torch.enable_grad()
def loop_kernel(
    network: nn.Module,
    inputs: Tensor,
    *,
    batchnorm: BatchNorm = "frozen",
    output: Output = "sum",
    seed: int = 0,
) -> Tensor:
    """The empirical neural tangent kernel of a batch (Jacot et al. 2018).

    ``K[i, j] = <df(x_i)/dtheta, df(x_j)/dtheta>`` over all trainable parameters theta, where f is the
    sum of the logits: the pseudo-kernel of TE-NAS (Chen et al. 2021). With ``output="trace"`` the
    kernels of the single logits are added: the trace over classes of the full kernel. ``full`` is that
    kernel itself (Novak et al. 2022, equation 1), of all logits of all samples.

    Costs one forward and n backward passes (n times the number of classes k for ``trace`` and ``full``),
    and holds all gradients of a function, ``(n, parameters)`` in the parameters' dtype, ``(n k,
    parameters)`` for ``full``. Gradients come from one batched
    forward, so that what couples samples, such as batch norm under ``train``, is differentiated exactly.

    Args:
        network: from ``(n, ...)`` to logits ``(n, classes)``; it is left as it was, but that lazy layers
            have a shape now.
        inputs: ``(n, ...)``.
        batchnorm: which statistics batch normalisation takes; see `differentiable_logits`.
        output: the function of the logits whose gradient is taken.
        seed: where a network that draws random numbers in its forward draws them from.

    Returns:
        ``(n, n)`` float64, symmetric; for ``full`` ``(n k, n k)``, row ``i k + a`` being logit a of sample
        i. It need not be finite: gradients may overflow.

    Raises:
        InvalidCandidateError: a parameter is complex or on another device, or the output is no batch of
            real logits.
        DegenerateScoreError: the kernel is zero since no parameter reaches the logits, or the logits
            are not finite.
    """
    give_shape(network, inputs, seed=seed)
    parameters = trainable_parameters(network, inputs.device)
    logits = differentiable_logits(network, inputs, batchnorm=batchnorm, seed=seed)
    if output == "sum":
        functions: Sequence[Tensor] = [logits.sum(1)]
    else:
        functions = logits.unbind(1) if output == "trace" else [logits.flatten()]
    rows = len(functions[0])
    kernel = torch.zeros(rows, rows, dtype=torch.float64, device=inputs.device)
    for function in functions:
        for block in _jacobian(function, parameters):
            for columns in torch.split(block, _COLUMNS, dim=1):
                exact = columns.to(kernel)
                kernel += exact @ exact.T
    return (kernel + kernel.T) / 2  # a matrix product need not be symmetric to the last bit


def trainable_parameters(network: nn.Module, device: torch.device) -> list[nn.Parameter]:
    """The parameters that the kernel is over: those that require a gradient, each once.

    Args:
        network: whose.
        device: where the inputs are.

    Raises:
        InvalidCandidateError: one is complex, or on another device.
        DegenerateScoreError: there are none.
    """
    named = {name: p for name, p in network.named_parameters() if p.requires_grad}
    for name, parameter in named.items():
        if not parameter.is_floating_point():
            raise InvalidCandidateError(
                f"the parameter {name!r} is {parameter.dtype}: expected real numbers."
            )
        if parameter.device != device:
            raise InvalidCandidateError(
                f"the parameter {name!r} is on {parameter.device}, and the inputs are on {device}: move the "
                f"network with .to({str(device)!r})."
            )
    if not named:
        raise DegenerateScoreError("the network has no trainable parameters: it has no tangent kernel.")
    return list(named.values())


def _jacobian(function: Tensor, parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    """The gradients of each of ``function``'s n values, as one ``(n, size)`` block a parameter."""
    n = len(function)
    blocks = [torch.zeros(n, p.numel(), dtype=p.dtype, device=p.device) for p in parameters]
    for i in range(n):
        gradients = torch.autograd.grad(function[i], parameters, retain_graph=True, allow_unused=True)
        for block, gradient in zip(blocks, gradients, strict=True):
            if gradient is not None:
                block[i] = gradient.flatten()
    return blocks
