"""The task: the data and the shape that a candidate is judged on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from automl.core.contracts.component import Component

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Examples of a task.

    Attributes:
        inputs: ``(n, *input_shape)`` float32, normalised.
        labels: ``(n,)`` int64 in [0, classes), or nothing where the task has none.
    """

    inputs: torch.Tensor
    labels: torch.Tensor | None


class Task(Component, ABC):
    """Data, and the shape that a candidate is judged on. Made once a process; it holds no state that
    changes, so that evaluators may keep what they derive from it.
    """

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input: ``(channels, height, width)`` for images."""

    @property
    @abstractmethod
    def classes(self) -> int:
        """The number of classes: what the network's last layer has to yield."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes' names, in the order of the labels."""
        return tuple(str(label) for label in range(self.classes))

    @abstractmethod
    def batch(self, size: int, seed: int) -> Batch:
        """``size`` different training examples, drawn by ``seed`` alone.

        Raises:
            DataError: there are fewer than ``size`` examples.
        """

    @abstractmethod
    def split(self, name: str) -> Batch:
        """All examples of ``"train"`` or ``"test"``, in a fixed order.

        Raises:
            DataError: the task has no split of this name.
        """

    def proxy(self) -> Task:
        """The same task with inputs small enough for scores without training; by default itself.

        What the user set is kept. It goes together with `SearchSpace.proxy`.
        """
        return self

    def fingerprint(self) -> str:
        """A text that is equal for tasks with the same data and settings: it goes into a run's record."""
        return f"{self.name} {self.options.model_dump_json()}"
