"""The contract of strategies as test cases."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from automl.core.contracts import Answer, Direction, Genotype, Objective, SearchSpace, Strategy
from automl.core.errors import UsageError
from automl.core.testing.broken import BrokenContractError, short
from automl.core.testing.component import check_component
from automl.core.testing.elsewhere import compare_elsewhere, strategy_facts
from automl.core.testing.loop import Course, drive, some_gains
from automl.core.testing.parts import BranchSpace, ConvSpace, LineSpace
from automl.core.testing.randomness import global_randomness

_TRIALS = 60
_WINDOWS = (1, 4, 16)
_ASKED_AGAIN = 5
_OBJECTIVE = (Objective("metric_0", Direction.MAX),)
_TWO_OBJECTIVES = (*_OBJECTIVE, Objective("metric_1", Direction.MIN))
_USE_RANDOM = "draw from self.random, the generator that the strategy was made with."

_SAME_AGAIN = f"{_USE_RANDOM} Let no time, no set's order and no global state decide."


class StrategyContract:
    """Holds a strategy to its contract.

    ``class TestMyStrategy(StrategyContract): strategy = MyStrategy`` is a whole test suite: the strategy is
    tried on a finite, a conditional and a continuous space, and may refuse some of them with a `UsageError`.
    Override `make_strategy` for one with other options, and `make_spaces` for one that is for others.

    Attributes:
        strategy: the class in question.
    """

    strategy: type[Strategy]

    def make_strategy(
        self, space: SearchSpace[Any], objectives: Sequence[Objective], random: Random
    ) -> Strategy:
        """The strategy to test; by default the class with its default options."""
        if not hasattr(self, "strategy"):
            raise TypeError(f"{type(self).__name__} names no strategy: write strategy = MyStrategy in it")
        return self.strategy(space, objectives, random)

    def make_spaces(self) -> Sequence[SearchSpace[Any]]:
        """The spaces that it is tried on."""
        return ConvSpace(), BranchSpace(), LineSpace()

    def test_it_can_be_registered_and_its_options_are_checked(self) -> None:
        """A name, options with defaults that refuse the unknown and survive JSON."""
        check_component("strategy", getattr(self, "strategy", None) or type(next(self._strategies())))

    def test_it_takes_some_space(self) -> None:
        """A strategy may refuse spaces, but not all."""
        spaces = self.make_spaces()
        who = getattr(self, "strategy", type(self)).__name__
        if not list(self._strategies()):
            raise BrokenContractError(
                f"{who} refused {', '.join(space.name for space in spaces)}.",
                demanded="a strategy is for some kind of space.",
                change="refuse only what cannot be searched, or override make_spaces with what can.",
            )

    def test_proposals_are_candidates_in_any_window(self) -> None:
        """With one result outstanding, with four, with sixteen."""
        for window in _WINDOWS:
            for strategy in self._strategies():
                self._drive(strategy, window)

    def test_the_same_seed_proposes_the_same(self) -> None:
        """Asked and told the same again, it answers the same again, whatever is seeded globally."""
        for window in _WINDOWS:
            courses: list[list[Course]] = []
            for seed in (1, 2):
                with self._global_randomness(seed):
                    courses.append([self._drive(strategy, window) for strategy in self._strategies()])
            for first, second in zip(*courses, strict=True):
                self._check_same(first, second, f"asked and told the same again in a window of {window}")

    def test_it_proposes_the_same_in_another_process(self) -> None:
        """In processes with other hash seeds: a resumed run is one."""
        for strategy in self._strategies():
            compare_elsewhere(strategy_facts, (strategy, strategy.space), ())

    def test_done_is_final(self) -> None:
        """After `Answer.DONE` there is nothing any more."""
        for strategy in self._strategies():
            if not self._drive(strategy, 1).done:
                continue
            for _ in range(_ASKED_AGAIN):
                answer = strategy.ask()
                if answer is not Answer.DONE:
                    raise BrokenContractError(
                        f"{type(strategy).__name__} answered DONE, and then {short(answer)}.",
                        demanded="DONE is final: the search ends with it.",
                        change="answer Answer.WAIT where more comes after the next result, and go on "
                        "answering DONE.",
                    )

    def test_it_copes_with_failures(self) -> None:
        """Every trial fails, or every other one: their gains are None."""

        def every_other(number: int, genotype: Genotype) -> tuple[float, ...] | None:
            return None if number % 2 else some_gains(number, genotype)

        for window in _WINDOWS:
            for strategy in self._strategies():
                self._drive(strategy, window, gains=lambda number, genotype: None)
            for strategy in self._strategies():
                self._drive(strategy, window, gains=every_other)

    def test_it_copes_with_equal_results(self) -> None:
        """Every trial gains the same."""
        for window in _WINDOWS:
            for strategy in self._strategies():
                self._drive(strategy, window, gains=lambda number, genotype: (0.5,))

    def test_it_copes_with_trials_that_it_did_not_propose(self) -> None:
        """A run that goes on from a record tells what stands there."""
        for window in _WINDOWS:
            for strategy in self._strategies():
                self._drive(strategy, window, strangers=range(0, _TRIALS, 3))
            for strategy in self._strategies():
                self._drive(strategy, window, strangers=range(_TRIALS))

    def test_it_copes_with_several_objectives(self) -> None:
        """Two gains a trial."""
        for strategy in self._strategies(_TWO_OBJECTIVES):
            self._drive(strategy, 1, gains=lambda number, genotype: (*some_gains(number, genotype), 1.0))

    def test_what_does_not_learn_is_the_same_for_any_result(self) -> None:
        """A strategy with ``learns = False`` is never told, and so has no use for results."""
        courses = [
            [drive(strategy, trials=_TRIALS, window=window) for strategy in self._strategies()]
            for window in (None, 1)
            if not next(self._strategies()).learns
        ]
        if courses:
            for first, second in zip(*courses, strict=True):
                self._check_same(
                    first,
                    second,
                    "told results, which it says change nothing",
                    change="remove learns = False; or let nothing that tell was given decide.",
                )

    # -- how it is driven ------------------------------------------------------------------------------

    def _strategies(self, objectives: Sequence[Objective] = _OBJECTIVE) -> Iterator[Strategy]:
        """A fresh strategy for each space that it takes."""
        for space in self.make_spaces():
            try:
                strategy = self.make_strategy(space, objectives, Random(0))
            except UsageError:
                continue
            yield strategy

    def _drive(self, strategy: Strategy, window: int, **how: Any) -> Course:
        return drive(strategy, trials=_TRIALS, window=window if strategy.learns else None, **how)

    def _global_randomness(self, seed: int) -> Any:
        who = type(next(self._strategies())).__name__
        return global_randomness(seed, who=who, use=_USE_RANDOM, torch_too="torch" in sys.modules)

    def _check_same(self, first: Course, second: Course, when: str, change: str = _SAME_AGAIN) -> None:
        for number, (one, other) in enumerate(zip(first.proposals, second.proposals, strict=False)):
            if one != other:
                raise self._differs(f"{short(one)} for trial {number}, and {short(other)}", when, change)
        if len(first.proposals) != len(second.proposals):
            lengths = f"{len(first.proposals)} proposals, and {len(second.proposals)}"
            raise self._differs(lengths, when, change)

    def _differs(self, what: str, when: str, change: str) -> BrokenContractError:
        return BrokenContractError(
            f"{type(next(self._strategies())).__name__} gave {what} when {when}.",
            demanded="all randomness comes from the generator that the strategy was made with, and all "
            "knowledge from tell: a run is resumed by asking again.",
            change=change,
        )
