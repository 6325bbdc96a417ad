"""How two computations are compared, to see whether samples meet."""

from __future__ import annotations

import torch
from torch import Tensor

_LEVELS = 31
"""Powers of two among the samples' weights: their products stay within float32."""


def sample_weights(samples: int) -> Tensor:
    """A weight a sample, ``(n,)`` float64, all different: powers of two, which change no rounding, and
    from the 32nd sample on numbers between them.
    """
    index = torch.arange(samples)
    between = (index // _LEVELS).double() / (samples // _LEVELS + 1)
    return torch.ldexp(1 + between, index % _LEVELS - _LEVELS // 2)


def is_bilinear(plain: Tensor, weighted: Tensor, weights: Tensor) -> bool:
    """Whether a kernel is bilinear in the samples' weights, as it is if samples do not meet.

    If row i of a gradient has a part from sample j, the weighted kernel's entry (i, i) has it w_j / w_i
    times, squared; all such parts are sums of squares, and do not cancel.

    Args:
        plain: ``(n, n)`` float64, from a backward pass with equal weights.
        weighted: the same from one with ``weights``, of the same forward pass.
        weights: ``(n,)``, in the dtype in which gradients were computed.
    """
    exact = weights.double()
    scale = plain.diagonal().sqrt()
    error = (weighted / torch.outer(exact, exact) - plain).abs()
    near = error <= _tolerance(weights.dtype) / 20 * torch.outer(scale, scale)
    return bool(near.all())  # and none is no number


def same_values(found: Tensor, expected: Tensor) -> bool:
    """Whether two forward passes gave the same, in the norm."""
    return _near(found, expected, _tolerance(expected.dtype) / 20)


def same_gradients(found: Tensor, expected: Tensor) -> bool:
    """Whether two forward passes led to the same gradients, in the norm."""
    return _near(found, expected, _tolerance(expected.dtype))


def _tolerance(dtype: torch.dtype) -> float:
    """In float32 a ReLU may take the other side, which moves gradients by up to 1e-3."""
    return 1e-9 if dtype == torch.float64 else 2e-3


def _near(found: Tensor, expected: Tensor, tolerance: float) -> bool:
    return bool((found - expected).norm() <= tolerance * expected.norm())
