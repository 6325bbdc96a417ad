"""The strategy's contract catches what is broken, and passes what is not."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from automl.core.contracts import Answer, Direction, Genotype, Objective, Proposal, Strategy, Trial
from automl.core.testing.loop import drive
from automl.testing import ConvSpace, LineSpace, StrategyContract
from tests.core.testing.broken_strategies import ALL, Sound
from tests.core.testing.catching import Broken, cases_of, check_caught


class Generations(Sound):
    """Proposes five, and waits until all of them are told."""

    name = "generations"

    def ask(self) -> Proposal | Answer:
        full = self.asked % 5 == 0 and self.asked > 0
        return Answer.WAIT if full and len(self.told) < self.asked else super().ask()


class Watching(Sound):
    """Writes down what it had been told at each ask."""

    name = "watching"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.diary: list[list[int]] = []

    def ask(self) -> Proposal | Answer:
        self.diary.append([trial.number for trial in self.told])
        return super().ask()


@pytest.mark.parametrize("broken", ALL, ids=str)
def test_a_broken_strategy_is_caught(broken: Broken) -> None:
    check_caught(StrategyContract, "strategy", broken)


def test_every_test_of_the_contract_can_fail() -> None:
    assert {broken.test for broken in ALL} == cases_of(StrategyContract)


@pytest.mark.parametrize("strategy", [Sound, Generations])
class TestSound(StrategyContract):
    @pytest.fixture(autouse=True)
    def _named(self, strategy: type[Strategy]) -> None:
        self.strategy = strategy


@pytest.mark.parametrize("window", [1, 4, 16])
def test_results_are_told_as_the_window_demands(window: int) -> None:
    """Trial n is asked for after exactly the results of 0 … n - window."""
    strategy = Watching(ConvSpace(), [Objective("metric_0", Direction.MAX)], Random(0))
    drive(strategy, trials=30, window=window)
    assert strategy.diary == [list(range(max(0, n - window + 1))) for n in range(30)]


def test_strangers_are_told_in_place_of_what_was_proposed() -> None:
    told: list[Trial] = []

    class Listening(Sound):
        name = "listening"

        def tell(self, trial: Trial) -> None:
            told.append(trial)

    strategy = Listening(LineSpace(), [Objective("metric_0", Direction.MAX)], Random(0))
    course = drive(strategy, trials=20, window=1, strangers=[3])
    other = [n for n, trial in enumerate(told) if trial.genotype != course.proposals[n].genotype]
    assert other == [3]
    assert isinstance(told[3].genotype, Genotype)


def test_a_case_without_a_strategy_says_what_to_write() -> None:
    with pytest.raises(TypeError, match="strategy = MyStrategy"):
        StrategyContract().test_done_is_final()
