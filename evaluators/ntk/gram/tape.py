"""Operations with parameters, and the nodes that they become in the backward pass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import torch
from torch.autograd import Function

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor, nn

    from automl.evaluators.ntk.gram.accumulator import Gram
    from automl.evaluators.ntk.gram.statistics import Statistics


class Operation(ABC):
    """One call of a function that has parameters, such as a convolution, on a batch.

    It treats its parameters as constants, so that they are no part of the graph: what the graph still
    reaches of a parameter is a use that no operation accounts for.

    Attributes:
        parameters: those whose per-sample gradients it adds in `backward`, one entry a use.
    """

    __slots__ = ("parameters",)
    parameters: tuple[Tensor, ...]

    @abstractmethod
    def forward(self, inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The output, whose row i depends on no other row of ``inputs``, and what `backward` needs.

        Args:
            inputs: ``(n, ...)``.
        """

    @abstractmethod
    def backward(
        self, saved: tuple[Tensor, ...], gradient: Tensor, gram: Gram, *, wants_input: bool
    ) -> Tensor | None:
        """Add the parameters' per-sample gradients to ``gram``.

        Args:
            saved: what `forward` gave.
            gradient: by the output, in its shape.
            gram: where they go.
            wants_input: whether the gradient by the input is needed.

        Returns:
            The gradient by the input, if it is needed.
        """


class Tape:
    """What a forward pass is recorded on: it decides which calls become operations.

    Args:
        samples: n, the length of the first axis of whatever holds a batch.
        parameters: those that the kernel is over.
        statistics: where batch normalisation takes its statistics from.
        frozen: whether statistics of the batch are held constant.

    Attributes:
        gram: where the operations add their gradients in the next backward pass.
        coupled: whether a batch normalisation was met whose statistics are not to be held constant.
    """

    def __init__(
        self,
        samples: int,
        parameters: Iterable[nn.Parameter],
        *,
        statistics: Statistics,
        frozen: bool,
    ) -> None:
        self.samples = samples
        self.gram: Gram | None = None
        self.statistics = statistics
        self.frozen = frozen
        self.coupled = False
        self._parameters = {id(parameter): parameter for parameter in parameters}
        # Every node leads to it: asked for its gradient, autograd runs them all.
        self.token = torch.zeros((), device=statistics.device, requires_grad=True)

    def owns(self, weight: Tensor | None) -> bool:
        """Whether ``weight`` is a parameter that the kernel is over."""
        return id(weight) in self._parameters

    def takes(self, inputs: Tensor, *weights: Tensor | None) -> bool:
        """Whether a call on these can become an operation.

        Its inputs are a batch; its weights are parameters themselves, not computed from them; a gradient is
        wanted of one of them; and no transform of `torch.func` is at work, within which an axis is hidden.
        """
        owned = False
        for weight in weights:
            if id(weight) in self._parameters:
                owned = True
            elif weight is not None and weight.requires_grad:
                return False
        is_batch = inputs.ndim > 0 and inputs.shape[0] == self.samples
        transformed = torch._C._are_functorch_transforms_active()
        return owned and is_batch and torch.is_grad_enabled() and not transformed

    def run(self, operation: Operation, inputs: Tensor) -> Tensor:
        """The operation's output, with a node behind it."""
        # Function.apply would look again for transforms, at a third of a small operation's price.
        apply: Any = super(Function, Site).apply
        output: Tensor = apply(self.token, inputs, operation, self)
        return output


class Site(Function):
    """The node of an operation in autograd's graph."""

    @staticmethod
    def forward(ctx: Any, token: Tensor, inputs: Tensor, operation: Operation, tape: Tape) -> Tensor:
        """The operation's output. ``token`` makes it require a gradient, whether the inputs do or not."""
        output, saved = operation.forward(inputs)
        ctx.operation, ctx.tape = operation, tape
        ctx.save_for_backward(*saved)
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient by the inputs; the operation adds those by its parameters."""
        by_input = ctx.operation.backward(
            ctx.saved_tensors, gradient, ctx.tape.gram, wants_input=ctx.needs_input_grad[1]
        )
        return None, by_input, None, None


SITE: Any = Site._backward_cls
"""The type of a `Site`'s node in the graph."""
