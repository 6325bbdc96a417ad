"""Small parts of the kit's own: three search spaces and a task, for plugins to be tried on."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pydantic import Field

from automl.core.contracts import Batch, Choices, Options, SearchSpace, Task
from automl.core.errors import DataError

if TYPE_CHECKING:
    import torch
    from torch import nn


class ConvSpace(SearchSpace[tuple[int, int, int, str]]):
    """Sixteen small convolutional networks: a finite space, with networks.

    A candidate is (width, kernel size, depth, pooling).
    """

    name = "kit-conv"

    def define(self, choose: Choices) -> tuple[int, int, int, str]:
        """Four independent choices of two options each."""
        return (
            choose.one_of("width", (4, 8)),
            choose.one_of("kernel", (3, 5)),
            choose.integer("depth", 1, 2),
            choose.one_of("pooling", ("average", "maximum")),
        )

    def network(self, candidate: tuple[int, int, int, str], task: Task) -> nn.Module:
        """Convolutions with batch normalisation, pooled globally, and a linear layer."""
        from torch import nn

        width, kernel, depth, pooling = candidate
        channels = [task.input_shape[0], *[width] * depth]
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(channels):
            layers += [nn.Conv2d(before, after, kernel, padding="same"), nn.BatchNorm2d(after), nn.ReLU()]
        layers.append(nn.AdaptiveAvgPool2d(1) if pooling == "average" else nn.AdaptiveMaxPool2d(1))
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width, task.classes))


class BranchSpace(SearchSpace[tuple[str, int, str]]):
    """Eleven candidates of two kinds: a conditional space, where one name has other options in each."""

    name = "kit-branch"

    def define(self, choose: Choices) -> tuple[str, int, str]:
        """Two small ones, and three sizes by three colours of large ones."""
        kind = choose.one_of("kind", ("small", "large"))
        if kind == "small":
            return kind, choose.integer("size", 1, 2), ""
        return kind, choose.integer("size", 1, 3), choose.one_of("colour", ("red", "green", "blue"))


class LineSpace(SearchSpace[tuple[float, float, str]]):
    """A continuous space: two real numbers and a name."""

    name = "kit-line"

    def define(self, choose: Choices) -> tuple[float, float, str]:
        """One number uniform, one uniform in its logarithm."""
        return (
            choose.uniform("x", -1.0, 1.0),
            choose.uniform("rate", 1e-4, 1.0, log=True),
            choose.one_of("form", ("line", "curve")),
        )


class NoiseOptions(Options):
    """Options of `NoiseTask`."""

    channels: int = Field(3, ge=1, description="channels of an image")
    side: int = Field(8, ge=1, description="height and width of an image, in pixels")
    classes: int = Field(4, ge=2, description="number of classes")
    examples: int = Field(256, ge=1, description="training examples; there are half as many for testing")


class NoiseTask(Task):
    """Images of noise in some classes: made in no time, and nothing can be learned from them."""

    name = "kit-noise"
    Options = NoiseOptions
    options: NoiseOptions

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(channels, side, side)."""
        return self.options.channels, self.options.side, self.options.side

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self.options.classes

    def batch(self, size: int, seed: int) -> Batch:
        """``size`` different training examples, drawn by ``seed``."""
        import torch

        if size > self.options.examples:
            raise DataError(
                f"a batch of {size}: task {self.name!r} has {self.options.examples} training examples."
            )
        order = torch.randperm(self.options.examples, generator=torch.Generator().manual_seed(seed))[:size]
        inputs, labels = self._examples(self.options.examples, seed=0)
        return Batch(inputs[order], labels[order])

    def split(self, name: str) -> Batch:
        """The examples of ``"train"`` or ``"test"``."""
        if name not in ("train", "test"):
            raise DataError(f"task {self.name!r} has no split {name!r}: there are train and test.")
        train = name == "train"
        count = self.options.examples if train else max(1, self.options.examples // 2)
        return Batch(*self._examples(count, seed=0 if train else 1))

    def _examples(self, count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        inputs = torch.randn(count, *self.input_shape, generator=torch.Generator().manual_seed(seed))
        return inputs, torch.arange(count) % self.classes
