"""Evaluators that misbehave, one way each; referred to as ``f"{odd.__file__}:Class"``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from automl.core.contracts import (
    DegenerateScoreError,
    EvaluationContext,
    Evaluator,
    Metric,
    Options,
    Outcome,
    Status,
    Subject,
    View,
)
from automl.core.errors import DataError


class Length(Evaluator):
    """Behaves: the length of a word, and a number of the candidate's own."""

    name = "length"
    view = None
    metrics = (Metric("length"), Metric("own"))

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        return {
            "length": len(subject.candidate),
            "own": context.own_seed(subject, "own") / 3,
        }


class Picky(Evaluator):
    """Has no score for words with a b."""

    name = "picky"
    view = None
    metrics = (Metric("picky"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        if "b" in subject.candidate:
            raise DegenerateScoreError("there is a b")
        return {"picky": 1.0}


class Batched(Evaluator):
    """Raises for a whole batch because of one word in it."""

    name = "batched"
    view = None
    metrics = (Metric("batched"),)

    def evaluate(self, subjects: Sequence[Subject], context: EvaluationContext) -> Sequence[Outcome]:
        if any(subject.candidate == "bb" for subject in subjects):
            raise RuntimeError("bb spoils \udce4 everything\nsecond line")
        return [Outcome.ok({"batched": len(subject.candidate)}) for subject in subjects]


class TooFew(Evaluator):
    """Gives one outcome, whatever it is asked."""

    name = "too-few"
    view = None
    metrics = (Metric("x"),)

    def evaluate(self, subjects: Sequence[Subject], context: EvaluationContext) -> Sequence[Outcome]:
        return [Outcome.ok({"x": 1.0})]


class Undeclared(Evaluator):
    """Gives a metric that it does not declare."""

    name = "undeclared"
    view = None
    metrics = (Metric("x"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        return {"x": 1.0, "y": 2.0}


class Missing(Evaluator):
    """Does not give a metric that it declares."""

    name = "missing"
    view = None
    metrics = (Metric("x"), Metric("y"))

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        return {"x": 1.0}


class NoMetrics(Evaluator):
    """Declares nothing."""

    name = "no-metrics"
    view = None

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        return {}


class NotANumber(Evaluator):
    """Gives a NaN."""

    name = "not-a-number"
    view = None
    metrics = (Metric("x"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        return {"x": float("nan")}


class Greedy(Evaluator):
    """Runs out of memory."""

    name = "greedy"
    view = None
    metrics = (Metric("x"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        raise MemoryError


class TornData(Evaluator):
    """Meets a torn data set, which is none of the candidate's doing."""

    name = "torn-data"
    view = None
    metrics = (Metric("x"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        raise DataError("image 7 is torn.", hint="Mend it.")


class Quits(Evaluator):
    """Tries to end the process, as a script would."""

    name = "quits"
    view = None
    metrics = (Metric("x"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        sys.exit("usage: quits [-h]")


class Interrupting(Length):
    """Is interrupted at the word ``a``, and catches every `Exception`."""

    name = "interrupting"

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        try:
            if subject.candidate == "a":
                signal.raise_signal(signal.SIGINT)
        except Exception as error:
            raise AssertionError("a plugin swallowed the interrupt") from error
        return super().score(subject, context)


class Misnamed(Length):
    """Declares names instead of metrics."""

    name = "misnamed"
    view = None
    metrics = ("x",)  # type: ignore[assignment]  # as a plugin without annotations may have it


class Twice(Length):
    """Declares one metric twice."""

    name = "twice"
    view = None
    metrics = (Metric("x"), Metric("x"))


class GivesOptions(Options):
    """Options of `Gives`."""

    what: str = "none"


class Gives(Evaluator):
    """Gives something else than a list of outcomes."""

    name = "gives"
    view = None
    metrics = (Metric("x"),)
    Options = GivesOptions
    options: GivesOptions

    def evaluate(self, subjects: Sequence[Subject], context: EvaluationContext) -> Any:
        good = Outcome.ok({"x": 1.0})
        return {
            "none": None,
            "one": good,
            "text": "good",
            "table": {"x": 1.0},
            "numbers": [1.0 for _ in subjects],
            "generator": (good for _ in subjects),
        }[self.options.what]


class Rough(Evaluator):
    """Gives outcomes that are good in this process, and could not travel to another."""

    name = "rough"
    view = None
    metrics = (Metric("x"),)

    def evaluate(self, subjects: Sequence[Subject], context: EvaluationContext) -> Sequence[Outcome]:
        from numpy import float32

        number: Any = float32(0.1)
        reason = "first line\nsecond \ud800 line"
        return [
            Outcome(Status.OK, {"x": number})
            if "a" in subject.candidate
            else Outcome.degenerate(reason, {"x": number})
            for subject in subjects
        ]


class SaysNan(Evaluator):
    """Gives a NaN as a success, past all that `Evaluator.score` checks."""

    name = "says-nan"
    view = None
    metrics = (Metric("x"),)

    def evaluate(self, subjects: Sequence[Subject], context: EvaluationContext) -> Sequence[Outcome]:
        return [Outcome.ok({"x": float("nan") if subject.candidate == "bb" else 1.0}) for subject in subjects]


class Singular(Evaluator):
    """Has numbers that are no score."""

    name = "singular"
    view = None
    metrics = (Metric("score"), Metric("condition"))

    def evaluate(self, subjects: Sequence[Subject], context: EvaluationContext) -> Sequence[Outcome]:
        return [Outcome.degenerate("singular", {"score": 1e30, "condition": 2.0}) for _ in subjects]


class Programs(Evaluator):
    """Needs a view that few spaces have."""

    name = "programs"
    view = View.PROGRAM
    metrics = (Metric("x"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        return {"x": context.space.program(subject.candidate)(1.0)}
