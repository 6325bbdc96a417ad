"""Per-sample gradients by `torch.func`: each sample alone, with the statistics of the batch."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F  # noqa: N812 - the name everybody knows it by

from automl.evaluators.ntk.forward import WITHOUT_DROPOUT, ReplacedCalls, held_statistics, in_mode
from automl.evaluators.ntk.gram.statistics import Moments, normalised

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor, nn

    from automl.evaluators.ntk.gram.recording import Pass


def sample_gradients(
    work: Pass, parameters: Sequence[nn.Parameter], cotangent: Tensor, moments: Sequence[Moments]
) -> tuple[list[Tensor], Tensor]:
    """The gradients of ``<cotangent[i], logits of sample i>``, each sample being run by itself.

    Costs about two forward and backward passes, and holds the gradients of ``parameters`` for all samples.
    It tells the truth about a network in which samples do not meet but in the batch normalisations whose
    statistics are given; the caller has to check that.

    Args:
        work: how the network is run.
        parameters: by which the gradients are.
        cotangent: ``(n, classes)``.
        moments: the statistics that batch normalisations take, in the order of their calls.

    Returns:
        ``(n, *shape)`` for each parameter, and the logits ``(n, classes)``.

    Raises:
        Exception: whatever `torch.func` raises about a network that it cannot differentiate.
    """
    wanted = {id(parameter) for parameter in parameters}
    named = {name: p for name, p in work.network.named_parameters() if id(p) in wanted}

    def value(values: dict[str, Tensor], one: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        # Copied here and not outside, where they could not be written into.
        buffers = {name: buffer.clone() for name, buffer in work.network.named_buffers()}
        batch_norm = _Replayed(moments, frozen=work.batchnorm == "frozen")
        calls: dict[Callable[..., Any], Callable[..., Any]] = {**WITHOUT_DROPOUT, F.batch_norm: batch_norm}
        with ReplacedCalls(calls):
            logits = functional_call(work.network, {**buffers, **values}, (one.unsqueeze(0),)).squeeze(0)
        return (logits * weights).sum(), logits

    with (
        torch.enable_grad(),
        warnings.catch_warnings(action="ignore"),  # that vmap has no fast rule for this or that
        in_mode(work.network, training=work.batchnorm != "eval"),
        held_statistics(work.survey.holders if work.batchnorm == "frozen" else ()),
    ):
        values = {name: parameter.detach() for name, parameter in named.items()}
        by_name, logits = vmap(grad(value, has_aux=True), (None, 0, 0))(values, work.inputs, cotangent)
    by_id = {id(named[name]): gradients for name, gradients in by_name.items()}
    return [by_id[id(parameter)].detach() for parameter in parameters], logits.detach()


class _Replayed:
    """``torch.nn.functional.batch_norm`` with statistics that were written down in an earlier pass."""

    def __init__(self, moments: Sequence[Moments], *, frozen: bool) -> None:
        self._moments = iter(moments)
        self._frozen = frozen

    def __call__(
        self,
        input: Tensor,  # noqa: A002 - as torch names it
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        if training and self._frozen:
            return normalised(input, weight, bias, next(self._moments), eps)
        return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
