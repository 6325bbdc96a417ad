"""Linear layers and embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F  # noqa: N812 - the name everybody knows it by

from automl.evaluators.ntk.gram.tape import Operation

if TYPE_CHECKING:
    from torch import Tensor

    from automl.evaluators.ntk.gram.accumulator import Gram


class Linear(Operation):
    """``x @ weight.T + bias`` over the last axis, ``(n, ..., in)`` to ``(n, ..., out)``.

    With one position a sample, the kernel of the weight is the product, entry by entry, of the Gram
    matrices of inputs and output gradients (Novak et al. 2022, section 3), and no gradient is formed. With
    T positions that way costs ``n^2 T^2 (in + out)`` and the gradients ``n T in out + n^2 in out``: the
    cheaper one is taken.

    Args:
        weight: ``(out, in)``.
        bias: ``(out,)`` or nothing.
        parameters: which of them have gradients to be added.
    """

    __slots__ = ("bias", "weight")

    def __init__(self, weight: Tensor, bias: Tensor | None, *, parameters: tuple[Tensor, ...]) -> None:
        self.weight, self.bias = weight, bias
        self.parameters = parameters

    def forward(self, inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The product."""
        return F.linear(inputs, self.weight, self.bias), (inputs,)

    def backward(
        self, saved: tuple[Tensor, ...], gradient: Tensor, gram: Gram, *, wants_input: bool
    ) -> Tensor | None:
        """By Gram matrices or by gradients, whichever is cheaper."""
        (inputs,) = saved
        n, out, features = inputs.shape[0], *self.weight.shape
        given, back = inputs.reshape(n, -1, features), gradient.reshape(n, -1, out)
        if gram.wants(self.weight):
            positions = given.shape[1]
            pairs = n * positions**2 * (features + out)
            if gram.alone(self.weight) and pairs < (positions + n) * features * out:
                gram.add_kernel(product_kernel(given.to(gram.dtype), back.to(gram.dtype)))
            else:
                gram.add(self.weight, torch.bmm(back.transpose(1, 2), given))
        if gram.wants(self.bias):
            gram.add(self.bias, back.sum(1))
        return gradient @ self.weight if wants_input else None


class Embedding(Operation):
    """Rows of a table, ``(n, ...)`` integers to ``(n, ..., width)``.

    Args:
        weight: ``(entries, width)``.
        padding: the entry whose gradient is dropped, if any; not negative.
    """

    __slots__ = ("padding", "weight")

    def __init__(self, weight: Tensor, padding: int | None) -> None:
        self.weight, self.padding = weight, padding
        self.parameters = (weight,)

    def forward(self, inputs: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The rows."""
        return F.embedding(inputs, self.weight), (inputs,)

    def backward(
        self, saved: tuple[Tensor, ...], gradient: Tensor, gram: Gram, *, wants_input: bool
    ) -> Tensor | None:
        """Sums over the positions of each entry; only over entries that occur, where no one else adds."""
        (inputs,) = saved
        if not gram.wants(self.weight):
            return None
        n, (entries, width) = inputs.shape[0], self.weight.shape
        rows = inputs.reshape(n, -1)
        back = gradient.reshape(n, -1, width)
        if self.padding is not None:
            back = back.masked_fill((rows == self.padding).unsqueeze(2), 0)
        if gram.alone(self.weight):
            occurring, rows = torch.unique(rows, return_inverse=True)
            entries = len(occurring)
        gradients = back.new_zeros(n, entries, width)
        gradients.scatter_add_(1, rows.unsqueeze(2).expand_as(back), back)
        gram.add(self.weight, gradients)
        return None


def product_kernel(given: Tensor, back: Tensor) -> Tensor:
    """The kernel of a linear map's weight, ``(n, n)``.

    ``K[i, j] = sum over positions s, t of <given[i, s], given[j, t]> <back[i, s], back[j, t]>``.

    Args:
        given: the inputs, ``(n, positions, in)``.
        back: the output's gradients, ``(n, positions, out)``.
    """
    n, positions, _ = given.shape
    left, right = given.flatten(0, 1), back.flatten(0, 1)
    products = (left @ left.T) * (right @ right.T)
    if positions == 1:
        return products
    return products.view(n, positions, n, positions).sum((1, 3))
