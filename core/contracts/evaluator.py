"""The evaluator: turns candidates into metrics. One that does not train is called a proxy."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from automl.core.contracts.component import Component
from automl.core.contracts.genotype import Genotype
from automl.core.contracts.metric import Metric
from automl.core.contracts.space import SearchSpace, View
from automl.core.contracts.task import Batch, Task
from automl.core.contracts.trial import Outcome, Status
from automl.core.errors import AutomlError

if TYPE_CHECKING:
    import torch
    from torch import nn


class Equality(StrEnum):
    """Which candidates an evaluator scores alike, so that one result may stand for all of them."""

    FUNCTION = "function"
    """Those that compute the same function: a part that no output depends on changes nothing."""
    FORM = "form"
    """Only those written alike: the evaluator counts what is there, whether it is used or not."""


class NetworkSize(StrEnum):
    """Which networks and inputs an evaluator wants: full ones, or those of `SearchSpace.proxy` and
    `Task.proxy`.
    """

    FULL = "full"
    PROXY = "proxy"


@dataclass(frozen=True, slots=True)
class Subject:
    """One candidate, as an evaluator is handed it.

    Attributes:
        genotype: the choices made.
        candidate: the domain object that they define; a layer's graph, a cell, a program.
        repeat: how often an equal candidate has been evaluated in this run before; it draws new numbers.
    """

    genotype: Genotype
    candidate: Any
    repeat: int = 0


class Checkpoints(Protocol):
    """Where an evaluator that trains keeps its state, so that it can go on after a kill."""

    def save(self, subject: Subject, step: int, tensors: Mapping[str, torch.Tensor], notes: str) -> None:
        """Keep the state after ``step``, whole or not at all; ``notes`` is JSON."""

    def latest(self, subject: Subject) -> tuple[int, Mapping[str, torch.Tensor], str] | None:
        """The last state saved for this subject, if any."""


class EvaluationContext(Protocol):
    """All that an evaluator may use besides the candidates: it looks nothing up by itself."""

    @property
    def task(self) -> Task:
        """The data and the shape that candidates are judged on, in the size that the evaluator asked for."""

    @property
    def space(self) -> SearchSpace[Any]:
        """The space the candidates are from, in the size that the evaluator asked for."""

    @property
    def device(self) -> torch.device:
        """Where to compute."""

    @property
    def checkpoints(self) -> Checkpoints | None:
        """Where to keep state, if this engine keeps any."""

    def seed(self, purpose: str, *, repeat: int = 0, draw: int = 0) -> int:
        """A seed that all candidates of one repeat share. ``draw`` counts draws within one evaluation."""

    def own_seed(self, subject: Subject, purpose: str, *, draw: int = 0) -> int:
        """A seed of the subject's own."""

    def batch(self, size: int, *, repeat: int = 0, draw: int = 0) -> Batch:
        """The batch of ``size`` training examples that all candidates of one repeat share, on `device`."""

    def network(self, subject: Subject, *, draw: int = 0) -> nn.Module:
        """The subject's network on `device`, in train mode, its initial values drawn from the seed that
        all candidates of one repeat share.

        Raises:
            InvalidCandidateError: the space cannot build it.
        """

    def report(self, subject: Subject, step: int, metrics: Mapping[str, float]) -> bool:
        """Tell how far an evaluation is. Returns whether to go on: a scheduler may stop it."""

    def resolve(self, kind: str, name: str) -> Any:
        """Another registered thing, made with its default options."""


class InvalidCandidateError(AutomlError):
    """A candidate that cannot be built or run. An evaluator may raise it; the outcome is ``invalid``."""


class DegenerateScoreError(AutomlError):
    """A score that is not a number one can rank. An evaluator may raise it; the outcome is ``degenerate``."""


class Evaluator(Component, ABC):
    """Turns candidates into metrics.

    A simple one implements `score`; one that shares work among candidates implements `evaluate`. Either
    must give results that depend on nothing but the subject, the context's seeds and task, and the
    options: not on the other subjects of the batch, the time, the worker, or global random state.

    Attributes:
        view: what it needs of a candidate, or nothing if the genotype is enough.
        size: which networks it wants.
        equality: which candidates it scores alike.
        version: raise it when the same candidate begins to score differently.
    """

    view: ClassVar[View | None] = View.NETWORK
    size: ClassVar[NetworkSize] = NetworkSize.FULL
    equality: ClassVar[Equality] = Equality.FUNCTION
    metrics: tuple[Metric, ...]
    """What it gives, the main one first: a class attribute, or set in ``__init__`` where options decide."""

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        """The metrics of one candidate, all of those declared.

        Raises:
            DegenerateScoreError: the score is no number that can be ranked.
            InvalidCandidateError: the candidate cannot be built or run.
        """
        raise NotImplementedError(f"evaluator {self.name!r} implements neither score nor evaluate")

    def evaluate(self, subjects: Sequence[Subject], context: EvaluationContext) -> Sequence[Outcome]:
        """One outcome for each subject, in their order. By default `score`, one by one."""
        return [self.evaluate_one(subject, context) for subject in subjects]

    def evaluate_one(self, subject: Subject, context: EvaluationContext) -> Outcome:
        """`score` with its time, and its errors turned into outcomes."""
        start = perf_counter()
        try:
            metrics = {name: float(value) for name, value in self.score(subject, context).items()}
            for name, value in metrics.items():
                if not isfinite(value):
                    raise DegenerateScoreError(f"{name} is {value!r}")
            return Outcome.ok(metrics, seconds=perf_counter() - start)
        except Exception as error:  # noqa: BLE001 - a plugin's code may raise anything: the search goes on
            return failure(error, seconds=perf_counter() - start)


def failure(error: Exception, *, seconds: float = 0.0) -> Outcome:
    """The outcome that an exception from an evaluation stands for.

    A declared failure keeps its own status; running out of memory is ``out_of_memory``; anything else is
    ``invalid``, with the exception's type and first line as the reason.

    Raises:
        AutomlError: ``error`` itself, where it is none of the candidate's doing: a torn data set, a missing
            extra. It would befall every candidate, and has to end the search.
    """
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else "no message"
    if isinstance(error, DegenerateScoreError):
        return Outcome.failed(Status.DEGENERATE, text, seconds=seconds)
    if isinstance(error, InvalidCandidateError):
        return Outcome.failed(Status.INVALID, text, seconds=seconds)
    if isinstance(error, AutomlError):
        raise error
    out_of_memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    status = Status.OUT_OF_MEMORY if out_of_memory or "can't allocate memory" in text else Status.INVALID
    return Outcome.failed(status, f"{type(error).__name__}: {text}", seconds=seconds)
