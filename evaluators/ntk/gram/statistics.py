"""The statistics of batch normalisation: measured and written down, or read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Moments:
    """Of one call of batch normalisation.

    Attributes:
        mean: ``(channels,)``.
        scale: ``(channels,)``, one over the standard deviation, ``eps`` included.
    """

    mean: Tensor
    scale: Tensor

    def variance(self, eps: float) -> Tensor:
        """What ``scale`` was made of."""
        return self.scale.pow(-2) - eps


class Statistics:
    """The moments of all calls of batch normalisation in a forward pass, in the order of the calls.

    Args:
        device: where the moments are.
        given: moments of an earlier pass, which take the place of those of the batch.
    """

    def __init__(self, device: torch.device, given: Sequence[Moments] = ()) -> None:
        self.device = device
        self.moments: list[Moments] = []
        self._given = tuple(given)

    def normalise(
        self, inputs: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Moments]:
        """Batch normalisation, ``(n, channels, ...)`` to the same shape, and its moments.

        It is for where no gradient flows. The variance is the biased one, as in PyTorch's forward pass.
        """
        if self._given:
            moments = self._given[len(self.moments)]
            output = normalised(inputs, weight, bias, moments, eps)
        else:
            output, mean, scale = torch.native_batch_norm(inputs, weight, bias, None, None, True, 0.0, eps)
            moments = Moments(mean, scale)
        self.moments.append(moments)
        return output, moments


def normalised(
    inputs: Tensor, weight: Tensor | None, bias: Tensor | None, moments: Moments, eps: float
) -> Tensor:
    """Batch normalisation with given moments. Gradients flow, but not through the moments."""
    return torch.batch_norm(
        inputs,
        weight,
        bias,
        moments.mean,
        moments.variance(eps),
        False,
        0.0,
        eps,
        torch.backends.cudnn.enabled,
    )
