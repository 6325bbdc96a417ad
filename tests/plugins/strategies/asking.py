"""Asking strategies, for their tests."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from automl.core.contracts import (
    Answer,
    Direction,
    Genotype,
    Objective,
    Outcome,
    Proposal,
    SearchSpace,
    Status,
    Strategy,
    Trial,
)

OBJECTIVES: Sequence[Objective] = (Objective("score", Direction.MAX),)


def make(kind: type[Strategy], space: SearchSpace[Any], seed: int = 0, **options: Any) -> Any:
    return kind(space, OBJECTIVES, Random(seed), kind.Options.model_validate(options))


def proposed(strategy: Strategy) -> Proposal:
    """The next proposal, where there has to be one."""
    answer = strategy.ask()
    assert isinstance(answer, Proposal)
    return answer


def until_done(strategy: Strategy, most: int = 100_000) -> list[Genotype]:
    """All that is proposed before it is done."""
    genotypes: list[Genotype] = []
    for _ in range(most):
        answer = strategy.ask()
        if answer is Answer.DONE:
            return genotypes
        assert isinstance(answer, Proposal)
        genotypes.append(answer.genotype)
    raise AssertionError(f"not done after {most} proposals")


def trial(number: int, genotype: Genotype, *gains: float) -> Trial:
    """A finished trial; a failed one, where it gains nothing."""
    if not gains:
        return Trial(number, genotype, Outcome.failed(Status.INVALID, "on purpose"), None)
    return Trial(number, genotype, Outcome.ok({"score": gains[0]}), gains)
