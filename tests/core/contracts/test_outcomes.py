"""Outcomes, metrics, and how an evaluation's errors become outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from automl.core.contracts import (
    DegenerateScoreError,
    Direction,
    EvaluationContext,
    Evaluator,
    Genotype,
    InvalidCandidateError,
    Metric,
    NetworkSize,
    Objective,
    Outcome,
    Status,
    Subject,
    failure,
)
from automl.core.engine import EngineContext
from automl.testing import ConvSpace, NoiseTask

SUBJECT = Subject(Genotype({"a": 1}), "candidate")
NAN, INFINITY = float("nan"), float("inf")


class OutOfMemoryError(RuntimeError):
    """Named as torch's is."""


class Given(Evaluator):
    """Gives what it was made with, or raises it."""

    name = "given"
    view = None
    metrics = (Metric("one"), Metric("two"))

    def __init__(self, what: Any) -> None:
        super().__init__()
        self.what = what

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        if isinstance(self.what, Exception):
            raise self.what
        scores: Mapping[str, float] = self.what
        return scores


def evaluated(what: Any) -> Outcome:
    context = EngineContext(space=ConvSpace(), task=NoiseTask(), run_seed=0, size=NetworkSize.FULL)
    [outcome] = Given(what).evaluate([SUBJECT], context)
    return outcome


# -- outcomes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [NAN, INFINITY, -INFINITY])
@pytest.mark.parametrize("status", [Status.OK, Status.DEGENERATE])
def test_no_outcome_has_a_metric_that_is_no_number(status: Status, value: float) -> None:
    with pytest.raises(ValueError, match=r"metric 'one' is .*: return Outcome\.degenerate"):
        Outcome(status, {"one": value}, "because")


def test_a_success_has_metrics() -> None:
    with pytest.raises(ValueError, match="'ok' needs metrics"):
        Outcome.ok({})


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.OK])
def test_a_failure_has_a_reason(status: Status) -> None:
    with pytest.raises(ValueError, match=f"'{status.value}' needs a reason"):
        Outcome.failed(status, "")
    assert Outcome.failed(status, "because").reason == "because"


def test_metrics_become_plain_floats() -> None:
    import torch

    outcome = Outcome.ok({"one": torch.tensor(1.5), "two": 2}, seconds=3.0)  # type: ignore[dict-item]  # as may be
    assert outcome == Outcome(Status.OK, {"one": 1.5, "two": 2.0}, "", 3.0)
    assert {type(value) for value in outcome.metrics.values()} == {float}


# -- what an evaluation raises ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (DegenerateScoreError("singular"), Status.DEGENERATE, "singular"),
        (InvalidCandidateError("no path"), Status.INVALID, "no path"),
        (ValueError("first\nsecond"), Status.INVALID, "ValueError: first"),
        (KeyError(), Status.INVALID, "KeyError: no message"),
        (MemoryError("big"), Status.OUT_OF_MEMORY, "MemoryError: big"),
        (OutOfMemoryError("CUDA"), Status.OUT_OF_MEMORY, "OutOfMemoryError: CUDA"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory"),
            Status.OUT_OF_MEMORY,
            "RuntimeError: DefaultCPUAllocator: can't allocate memory",
        ),
    ],
)
def test_what_is_raised_becomes_an_outcome(error: Exception, status: Status, reason: str) -> None:
    assert failure(error, seconds=2.0) == Outcome(status, {}, reason, 2.0)
    outcome = evaluated(error)
    assert (outcome.status, outcome.reason) == (status, reason)
    assert outcome.seconds >= 0


def test_a_score_is_a_success() -> None:
    outcome = evaluated({"one": 1, "two": 2.5})
    assert (outcome.status, dict(outcome.metrics)) == (Status.OK, {"one": 1.0, "two": 2.5})
    assert outcome.seconds > 0


@pytest.mark.parametrize("value", [NAN, INFINITY, -INFINITY])
def test_a_score_that_is_no_number_is_degenerate(value: float) -> None:
    outcome = evaluated({"one": 1.0, "two": value})
    assert (outcome.status, outcome.reason) == (Status.DEGENERATE, f"two is {value!r}")
    assert not outcome.metrics


def test_a_score_that_cannot_be_a_number_is_invalid() -> None:
    assert evaluated({"one": "high"}).status is Status.INVALID
    assert evaluated(None).status is Status.INVALID


def test_an_evaluator_without_a_score_says_so() -> None:
    class Nothing(Evaluator):
        name = "nothing"

    context = EngineContext(space=ConvSpace(), task=NoiseTask(), run_seed=0)
    [outcome] = Nothing().evaluate([SUBJECT], context)
    assert outcome.reason == "NotImplementedError: evaluator 'nothing' implements neither score nor evaluate"


# -- metrics ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "Accuracy", "a b", "1st", "metric.a", "a-b"])
def test_a_metric_has_a_name_that_can_be_a_column(name: str) -> None:
    with pytest.raises(ValueError, match="expected lower-case letters, digits and '_'"):
        Metric(name)


def test_a_direction_may_be_given_as_text() -> None:
    assert Metric("loss", "min").direction is Direction.MIN  # type: ignore[arg-type]  # text will do
    with pytest.raises(ValueError, match="'up'"):
        Metric("loss", "up")  # type: ignore[arg-type]  # that is the fault


def test_gains_are_better_when_more() -> None:
    assert Objective("a", Direction.MAX).gain(2.0) == 2.0
    assert Objective("a", Direction.MIN).gain(2.0) == -2.0
    assert str(Objective("a", Direction.MIN)) == "a:min"
