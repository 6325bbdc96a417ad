"""The search loop as a strategy sees it, without an engine or a store: for the test cases of strategies.

The rules are those of `automl.core.search`: trial *n* is asked for after exactly the results of the trials up
to *n* - window were told, and results are told in the order of their numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from automl.core.contracts import (
    Answer,
    Genotype,
    Outcome,
    Proposal,
    SearchSpace,
    Status,
    Strategy,
    Trial,
    derive_seed,
)
from automl.core.testing.broken import BrokenContractError, first_line, short

Gains = Callable[[int, Genotype], tuple[float, ...] | None]
"""What a trial gains, by its number and genotype; nothing where it fails."""


@dataclass(frozen=True, slots=True)
class Course:
    """How a search went: what was proposed, and whether the strategy was done before the trials were."""

    proposals: tuple[Proposal, ...]
    done: bool


def some_gains(number: int, genotype: Genotype) -> tuple[float, ...]:
    """A number in [0, 1) that looks random and belongs to the genotype."""
    return (derive_seed(0, 0, genotype.json) / 2**63,)


def drive(
    strategy: Strategy,
    *,
    trials: int,
    window: int | None,
    gains: Gains = some_gains,
    strangers: Sequence[int] = (),
) -> Course:
    """Ask and tell, as the loop does.

    Args:
        strategy: a fresh one.
        trials: how many to ask for.
        window: how many may be without a result; nothing: results are never told.
        gains: what each trial gains.
        strangers: the numbers of trials in whose place another candidate is told, as where a run goes on from
            a record that the strategy does not follow.

    Raises:
        BrokenContractError: the strategy breaks its contract.
    """
    who, space = type(strategy).__name__, strategy.space
    proposals: list[Proposal] = []
    pending: list[Trial] = []
    while len(proposals) < trials:
        number = len(proposals)
        while window is not None and len(pending) >= window:
            _tell(strategy, pending.pop(0))
        answer = _ask(strategy, number)
        if answer is Answer.DONE:
            return Course(tuple(proposals), done=True)
        if answer is Answer.WAIT:
            _check_may_wait(who, number, window, pending)
            _tell(strategy, pending.pop(0))
            continue
        check_proposal(who, space, number, answer)
        genotype = space.sample(Random(f"stranger {number}")) if number in strangers else answer.genotype
        proposals.append(answer)
        pending.append(_trial(number, answer, genotype, gains(number, genotype)))
    return Course(tuple(proposals), done=False)


def check_proposal(who: str, space: SearchSpace[Any], number: int, proposal: object) -> None:
    """Hold a proposal to its contract.

    Raises:
        BrokenContractError: it breaks it.
    """
    if not isinstance(proposal, Proposal):
        raise BrokenContractError(
            f"{who}.ask answered {short(proposal)}.",
            demanded="ask answers with a Proposal, Answer.WAIT or Answer.DONE.",
            change="return Proposal(genotype), or Answer.DONE where there is none any more.",
        )
    try:
        space.rebuild(proposal.genotype)
    except Exception as error:
        raise BrokenContractError(
            f"{who} proposed {short(proposal.genotype)} for trial {number}, no candidate of "
            f"{type(space).__name__}: {first_line(error)}",
            demanded="proposals are genotypes of the space.",
            change="make them by space.sample, space.mutate, space.crossover or space.enumerate.",
        ) from error
    parent, fidelity = proposal.parent, proposal.fidelity
    if parent is not None and not (type(parent) is int and 0 <= parent < number):
        raise BrokenContractError(
            f"{who} proposed trial {number} with parent = {parent!r}.",
            demanded="parent is the number of an earlier trial, or None.",
            change="Proposal(…, parent=trial.number), of the trial that tell was given.",
        )
    if fidelity is not None and not (math.isfinite(fidelity) and fidelity > 0):
        raise BrokenContractError(
            f"{who} proposed trial {number} with fidelity = {fidelity!r}.",
            demanded="a fidelity is a positive number, or None.",
            change="leave it out, or give how dear an evaluation is to be.",
        )


def _ask(strategy: Strategy, number: int) -> Proposal | Answer:
    try:
        return strategy.ask()
    except Exception as error:
        raise BrokenContractError(
            f"{type(strategy).__name__}.ask raised {first_line(error)}, for trial {number}.",
            demanded="ask answers with a Proposal, Answer.WAIT or Answer.DONE, whatever was told.",
            change="what the first line says.",
        ) from error


def _tell(strategy: Strategy, trial: Trial) -> None:
    try:
        strategy.tell(trial)
    except Exception as error:
        what = "a failure" if trial.gains is None else f"gains {trial.gains}"
        raise BrokenContractError(
            f"{type(strategy).__name__}.tell raised {first_line(error)}, told trial {trial.number} ({what}).",
            demanded="tell takes every trial: failures (their gains are None), and trials that another "
            "strategy proposed.",
            change="rank a trial without gains below all others, and keep nothing by what was proposed.",
        ) from error


def _check_may_wait(who: str, number: int, window: int | None, pending: Sequence[Trial]) -> None:
    if window is None:
        raise BrokenContractError(
            f"{who} answered WAIT before trial {number}, and says that it does not learn.",
            demanded="a strategy with learns = False is never told a result: there is nothing to wait for.",
            change="propose, answer Answer.DONE, or leave learns = True.",
        )
    if not pending:
        raise BrokenContractError(
            f"{who} answered WAIT before trial {number}, when it had been told every result.",
            demanded="WAIT is for the next result: where none is outstanding, the search would stand still.",
            change="propose something, or answer Answer.DONE.",
        )


def _trial(number: int, proposal: Proposal, genotype: Genotype, gains: tuple[float, ...] | None) -> Trial:
    outcome = (
        Outcome.failed(Status.INVALID, "a failure of the test kit's making")
        if gains is None
        else Outcome.ok({f"metric_{index}": gain for index, gain in enumerate(gains)})
    )
    return Trial(
        number,
        genotype,
        outcome,
        gains,
        stage=proposal.stage,
        parent=proposal.parent,
        fidelity=proposal.fidelity,
    )
