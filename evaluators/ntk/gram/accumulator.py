"""The sum of the Gram matrices of per-sample gradients, parameter by parameter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeGuard

import torch

if TYPE_CHECKING:
    from torch import Tensor

_NARROW = 1 << 10
"""Gradients with fewer columns wait for others: many small matrix products cost more than one."""

_WAITING = 1 << 14
"""How many columns wait at most."""


class Gram:
    """Adds up ``G @ G.T`` over parameters, where row i of G is the gradient of sample i.

    A parameter that is used several times has its gradients summed over its uses first: the gradient of a
    shared parameter is the sum, and the Gram matrix of a sum is not the sum of Gram matrices.

    Args:
        samples: n.
        dtype: what is summed in; gradients of another dtype are converted.
        device: where.
    """

    def __init__(self, samples: int, *, dtype: torch.dtype, device: torch.device) -> None:
        self.dtype = dtype
        self._samples = samples
        self._kernel = torch.zeros(samples, samples, dtype=dtype, device=device)
        self._uses: Mapping[int, int] = {}
        self._seen: Counter[int] = Counter()
        self._held: dict[int, Tensor] = {}
        self._waiting: list[Tensor] = []
        self._columns = 0

    def expect(self, uses: Iterable[Tensor]) -> None:
        """Say which parameters will come in one backward pass, each as often as it is used.

        Others that come are left out.
        """
        self._uses = dict(Counter(map(id, uses)))

    def wants(self, parameter: Tensor | None) -> TypeGuard[Tensor]:
        """Whether the parameter's gradients are to be added."""
        return parameter is not None and id(parameter) in self._uses

    def alone(self, parameter: Tensor | None) -> bool:
        """Whether the parameter is used once, so that its kernel may be added without its gradients."""
        return parameter is not None and self._uses.get(id(parameter)) == 1

    def add(self, parameter: Tensor, gradients: Tensor) -> None:
        """Take in the gradients of one use, ``(n, ...)`` with the parameter's elements in any fixed order.

        The tensor is kept, and must not be changed afterwards. What is not wanted is left out.
        """
        key = id(parameter)
        uses = self._uses.get(key, 0)
        if not uses:
            return
        if gradients.ndim != 2:
            gradients = gradients.reshape(self._samples, -1)
        if uses > 1:
            self._seen[key] += 1
            if key in self._held:
                gradients = self._held.pop(key) + gradients
            if self._seen[key] < uses:
                self._held[key] = gradients
                return
            del self._seen[key]
        self._add_product(gradients)

    def add_kernel(self, kernel: Tensor) -> None:
        """Take in the Gram matrix ``(n, n)`` of a parameter that is used once."""
        self._kernel += kernel

    def kernel(self) -> Tensor:
        """The sum, ``(n, n)`` float64, symmetric."""
        self._flush()
        kernel = self._kernel.double()
        return (kernel + kernel.T) / 2  # a matrix product need not be symmetric to the last bit

    def _add_product(self, gradients: Tensor) -> None:
        columns = gradients.shape[1]
        if columns >= _NARROW:
            gradients = gradients.to(self._kernel)
            self._kernel.addmm_(gradients, gradients.T)
            return
        self._waiting.append(gradients)
        self._columns += columns
        if self._columns > _WAITING:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            gradients = torch.cat(self._waiting, 1).to(self._kernel)
            self._kernel.addmm_(gradients, gradients.T)
            self._waiting.clear()
            self._columns = 0
