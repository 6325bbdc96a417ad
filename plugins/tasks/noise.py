"""Noise instead of data: for networks' properties that no data decide, and for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from automl.core.contracts import Batch, Options, Task, derive_seed
from automl.core.errors import DataError
from automl.plugins.tasks.drawing import draw_examples

_TRAIN_PER_TEST = 4
"""How many training examples there are to one for the test."""


class NoiseOptions(Options):
    """Options of `Noise`; by default the shape of CIFAR-10."""

    channels: int = Field(3, ge=1, description="channels of an input")
    size: int = Field(32, ge=1, description="height and width of an input, in pixels")
    classes: int = Field(10, ge=1, description="number of classes; the labels are random")
    examples: int = Field(1024, ge=1, description="training examples; a quarter as many for the test")


class Noise(Task):
    """Independent normal noise, mean 0 and variance 1, with random labels: nothing to learn from it.

    Every example has a seed of its own, so that a batch makes only what it holds.
    """

    name = "noise"
    Options: ClassVar[type[Options]] = NoiseOptions
    options: NoiseOptions

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Channels, height and width, as the options say."""
        return (self.options.channels, self.options.size, self.options.size)

    @property
    def classes(self) -> int:
        """As the options say."""
        return self.options.classes

    def batch(self, size: int, seed: int) -> Batch:
        """``size`` different training examples, drawn by ``seed`` alone.

        Raises:
            DataError: there are fewer than ``size``.
        """
        return self._make("train", draw_examples(self.name, self.options.examples, size, seed))

    def split(self, name: str) -> Batch:
        """All examples of ``"train"`` or ``"test"``.

        Raises:
            DataError: there is no such split.
        """
        counts = {
            "train": self.options.examples,
            "test": max(1, self.options.examples // _TRAIN_PER_TEST),
        }
        if name not in counts:
            raise DataError(f"task 'noise' has no split {name!r}.", hint="Its splits are: train, test.")
        return self._make(name, range(counts[name]))

    def _make(self, split: str, numbers: Sequence[int]) -> Batch:
        """The examples of a split that have these numbers."""
        import torch

        inputs = torch.empty(len(numbers), *self.input_shape)
        labels = torch.empty(len(numbers), dtype=torch.int64)
        for at, number in enumerate(numbers):
            generator = torch.Generator().manual_seed(derive_seed(0, 0, "noise", split, number))
            inputs[at].normal_(generator=generator)
            labels[at].random_(self.classes, generator=generator)
        return Batch(inputs, labels)
