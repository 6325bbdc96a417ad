"""The loop: propose → recognise → evaluate → record → learn.

What makes a run replayable is decided here, by trial numbers and never by time: when a strategy is told what
(the window), which of two equal candidates is evaluated and which takes its outcome, and what is taken from
the record of a run that is resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import Any, TypeVar

from automl.core.contracts import (
    Answer,
    Objective,
    Outcome,
    Proposal,
    SearchSpace,
    Source,
    Status,
    Strategy,
    Trial,
    derive_seed,
)
from automl.core.engine import Engine, Evaluation, Work
from automl.core.errors import AutomlError, ChoiceError, ReplayError, StrategyError
from automl.core.interrupt import Interrupt, Interrupted
from automl.core.store import Row, RunWriter

T = TypeVar("T")

DEBUG_HINT = "Repeat the command with --debug to see where."


class Ended(StrEnum):
    """Why a search ended."""

    TRIALS = "all trials done"
    TIME = "time is up"
    EXHAUSTED = "nothing left to propose"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the loop goes by.

    Attributes:
        trials: how many to propose in all.
        seed: the run's seed.
        window: trial *n* is proposed after exactly the results of 0 … n - window were told; nothing for a
            strategy that does not learn.
        reuse: whether a candidate equal to an earlier one takes its outcome.
        by_form: whether only candidates written alike are equal.
        max_seconds: when to stop proposing.
        adopt: where the strategy proposes something else than the record, go on from the record.
    """

    trials: int
    seed: int
    window: int | None
    reuse: bool = True
    by_form: bool = False
    max_seconds: float | None = None
    adopt: bool = False


@dataclass(slots=True)
class _Asked:
    """A trial between its proposal and its outcome."""

    number: int
    proposal: Proposal
    candidate: Any
    text: str
    key: str
    told: int
    repeat: int


@dataclass(slots=True)
class _Equals:
    """The trials of one key: the first one's outcome, once it is there, and who waits for it."""

    first: int
    evaluations: int = 0
    outcome: Evaluation | None = None
    waiting: list[_Asked] = field(default_factory=list)


