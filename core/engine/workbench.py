"""The workbench: a space, a task and evaluators, made from settings, that turn genotypes into outcomes.

Every process that evaluates has one: the driver, a child process, a worker on another machine. It gives the
same outcomes in all of them.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from automl.core.contracts import (
    Direction,
    Equality,
    Evaluator,
    Metric,
    Objective,
    Outcome,
    SearchSpace,
    Status,
    Subject,
    Task,
    failure,
)
from automl.core.engine.context import EngineContext
from automl.core.engine.work import Evaluation, Work
from automl.core.errors import EvaluatorError, MissingViewError, OptionError, UnknownNameError, UsageError
from automl.core.registry import Registry
from automl.core.settings import Settings


class Workbench:
    """Evaluates genotypes by all of a run's evaluators.

    Attributes:
        space, task, evaluators: made from the settings.
        metrics: all that the evaluators declare, in their order.
        objectives: those of the metrics that the search is about, the first one first.
        by_form: whether an evaluator tells candidates apart that compute the same function.

    Raises (from making it):
        UsageError: a name, an option, an objective or the device does not exist, or an evaluator needs a
            view that the space lacks.
    """

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self.settings = settings
        self.space: SearchSpace[Any] = registry.make(
            "space", settings.space["name"], settings.options_of("space")
        )
        self.evaluators: tuple[Evaluator, ...] = tuple(
            registry.make("evaluator", name, options) for name, options in settings.proxy.items()
        )
        self._check_views(registry)
        self.task: Task = registry.make("task", settings.task["name"], settings.options_of("task"))
        self.metrics = self._declared()
        self.objectives = self._chosen()
        self.by_form = any(evaluator.equality is Equality.FORM for evaluator in self.evaluators)
        self._contexts = [
            EngineContext(
                space=self.space,
                task=self.task,
                run_seed=settings.seed,
                size=evaluator.size,
                device=_checked_device(settings.device),
                resolve=registry.make,
            )
            for evaluator in self.evaluators
        ]
        self._host = socket.gethostname()
        if "torch" not in sys.modules:  # torch reads it once, when it is imported
            os.environ.setdefault("OMP_NUM_THREADS", str(settings.threads))

    def resolved_settings(self) -> Settings:
        """The settings with every option's value written out."""
        tables = {
            "space": {"name": self.settings.space["name"], **_dump(self.space)},
            "task": {"name": self.settings.task["name"], **_dump(self.task)},
            "proxy": {
                name: _dump(evaluator)
                for name, evaluator in zip(self.settings.proxy, self.evaluators, strict=True)
            },
            "objective": tuple(str(objective) for objective in self.objectives),
        }
        return self.settings.model_copy(update=tables)

    def evaluate(self, works: Sequence[Work]) -> list[Evaluation]:
        """One evaluation for each of ``works``, in their order. No exception of an evaluator's escapes.

        Raises:
            EvaluatorError: an evaluator breaks its contract; the message names it.
        """
        started = datetime.now(UTC)
        subjects = [
            Subject(
                work.genotype,
                self.space.rebuild(work.genotype) if work.candidate is None else work.candidate,
                work.repeat,
            )
            for work in works
        ]
        with _threads(self.settings.threads):
            by_evaluator = [
                self._evaluate(evaluator, context, subjects)
                for evaluator, context in zip(self.evaluators, self._contexts, strict=True)
            ]
        return [
            Evaluation(work.number, self._merge(outcomes), started, self._host, self.settings.device)
            for work, *outcomes in zip(works, *by_evaluator, strict=True)
        ]

    def _evaluate(
        self, evaluator: Evaluator, context: EngineContext, subjects: Sequence[Subject]
    ) -> list[Outcome]:
        start = perf_counter()
        try:
            outcomes = list(evaluator.evaluate(subjects, context))
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything: the search goes on
            if len(subjects) == 1:
                return [failure(error, seconds=perf_counter() - start)]
            # One of them did it. Alone, each has the outcome it would have had anyway.
            return [self._evaluate(evaluator, context, [subject])[0] for subject in subjects]
        share = (perf_counter() - start) / len(subjects)
        if len(outcomes) != len(subjects):
            raise EvaluatorError(
                f"proxy {evaluator.name!r} gave {len(outcomes)} outcomes for {len(subjects)} candidates: "
                "evaluate returns one for each, in their order."
            )
        return [_checked_outcome(evaluator, outcome, share) for outcome in outcomes]

    def _merge(self, outcomes: Sequence[Outcome]) -> Outcome:
        """The outcomes of all evaluators as one: it is ``ok`` if every objective has a value."""
        if len(outcomes) == 1:
            return outcomes[0]
        metrics = {name: value for outcome in outcomes for name, value in outcome.metrics.items()}
        seconds = sum(outcome.seconds for outcome in outcomes)
        failed = [
            (evaluator, outcome)
            for evaluator, outcome in zip(self.evaluators, outcomes, strict=True)
            if outcome.status is not Status.OK
        ]
        reason = "; ".join(f"{evaluator.name}: {outcome.reason}" for evaluator, outcome in failed)
        if all(objective.metric in metrics for objective in self.objectives):
            return Outcome(Status.OK, metrics, reason, seconds)
        return Outcome(failed[0][1].status, metrics, reason, seconds)

    def _check_views(self, registry: Registry) -> None:
        offered = self.space.views()
        for evaluator in self.evaluators:
            if evaluator.view is not None and evaluator.view not in offered:
                fitting = [
                    name
                    for name in registry.names("evaluator")
                    if (view := registry.find("evaluator", name).view) is None or view in offered
                ]
                raise MissingViewError(
                    f"proxy {evaluator.name!r} needs the {evaluator.view.value!r} view of a candidate, and "
                    f"search space {self.space.name!r} has "
                    f"{', '.join(repr(view.value) for view in sorted(offered)) or 'none'}.",
                    hint=f"Proxies that fit it: {', '.join(fitting) or 'none'}.",
                )

    def _declared(self) -> tuple[Metric, ...]:
        owners: dict[str, str] = {}
        metrics: list[Metric] = []
        for evaluator in self.evaluators:
            if not getattr(evaluator, "metrics", ()):
                raise EvaluatorError(
                    f"proxy {evaluator.name!r} declares no metrics: expected a tuple, such as "
                    f"metrics = (Metric({evaluator.name!r}),)."
                )
            for metric in evaluator.metrics:
                if metric.name in owners:
                    raise UsageError(
                        f"proxies {owners[metric.name]!r} and {evaluator.name!r} both give the metric "
                        f"{metric.name!r}: use one of them."
                    )
                owners[metric.name] = evaluator.name
                metrics.append(metric)
        return tuple(metrics)

    def _chosen(self) -> tuple[Objective, ...]:
        texts = self.settings.objective or (self.metrics[0].name,)
        known = {metric.name: metric for metric in self.metrics}
        objectives: dict[str, Objective] = {}
        for text in texts:
            name, _, direction = text.partition(":")
            if name not in known:
                raise UnknownNameError("metric", name, known, hint="Give one as --objective NAME[:max|:min].")
            if direction not in ("", "max", "min"):
                raise OptionError(f"objective {text!r}: expected {name}:max or {name}:min.")
            if name in objectives:
                raise OptionError(f"objective {name!r} is given twice.")
            objectives[name] = Objective(name, Direction(direction or known[name].direction))
        return tuple(objectives.values())


