"""A task of any shape, for building networks."""

from __future__ import annotations

import torch

from automl.core.contracts import Batch, Task


class NoiseTask(Task):
    name = "shapes"

    def __init__(self, *shape: int, classes: int = 10) -> None:
        super().__init__()
        self._shape, self._classes = shape, classes

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def classes(self) -> int:
        return self._classes

    def batch(self, size: int, seed: int) -> Batch:
        generator = torch.Generator().manual_seed(seed)
        inputs = torch.randn(size, *self._shape, generator=generator)
        return Batch(inputs, torch.randint(self._classes, (size,), generator=generator))

    def split(self, name: str) -> Batch:
        return self.batch(16, 0 if name == "train" else 1)