class Search:
    """One search: a strategy, an engine and a run's writer, brought together.

    Args:
        rules: what to go by.
        space, strategy, objectives: what is searched, how, and for what.
        engine: where evaluations run.
        writer: where trials are kept.
        evaluators: their names, for the record.
        record: rows of earlier trials, by number, if the run is resumed.
        interrupt: whether to stop.
        watch: called with every row that is recorded.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        space: SearchSpace[Any],
        strategy: Strategy,
        objectives: tuple[Objective, ...],
        engine: Engine,
        writer: RunWriter,
        evaluators: tuple[str, ...],
        record: Mapping[int, Row],
        interrupt: Interrupt,
        watch: Callable[[Row], None],
    ) -> None:
        self._rules, self._space, self._strategy = rules, space, strategy
        self._objectives, self._engine, self._writer = objectives, engine, writer
        self._evaluators, self._record = evaluators, record
        self._interrupt, self._watch = interrupt, watch
        self._asked: dict[int, _Asked] = {}
        self._equals: dict[str, _Equals] = {}
        self._finished: dict[int, Trial] = {}
        """Results that the strategy has not been told: they wait for those before them."""
        self._number = 0
        self._told = 0
        self._waiting = False
        """The strategy answered *wait*, and has been told nothing since."""
        self._exhausted = False
        self._deadline = monotonic() + rules.max_seconds if rules.max_seconds is not None else None
        self.adopted: int | None = None
        """The first trial at which the record was followed instead of the strategy."""

    def run(self) -> Ended:
        """Search until there is nothing left to do, and say why it ended.

        Raises:
            ReplayError: a resumed strategy proposes something else than the record says.
            StrategyError: the strategy breaks its contract.
            StoreWriteError, LeaseLostError: a trial could not be kept.
        """
        try:
            while True:
                while (stop := self._stop()) is None and self._engine.room() > 0 and self._propose():
                    pass
                if not self._asked:
                    if stop is not None:
                        return stop
                    if self._waiting:
                        raise StrategyError(
                            f"strategy {self._strategy.name!r} waits before trial {self._number}, and every "
                            "result has been told: it may only wait while something is outstanding."
                        )
                    continue
                with self._interrupt.breaks():
                    evaluations = self._engine.collect()
                for evaluation in evaluations:
                    self._evaluated(evaluation)
                self._writer.poll()
        except Interrupted:
            return Ended.INTERRUPTED

    def _stop(self) -> Ended | None:
        """Why nothing more is proposed, if so."""
        if self._interrupt.requested:
            return Ended.INTERRUPTED
        if self._number >= self._rules.trials:
            return Ended.TRIALS
        if self._exhausted:
            return Ended.EXHAUSTED
        if self._deadline is not None and monotonic() >= self._deadline and self._number not in self._record:
            return Ended.TIME
        return None

    # -- propose -------------------------------------------------------------------------------------

    def _propose(self) -> bool:
        """Ask for the next trial and set it going. Whether there was one."""
        answer = self._ask()
        if answer is None:
            return False
        self._start(self._asked_for(answer))
        self._number += 1
        return True

    def _ask(self) -> Proposal | None:
        """The strategy's next proposal, once it has been told exactly what the window demands."""
        while True:
            if self._waiting or (self._rules.window and self._told <= self._number - self._rules.window):
                if self._told not in self._finished:
                    return None
                self._tell(self._finished.pop(self._told))
                continue
            answer = self._from_strategy("ask", self._strategy.ask)
            if isinstance(answer, Proposal):
                return self._checked(answer)
            if answer is Answer.DONE:
                if self._number in self._record:
                    return self._checked(None)
                self._exhausted = True
                return None
            if answer is not Answer.WAIT:
                raise StrategyError(
                    f"strategy {self._strategy.name!r} answered {answer!r} for trial {self._number}: "
                    "expected a Proposal, Answer.WAIT or Answer.DONE."
                )
            self._waiting = True

    def _from_strategy(self, method: str, call: Callable[[], T]) -> T:
        """What the strategy answers. Whatever it raises becomes an error that names it."""
        try:
            return call()
        except AutomlError:
            raise
        except Exception as error:
            raise StrategyError(
                f"strategy {self._strategy.name!r} raised {type(error).__name__} in {method}, at trial "
                f"{self._number}: {error}. {DEBUG_HINT}"
            ) from error

    def _tell(self, trial: Trial) -> None:
        self._from_strategy("tell", lambda: self._strategy.tell(trial))
        self._told += 1
        self._waiting = False

    def _checked(self, proposal: Proposal | None) -> Proposal:
        """The proposal, which has to be what the record says, if it says anything."""
        row = self._record.get(self._number)
        if row is not None and (proposal is None or proposal.genotype != row.genotype):
            if not self._rules.adopt:
                asked = "nothing more" if proposal is None else proposal.genotype.json
                raise ReplayError(
                    f"trial {self._number} of this run is {row.genotype.json}, and the strategy, asked again,"
                    f" proposes {asked}: the software or the machine has changed since the run was recorded.",
                    hint="Go on from the record with --adopt, or start a new run.",
                )
            if self.adopted is None:
                self.adopted = self._number
            return Proposal(row.genotype, row.parent, row.stage, row.fidelity)
        if proposal is None:
            raise AssertionError("only asked for where there is a record")
        return proposal

    def _asked_for(self, proposal: Proposal) -> _Asked:
        try:
            candidate = self._space.rebuild(proposal.genotype)
        except ChoiceError as error:
            raise StrategyError(
                f"strategy {self._strategy.name!r} proposes for trial {self._number} what is no candidate of "
                f"search space {self._space.name!r}: {error}"
            ) from error
        try:
            text = self._space.text(proposal.genotype, candidate)
            key = self._space.key(proposal.genotype, candidate, by_form=self._rules.by_form)
        except AutomlError:
            raise
        except Exception as error:
            raise ChoiceError(
                f"search space {self._space.name!r} raised {type(error).__name__} in render or canonical, "
                f"for {proposal.genotype.json}: {error}. {DEBUG_HINT}"
            ) from error
        return _Asked(self._number, proposal, candidate, text, key, self._told, 0)

    # -- recognise -----------------------------------------------------------------------------------

    def _start(self, asked: _Asked) -> None:
        """Evaluate, or take the outcome of an equal candidate, or of the record."""
        self._asked[asked.number] = asked
        equals = self._equals.get(asked.key)
        if equals is not None and self._rules.reuse:
            if equals.outcome is None:
                equals.waiting.append(asked)
            else:
                self._finish(asked, equals.outcome, self._source(asked, equals))
            return
        if equals is None:
            equals = self._equals[asked.key] = _Equals(asked.number)
        asked.repeat = equals.evaluations
        equals.evaluations += 1
        row = self._record.get(asked.number)
        if row is None:
            self._engine.submit(Work(asked.number, asked.proposal.genotype, asked.repeat, asked.candidate))
        else:
            self._evaluated(_recorded(row))

    def _source(self, asked: _Asked, equals: _Equals) -> Source:
        """Whether the outcome counts as found or as waited for: by trial numbers, not by time."""
        window = self._rules.window
        return Source.JOINED if window and equals.first > asked.number - window else Source.CACHE

    # -- record and learn ----------------------------------------------------------------------------

    def _evaluated(self, evaluation: Evaluation) -> None:
        asked = self._asked[evaluation.number]
        equals = self._equals[asked.key]
        if self._rules.reuse:
            equals.outcome = evaluation
        self._finish(asked, evaluation, Source.EVALUATED)
        for waiting in equals.waiting:
            self._finish(waiting, evaluation, self._source(waiting, equals))
        equals.waiting.clear()

    def _finish(self, asked: _Asked, evaluation: Evaluation, source: Source) -> None:
        del self._asked[asked.number]
        outcome = evaluation.outcome
        gains = self._gains(outcome)
        proposal = asked.proposal
        if asked.number not in self._record:
            row = Row(
                trial=asked.number,
                stage=proposal.stage,
                rung=0,
                told=asked.told,
                status=outcome.status,
                reason=outcome.reason,
                genotype=proposal.genotype,
                candidate=asked.text,
                key=asked.key,
                source=source,
                evaluators=self._evaluators,
                metrics=outcome.metrics,
                objective=None if gains is None else outcome.metrics[self._objectives[0].metric],
                seed=derive_seed(self._rules.seed, asked.repeat, "own", proposal.genotype.json),
                window=self._rules.window,
                seconds=outcome.seconds if source is Source.EVALUATED else 0.0,
                started_at=evaluation.started_at,
                host=evaluation.host,
                device=evaluation.device,
                parent=proposal.parent,
                fidelity=proposal.fidelity,
            )
            self._writer.append(row)
            self._watch(row)
        if self._strategy.learns:
            self._finished[asked.number] = Trial(
                number=asked.number,
                genotype=proposal.genotype,
                outcome=outcome,
                gains=gains,
                source=source,
                stage=proposal.stage,
                parent=proposal.parent,
                fidelity=proposal.fidelity,
            )

    def _gains(self, outcome: Outcome) -> tuple[float, ...] | None:
        if outcome.status is not Status.OK:
            return None
        return tuple(objective.gain(outcome.metrics[objective.metric]) for objective in self._objectives)


def _recorded(row: Row) -> Evaluation:
    """A row of the record as the evaluation that it came from."""
    outcome = Outcome(row.status, row.metrics, row.reason, row.seconds)
    return Evaluation(row.trial, outcome, row.started_at, row.host, row.device)
