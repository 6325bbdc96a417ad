"""The workbench: a space, a task and evaluators, made from settings, that turn genotypes into outcomes.

Every process that evaluates has one: the driver, a child process, a worker on another machine. It gives the
same outcomes in all of them.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
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
    View,
    failure,
)
from automl.core.engine.context import EngineContext
from automl.core.engine.threads import FixedThreads
from automl.core.engine.work import Evaluation, Work
from automl.core.errors import EvaluatorError, MissingViewError, OptionError, UnknownNameError, UsageError
from automl.core.registry import Registry
from automl.core.settings import Settings

_OF_TORCH = frozenset({View.NETWORK, View.LAYER})
"""The views that are made of torch's modules."""

_SHOWN = 80
"""How much of a strange value a message shows, in characters."""


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
        EvaluatorError: an evaluator does not declare its metrics.
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
        device = _checked_device(settings.device)
        self._contexts = [
            EngineContext(
                space=self.space,
                task=self.task,
                run_seed=settings.seed,
                size=evaluator.size,
                device=device,
                resolve=registry.make,
            )
            for evaluator in self.evaluators
        ]
        self._host = socket.gethostname()
        self._fixed_threads = FixedThreads(settings.threads)

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

    def warm_up(self) -> None:
        """Load what evaluations need, so that the first of them is not charged for it."""
        if not any(evaluator.view in _OF_TORCH for evaluator in self.evaluators):
            return
        with self._fixed_threads():
            import torch

            torch.empty(0, device=self.settings.device)
            for context in self._contexts:
                with suppress(Exception):  # whoever needs the data says what is wrong with them
                    context.task.batch(1, 0)

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
        with self._fixed_threads():
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
            given: Any = evaluator.evaluate(subjects, context)
            outcomes = list(given) if isinstance(given, Iterable) else None
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything: the search goes on
            failed = _failure(error, perf_counter() - start)
            if len(subjects) == 1:
                return [_checked_outcome(evaluator, failed, failed.seconds)]
            # One of them did it. Alone, each has the outcome it would have had anyway.
            return [self._evaluate(evaluator, context, [subject])[0] for subject in subjects]
        share = (perf_counter() - start) / len(subjects)
        strange = [outcome for outcome in outcomes or () if not isinstance(outcome, Outcome)]
        if outcomes is None or strange:
            raise EvaluatorError(
                f"proxy {evaluator.name!r} gave {_short(strange[0] if strange else given)}: evaluate returns "
                "a list of outcomes, such as [Outcome.ok({name: value}), …]."
            )
        if len(outcomes) != len(subjects):
            raise EvaluatorError(
                f"proxy {evaluator.name!r} gave {len(outcomes)} outcomes for {len(subjects)} candidates: "
                "evaluate returns one for each, in their order."
            )
        return [_checked_outcome(evaluator, outcome, share) for outcome in outcomes]

    def _merge(self, outcomes: Sequence[Outcome]) -> Outcome:
        """The outcomes of all evaluators as one: it is ``ok`` if those that give the objectives are.

        What an evaluator that failed says in numbers is no score: it never stands beside an ``ok``.
        """
        if len(outcomes) == 1:
            return outcomes[0]
        failed = [
            (evaluator, outcome)
            for evaluator, outcome in zip(self.evaluators, outcomes, strict=True)
            if outcome.status is not Status.OK
        ]
        needed = {objective.metric for objective in self.objectives}
        decisive = [
            outcome for evaluator, outcome in failed if needed & {metric.name for metric in evaluator.metrics}
        ]
        status = decisive[0].status if decisive else Status.OK
        counted = [o for o in outcomes if status is not Status.OK or o.status is Status.OK]
        metrics = {name: value for outcome in counted for name, value in outcome.metrics.items()}
        reason = "; ".join(f"{evaluator.name}: {outcome.reason}" for evaluator, outcome in failed)
        return Outcome(status, metrics, reason, sum(outcome.seconds for outcome in outcomes))

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
        owners: dict[str, Evaluator] = {}
        metrics: list[Metric] = []
        for evaluator in self.evaluators:
            for metric in _metrics_of(evaluator):
                if (owner := owners.get(metric.name)) is evaluator:
                    raise EvaluatorError(
                        f"proxy {evaluator.name!r} declares the metric {metric.name!r} twice."
                    )
                if owner is not None:
                    raise UsageError(
                        f"proxies {owner.name!r} and {evaluator.name!r} both give the metric "
                        f"{metric.name!r}: use one of them."
                    )
                owners[metric.name] = evaluator
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


def _metrics_of(evaluator: Evaluator) -> Sequence[Metric]:
    declared: Any = getattr(evaluator, "metrics", ())
    if isinstance(declared, tuple | list) and declared and all(isinstance(m, Metric) for m in declared):
        return declared
    what = f"declares the metrics {declared!r}" if declared else "declares no metrics"
    name = evaluator.name.replace("-", "_")
    raise EvaluatorError(
        f"proxy {evaluator.name!r} {what}: expected a tuple, such as metrics = (Metric({name!r}),)."
    )


def _failure(error: Exception | SystemExit, seconds: float) -> Outcome:
    """What an evaluator's exception stands for: trying to end the process is no more than a failure."""
    if isinstance(error, SystemExit):
        reason = f"SystemExit: it tried to end the process, with {error.code!r}"
        return Outcome.failed(Status.INVALID, reason, seconds=seconds)
    return failure(error, seconds=seconds)


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
    # A number of numpy's or torch's, or a reason of many lines, is good here and not in another process.
    metrics = {name: float(value) for name, value in outcome.metrics.items()}
    reason = " ".join(outcome.reason.splitlines()).encode(errors="replace").decode()
    return Outcome(outcome.status, metrics, reason, float(outcome.seconds) or share)


def _checked_device(name: str) -> str:
    if name == "cpu":
        return name
    import torch

    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise OptionError(
            f"device {name!r} cannot be used: {lines[0].rstrip('.')}.",
            hint="See what there is with: automl doctor",
        ) from error
    return name


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
