"""What the eigenvalues of a tangent kernel say, and when they say nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from automl.core.contracts import DegenerateScoreError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Eigenvalues of a kernel, in short: all positive and finite.

    Attributes:
        smallest: lambda_min.
        mean: the arithmetic mean, the trace divided by the number of eigenvalues.
        largest: lambda_max.
    """

    smallest: float
    mean: float
    largest: float

    @property
    def evenness(self) -> float:
        """``-log(mean / lambda_min)``, at most 0: the higher, the more alike are the rates at which the
        network learns along its kernel's directions. The kernel's scale does not matter.
        """
        return math.log(self.smallest) - math.log(self.mean)

    @property
    def log_condition(self) -> float:
        """``log(lambda_max / lambda_min)``, at least 0: the smaller, the better conditioned."""
        return math.log(self.largest) - math.log(self.smallest)


def spectrum(kernel: Tensor, *, centred: bool = True, precision: torch.dtype = torch.float32) -> Spectrum:
    """The spectrum of a kernel, computed in float64.

    A centred kernel is ``HKH`` with ``H = I - 11'/n``. It has one eigenvalue zero by construction, for
    the vector of ones; the n - 1 others are computed on that vector's orthogonal complement, so that
    none has to be guessed and dropped.

    An eigenvalue that rounding alone can produce ranks nothing. The floor is
    ``n * eps(precision) * lambda_max(K)``: the usual bound for the rank of a matrix, with the precision
    in which the gradients were computed, not that in which their products were summed.

    Args:
        kernel: ``(n, n)``, symmetric, n of at least 2 (1 where it is not to be centred).
        centred: leave out what all samples' gradients have in common.
        precision: the dtype in which the gradients were computed.

    Raises:
        DegenerateScoreError: the kernel is not finite, zero, or singular to working precision.
    """
    kernel = kernel.detach().to("cpu", torch.float64)
    n = len(kernel)
    bad = int((~kernel.isfinite()).sum())
    if bad:  # LAPACK does not promise to end on these
        raise DegenerateScoreError(f"{bad} of {kernel.numel()} entries of the tangent kernel are not finite.")
    if not kernel.any():
        raise DegenerateScoreError("the tangent kernel is zero: no sample's logits depend on any parameter.")
    floor = n * torch.finfo(precision).eps * float(torch.linalg.eigvalsh(kernel)[-1])
    if centred:
        basis = helmert(n)
        kernel = basis @ kernel @ basis.T
    eigenvalues = torch.linalg.eigvalsh(kernel)
    smallest = float(eigenvalues[0])
    if smallest <= floor:
        raise DegenerateScoreError(
            f"the {'centred ' if centred else ''}tangent kernel is singular: its smallest eigenvalue, "
            f"{smallest:.3g}, is not above what rounding leaves, {floor:.3g}."
        )
    return Spectrum(smallest, float(eigenvalues.mean()), float(eigenvalues[-1]))


def helmert(n: int) -> Tensor:
    """An orthonormal basis of the complement of the vector of ones, ``(n - 1, n)`` float64.

    Row k (counted from 1) is ``(1, ..., 1, -k, 0, ..., 0) / sqrt(k (k + 1))`` with k ones: Helmert 1876.
    """
    k = torch.arange(1, n, dtype=torch.float64)
    rows = torch.tril(torch.ones(n - 1, n, dtype=torch.float64))
    rows.diagonal(1).copy_(-k)
    return rows / (k * (k + 1)).sqrt().unsqueeze(1)
