"""Evaluators that misbehave, one way each; referred to as ``f"{odd.__file__}:Class"``."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from automl.core.contracts import (
    DegenerateScoreError,
    EvaluationContext,
    Evaluator,
    Metric,
    Options,
    Outcome,
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
            raise RuntimeError("bb spoils everything\nsecond line")
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


class Programs(Evaluator):
    """Needs a view that few spaces have."""

    name = "programs"
    view = View.PROGRAM
    metrics = (Metric("x"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        return {"x": context.space.program(subject.candidate)(1.0)}


class Threads(Evaluator):
    """Tells with how many threads it runs."""

    name = "threads"
    view = None
    metrics = (Metric("threads"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        import torch

        return {"threads": torch.get_num_threads()}


class FatalOptions(Options):
    """Options of `Fatal`."""

    deaths: str = ""
    """A file that counts the deaths; with it, only the first candidate to come dies, and only once."""


class Fatal(Evaluator):
    """Ends or hangs its process, in a way that the first letter says; prints on top."""

    name = "fatal"
    view = None
    metrics = (Metric("fatal"),)
    Options = FatalOptions
    options: FatalOptions

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        sys.stdout.write("this is no JSON\n")
        sys.stdout.flush()
        word = subject.candidate
        if self.options.deaths:
            deaths = Path(self.options.deaths)
            if deaths.exists():
                return {"fatal": 1.0}
            deaths.touch()
        if word == "a":
            os._exit(3)
        if word == "b":
            os.kill(os.getpid(), signal.SIGSEGV)
        if word == "c":
            time.sleep(3600)
        return {"fatal": float(len(word))}
