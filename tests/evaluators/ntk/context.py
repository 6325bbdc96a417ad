"""A space, a task and a context, small enough to see through, that evaluators run in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from automl.core.contracts import (
    Batch,
    Choices,
    Genotype,
    SearchSpace,
    Subject,
    Task,
    derive_seed,
)

Build = Callable[[], nn.Module]


class NormalTask(Task):
    """Images of normal noise, 2 x 4 x 4, in three classes."""

    name = "normal"

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (2, 4, 4)

    @property
    def classes(self) -> int:
        return 3

    def batch(self, size: int, seed: int) -> Batch:
        generator = torch.Generator().manual_seed(seed)
        inputs = torch.randn(size, *self.input_shape, generator=generator)
        return Batch(inputs, torch.randint(self.classes, (size,), generator=generator))

    def split(self, name: str) -> Batch:
        return self.batch(8, len(name))


class ListedNetworks(SearchSpace[str]):
    """Networks by name."""

    name = "listed"

    def __init__(self, networks: Mapping[str, Build]) -> None:
        super().__init__()
        self._networks = networks

    def define(self, choose: Choices) -> str:
        return choose.one_of("network", sorted(self._networks))

    def network(self, candidate: str, task: Task) -> nn.Module:
        return self._networks[candidate]()

    def subject(self, name: str, *, repeat: int = 0) -> Subject:
        genotype = Genotype({"network": name})
        return Subject(genotype, self.rebuild(genotype), repeat)


class PlainContext:
    """An `EvaluationContext` that keeps nothing: every batch is drawn and every network built anew."""

    checkpoints = None
    device = torch.device("cpu")

    def __init__(self, space: SearchSpace[Any], task: Task, run_seed: int = 0) -> None:
        self.space = space
        self.task = task
        self._run_seed = run_seed

    def seed(self, purpose: str, *, repeat: int = 0, draw: int = 0) -> int:
        return derive_seed(self._run_seed, repeat, "shared", purpose, draw)

    def own_seed(self, subject: Subject, purpose: str, *, draw: int = 0) -> int:
        return derive_seed(self._run_seed, subject.repeat, "own", purpose, draw, subject.genotype.json)

    def batch(self, size: int, *, repeat: int = 0, draw: int = 0) -> Batch:
        return self.task.batch(size, self.seed("batch", repeat=repeat, draw=draw))

    def network(self, subject: Subject, *, draw: int = 0) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed("initial values", repeat=subject.repeat, draw=draw))
            return self.space.network(subject.candidate, self.task).train()

    def report(self, subject: Subject, step: int, metrics: Mapping[str, float]) -> bool:
        return True

    def resolve(self, kind: str, name: str) -> Any:
        raise LookupError(f"no {kind} {name!r} here")
