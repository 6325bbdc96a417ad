"""What the test cases of an evaluator share: what it is tried on, and how it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from automl.core.contracts import (
    Batch,
    Evaluator,
    InvalidCandidateError,
    Outcome,
    SearchSpace,
    Subject,
    Task,
    View,
)
from automl.core.engine import EngineContext
from automl.core.registry import load_registry
from automl.core.testing.broken import BrokenContractError, first_line, short
from automl.core.testing.parts import ConvSpace, NoiseTask
from automl.core.testing.threads import threads

if TYPE_CHECKING:
    import torch
    from torch import nn

SUBJECTS = 4
_DRAWS = 1000
RUN_SEED = 7


class EvaluatorCase:
    """Base of the test cases.

    Attributes:
        evaluator: the class in question.
        space: whose candidates it is tried on; it has to have the view that the evaluator needs.
        task: what they are judged on.
    """

    evaluator: type[Evaluator]
    space: type[SearchSpace[Any]] = ConvSpace
    task: type[Task] = NoiseTask

    def make_evaluator(self) -> Evaluator:
        """The evaluator to test; by default the class with its default options."""
        if not hasattr(self, "evaluator"):
            raise TypeError(f"{type(self).__name__} names no evaluator: write evaluator = MyScore in it")
        return self.evaluator()

    def make_space(self) -> SearchSpace[Any]:
        """The space whose candidates are evaluated."""
        return self.space()

    def make_task(self) -> Task:
        """The task that they are evaluated on."""
        return self.task()

    def subjects(self) -> list[Subject]:
        """A few different candidates."""
        space, view = self.make_space(), self.make_evaluator().view
        if view is not None and view not in space.views():
            raise TypeError(
                f"{type(self).__name__}: the evaluator needs the {view.value!r} view, which "
                f"{type(space).__name__} has not: set space = … to one that has it"
            )
        random, found = Random(RUN_SEED), dict[str, Subject]()
        for _ in range(_DRAWS):
            genotype = space.sample(random)
            found.setdefault(genotype.json, Subject(genotype, space.rebuild(genotype)))
            if len(found) == SUBJECTS:
                break
        return list(found.values())

    def context(self, faults: Sequence[Fault] = ()) -> WatchedContext:
        """A fresh context, as an engine makes it."""
        return WatchedContext(self.make_evaluator(), self.make_space(), self.make_task(), faults)

    def outcomes(self, subjects: Sequence[Subject]) -> list[Outcome]:
        """What a fresh evaluator gives for ``subjects`` in a fresh context."""
        return evaluate(self.make_evaluator(), subjects, self.context())


class Fault:
    """What is wrong with the network of one subject.

    Args:
        subject: whose network it is.
        kind: ``"unbuildable"``: it cannot be built; ``"raising"``: it raises when it is run; ``"nan"``: it
            gives no numbers.
    """

    def __init__(self, subject: Subject, kind: str) -> None:
        self.subject, self.kind = subject, kind
        self.met = False
        """Whether the evaluator came upon it."""

    def raise_it(self, *_: object) -> None:
        """What the network does."""
        self.met = True
        raise InvalidCandidateError(f"a fault of the test kit's making: the network is {self.kind}")


class WatchedContext(EngineContext):
    """The engine's context, which keeps a copy of every batch it hands out, and can break networks."""

    def __init__(
        self, evaluator: Evaluator, space: SearchSpace[Any], task: Task, faults: Sequence[Fault] = ()
    ) -> None:
        super().__init__(
            space=space, task=task, run_seed=RUN_SEED, size=evaluator.size, resolve=load_registry().make
        )
        self._faults = faults
        self.handed: list[tuple[torch.Tensor, torch.Tensor]] = []
        """Every tensor that was handed out, with a copy of what it was then."""

    def batch(self, size: int, *, repeat: int = 0, draw: int = 0) -> Batch:
        """The batch that all candidates of one repeat share."""
        batch = super().batch(size, repeat=repeat, draw=draw)
        tensors = [batch.inputs] if batch.labels is None else [batch.inputs, batch.labels]
        known = {id(tensor) for tensor, _ in self.handed}
        self.handed += [(tensor, tensor.clone()) for tensor in tensors if id(tensor) not in known]
        return batch

    def network(self, subject: Subject, *, draw: int = 0) -> nn.Module:
        """The subject's network, or one with a fault."""
        fault = next((fault for fault in self._faults if fault.subject.genotype == subject.genotype), None)
        if fault is not None and fault.kind == "unbuildable":
            fault.raise_it()
        network = super().network(subject, draw=draw)
        if fault is not None and fault.kind == "raising":
            network.register_forward_pre_hook(fault.raise_it)
        if fault is not None and fault.kind == "nan":
            for parameter in network.parameters():
                parameter.data.fill_(float("nan"))
        return network


def evaluate(evaluator: Evaluator, subjects: Sequence[Subject], context: EngineContext) -> list[Outcome]:
    """What an evaluator gives, with as many threads as an engine has by default.

    Raises:
        BrokenContractError: it raises, or does not give one outcome for each subject.
    """
    who = type(evaluator).__name__
    with threads(1):
        try:
            outcomes = list(evaluator.evaluate(subjects, context))
        except Exception as error:
            raise BrokenContractError(
                f"{who}.evaluate raised {first_line(error)}",
                demanded="a candidate that cannot be evaluated is an outcome: the others of its batch go on.",
                change="catch what one candidate raises, and put automl.core.contracts.failure(error) in "
                "its place. An evaluator that has score, and leaves evaluate alone, need not.",
            ) from error
    strange = next((outcome for outcome in outcomes if not isinstance(outcome, Outcome)), None)
    if strange is not None:
        raise BrokenContractError(
            f"{who}.evaluate gave {short(strange)} among its outcomes.",
            demanded="evaluate gives an automl.core.contracts.Outcome for each subject.",
            change="return Outcome.ok({'name': value}) or Outcome.degenerate(reason).",
        )
    if len(outcomes) != len(subjects):
        raise BrokenContractError(
            f"{who}.evaluate gave {len(outcomes)} outcomes for {len(subjects)} subjects.",
            demanded="evaluate gives one outcome for each subject, in their order.",
            change="return one for every subject, the failed and the repeated ones too.",
        )
    return outcomes


def check_same(
    who: str,
    subjects: Sequence[Subject],
    first: Sequence[Outcome],
    second: Sequence[Outcome],
    *,
    when: str,
    change: str,
) -> None:
    """Compare outcomes to the last bit; times and reasons do not count.

    Raises:
        BrokenContractError: some differ; ``when`` says what was done otherwise.
    """
    for subject, one, other in zip(subjects, first, second, strict=True):
        if one.status is not other.status or dict(one.metrics) != dict(other.metrics):
            raise BrokenContractError(
                f"{who} gave {described(one)} for {subject.genotype.json}, and {described(other)} {when}.",
                demanded="a result depends on nothing but the subject, the context's seeds and task, and "
                "the options: else the trials of a run would depend on who computes them, and with what.",
                change=change,
            )


def described(outcome: Outcome) -> str:
    """An outcome as a message shows it."""
    metrics = ", ".join(f"{name} = {value!r}" for name, value in sorted(outcome.metrics.items()))
    return f"{outcome.status.value} ({metrics or outcome.reason})"


def builds_networks(evaluator: Evaluator) -> bool:
    """Whether an evaluator is about networks."""
    return evaluator.view is View.NETWORK
