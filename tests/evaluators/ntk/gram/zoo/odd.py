"""An entry of the zoo, and what networks are put together from.

Every network takes ``(n, *shape)`` and gives three logits, but where its entry says otherwise. ``DTYPE`` is
float64: what is compared is the method, not the rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from automl.evaluators.ntk.forward import give_shape
from automl.evaluators.ntk.gram import Way

DTYPE = torch.float64
CLASSES = 3


@dataclass(frozen=True)
class Odd:
    """An entry.

    Attributes:
        build: makes the network.
        shape: of one input.
        way: how its kernel is to be found with statistics frozen.
        integers: the inputs are integers below it, if it is positive.
    """

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    way: Way = Way.LAYERS
    integers: int = 0

    def network(self) -> nn.Module:
        """The network, in float64, with parameters that are not at their special initial values."""
        torch.manual_seed(1)
        network = self.build().to(DTYPE)
        give_shape(network, self.inputs(2))
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.ndim < 2:
                    parameter.add_(0.3 * torch.randn_like(parameter))
        return network

    def inputs(self, n: int) -> Tensor:
        """A batch."""
        torch.manual_seed(2)
        if self.integers:
            return torch.randint(self.integers, (n, *self.shape))
        return torch.randn(n, *self.shape, dtype=DTYPE)


class Lambda(nn.Module):
    """A function as a module, with submodules and parameters that it may use."""

    def __init__(self, function: Callable[[Any, Tensor], Any], **parts: nn.Module | Tensor) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, nn.Parameter(part) if isinstance(part, Tensor) else part)
        self._function = function

    def forward(self, x: Tensor) -> Any:
        return self._function(self, x)


def head(features: int) -> nn.Sequential:
    """From anything with ``features`` values a sample to logits."""
    return nn.Sequential(nn.Flatten(), nn.Linear(features, CLASSES))


def pooled(channels: int) -> nn.Sequential:
    """From images to logits."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), *head(channels))
