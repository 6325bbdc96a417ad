"""A space of small networks, some of which cannot be built, a task that counts, and what scores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from automl.core.contracts import (
    Batch,
    Choices,
    EvaluationContext,
    Evaluator,
    Metric,
    NetworkSize,
    SearchSpace,
    Subject,
    Task,
    View,
)
from automl.core.errors import DataError

if TYPE_CHECKING:
    from torch import nn

FIRST = ["linear", "in place", "broken", "greedy", "nothing", "torn"]
"""What a network begins with; all but the first two have no network."""


@dataclass(frozen=True)
class Net:
    """What a network is made of."""

    first: str
    width: int


class Nets(SearchSpace[Net]):
    """Networks of two linear layers. The small ones are four times narrower."""

    name = "nets"
    narrower = 1

    def define(self, choose: Choices) -> Net:
        return Net(choose.one_of("first", FIRST), choose.integer("width", 4, 64))

    def proxy(self) -> Nets:
        small = Nets()
        small.narrower = 4
        return small

    def network(self, candidate: Net, task: Task) -> nn.Module:
        import torch
        from torch import nn

        if candidate.first == "broken":
            raise ValueError("no such layer\nand no second line")
        if candidate.first == "greedy":
            torch.empty(1 << 50)
        if candidate.first == "torn":
            raise DataError("the layer's table is torn.")
        if candidate.first == "nothing":
            nothing: Any = None
            return nothing  # type: ignore[no-any-return]  # what it says it is not
        inputs, width = task.input_shape[0], candidate.width // self.narrower
        first = [nn.ReLU(inplace=True)] if candidate.first == "in place" else []
        return nn.Sequential(*first, nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, task.classes))


class Count(Task):
    """Noise that counts how often it is drawn. The small form has half the inputs."""

    name = "count"
    inputs = 6
    labelled = True

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.drawn: list[tuple[int, int]] = []

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.inputs,)

    @property
    def classes(self) -> int:
        return 3

    def proxy(self) -> Count:
        small = Count()
        small.inputs = self.inputs // 2
        return small

    def batch(self, size: int, seed: int) -> Batch:
        import torch

        self.drawn.append((size, seed))
        generator = torch.Generator().manual_seed(seed)
        labels = torch.randint(self.classes, (size,), generator=generator) if self.labelled else None
        return Batch(torch.randn(size, *self.input_shape, generator=generator), labels)

    def split(self, name: str) -> Batch:
        return replace(self.batch(16, 0), labels=None)


class Trains(Evaluator):
    """A loss and the norm of its gradient: sums whose last bits tell how they were computed."""

    name = "trains"
    view = View.NETWORK
    metrics = (Metric("loss", "min"), Metric("gradient"))  # type: ignore[arg-type]  # as plugins write it

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        import torch

        network = context.network(subject)
        batch = context.batch(256, repeat=subject.repeat)
        assert batch.labels is not None
        loss = torch.nn.functional.cross_entropy(network(batch.inputs), batch.labels)
        torch.autograd.backward(loss)
        return {
            "loss": loss.item(),
            "gradient": sum(p.grad.norm().item() for p in network.parameters() if p.grad is not None),
        }


class Products(Evaluator):
    """Linear algebra by numpy and by torch: its last bits tell with how many threads it was done."""

    name = "products"
    view = None
    metrics = (Metric("by_numpy"), Metric("by_torch"))

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        import numpy as np
        import torch

        random = np.random.default_rng(context.own_seed(subject, "matrix"))
        matrix = random.standard_normal((333, 333)).astype("f4")
        gram = matrix @ matrix.T
        return {
            "by_numpy": float(np.linalg.inv(gram).astype(float).sum()),
            "by_torch": torch.linalg.inv(torch.from_numpy(gram)).double().sum().item(),
        }


class Small(Trains):
    """The same on small networks."""

    name = "small"
    size = NetworkSize.PROXY
    metrics = (Metric("small_loss"), Metric("small_gradient"))

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        return {f"small_{name}": value for name, value in super().score(subject, context).items()}


class Ready(Evaluator):
    """Whether torch was loaded, and the data drawn from, before the evaluation."""

    name = "ready"
    view = View.NETWORK
    metrics = (Metric("loaded"), Metric("drawn"))

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        import sys

        drawn = getattr(context.task, "drawn", ())
        return {"loaded": "torch" in sys.modules, "drawn": len(drawn)}