def _dump(part: Any) -> dict[str, Any]:
    return dict(part.options.model_dump(mode="json"))


def _checked_outcome(evaluator: Evaluator, outcome: Outcome, share: float) -> Outcome:
    declared = {metric.name for metric in evaluator.metrics}
    undeclared = set(outcome.metrics) - declared
    missing = declared - set(outcome.metrics) if outcome.status is Status.OK else set()
    if undeclared or missing:
        what = f"gave {min(undeclared)!r}" if undeclared else f"did not give {min(missing)!r}"
        raise EvaluatorError(
            f"proxy {evaluator.name!r} {what}, and its metrics are {', '.join(sorted(declared))}: it has to "
            "give all that it declares, and nothing else."
        )
    if outcome.seconds:
        return outcome
    return Outcome(outcome.status, outcome.metrics, outcome.reason, share)


def _checked_device(name: str) -> str:
    if name == "cpu":
        return name
    import torch

    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise OptionError(
            f"device {name!r} cannot be used: {reason}.", hint="See what there is with: automl doctor"
        ) from error
    return name


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Evaluate with a fixed number of threads, whatever the process is set to: it changes the last bits."""
    if "torch" not in sys.modules:
        yield
        return
    import torch

    before = torch.get_num_threads()
    if before == count:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
