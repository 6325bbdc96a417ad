"""Small things to plug in, for tests of the command line: referred to as ``f"{parts.__file__}:Class"``."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from automl.core.contracts import (
    Choices,
    DegenerateScoreError,
    Direction,
    EvaluationContext,
    Evaluator,
    Genotype,
    Metric,
    Options,
    SearchSpace,
    Subject,
    View,
)
from automl.core.errors import ParseError

OPERATIONS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]


class CellOptions(Options):
    """Options of `Cell`."""

    nodes: int = 3


class Cell(SearchSpace[tuple[str, ...]]):
    """Cells whose text is as long as NAS-Bench-201's."""

    name = "cell"
    Options = CellOptions
    options: CellOptions

    def define(self, choose: Choices) -> tuple[str, ...]:
        edges = self.options.nodes * (self.options.nodes + 1) // 2
        return tuple(choose.one_of(f"edge_{i}", OPERATIONS) for i in range(edges))

    def render(self, candidate: tuple[str, ...]) -> str:
        first, second, third, *rest = (f"{operation}~{i % 3}" for i, operation in enumerate(candidate))
        return f"|{first}|+|{second}|{third}|+|{'|'.join(rest)}|"

    def parse(self, text: str) -> Genotype:
        operations = re.findall(r"(\w+)~", text)
        if not operations:
            raise ParseError(f"cell {text!r}: expected operations with their inputs.")
        return Genotype({f"edge_{i}": operation for i, operation in enumerate(operations)})


class ConvolutionsOptions(Options):
    """Options of `Convolutions`."""

    weight: int = 1
    pause: float = 0.0


class Convolutions(Evaluator):
    """Counts what is in a cell; after a pause, if one is asked for."""

    name = "convolutions"
    view = None
    Options = ConvolutionsOptions
    options: ConvolutionsOptions
    metrics = (
        Metric("convolutions", Direction.MAX, "", "convolutions, the larger ones counted twice"),
        Metric("long_name_of_a_metric", Direction.MIN, "%"),
        Metric("share_of_operations", Direction.MAX, "%"),
        Metric("yet_another_metric", Direction.MIN, "s"),
    )

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        time.sleep(self.options.pause)
        count = sum(("1x1" in o) + 2 * ("3x3" in o and "conv" in o) for o in subject.candidate)
        share = len(set(subject.candidate)) / len(subject.candidate)
        return {
            "convolutions": self.options.weight * count + share,
            "long_name_of_a_metric": 100 * share,
            "share_of_operations": share,
            "yet_another_metric": count / 7,
        }


class Never(Evaluator):
    """Has no score for anything."""

    name = "never"
    view = None
    metrics = (Metric("never"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        raise DegenerateScoreError("the kernel is singular")


class Layered(Evaluator):
    """Needs what `Cell` does not offer."""

    name = "layered"
    view = View.LAYER
    metrics = (Metric("layered"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        return {"layered": float(len(context.space.layer(subject.candidate)))}


class Reading(Evaluator):
    """Reads another batch of the task for each candidate."""

    name = "reading"
    view = None
    metrics = (Metric("mean"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        batch = context.task.batch(4, seed=context.own_seed(subject, "batch"))
        return {"mean": float(batch.inputs.mean())}


class Wrong(Evaluator):
    """Does not do what it says."""

    name = "wrong"
    view = None
    metrics = (Metric("promised"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        return {"given": 1.0}
