"""Pixels as integers to inputs with mean 0 and variance 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from numpy import uint8
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Normalisation:
    """What each channel is normalised by, in the unit of the pixels.

    Attributes:
        mean, std: one number a channel.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of_counts(cls, counts: Sequence[Sequence[int]]) -> Normalisation:
        """The normalisation of the pixels that ``counts[channel][value]`` counts.

        The sums are of integers and therefore exact: the result depends neither on the order of the
        images nor on the library that added them. A channel that never varies keeps its scale.
        """
        moments = [_moments(channel) for channel in counts]
        return cls(tuple(mean for mean, _ in moments), tuple(std or 1.0 for _, std in moments))

    def apply(self, pixels: NDArray[uint8]) -> torch.Tensor:
        """``(n, channels, h, w)`` uint8 as inputs, the same shape in float32."""
        import torch

        mean = torch.tensor(self.mean, dtype=torch.float32).view(-1, 1, 1)
        std = torch.tensor(self.std, dtype=torch.float32).view(-1, 1, 1)
        return torch.from_numpy(pixels).to(torch.float32).sub_(mean).div_(std)


def _moments(counts: Sequence[int]) -> tuple[float, float]:
    """Mean and standard deviation of the values that ``counts[value]`` counts."""
    n = sum(counts)
    total = sum(value * count for value, count in enumerate(counts))
    squares = sum(value * value * count for value, count in enumerate(counts))
    return total / n, sqrt((n * squares - total * total) / (n * n))
