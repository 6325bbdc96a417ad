"""Strategies that break their contract, each in one way."""

from __future__ import annotations

import random
from collections.abc import Sequence
from random import Random
from typing import Any

from automl.core.contracts import Answer, Genotype, Objective, Options, Proposal, SearchSpace, Strategy, Trial
from automl.core.errors import UsageError
from tests.core.testing.catching import Broken


class Sound(Strategy):
    """The base of those that follow: it mutates the best trial that it was told, if any."""

    name = "sound"

    def __init__(
        self,
        space: SearchSpace[Any],
        objectives: Sequence[Objective],
        random: Random,
        options: Options | None = None,
    ) -> None:
        super().__init__(space, objectives, random, options)
        self.told: list[Trial] = []
        self.asked = 0

    def ask(self) -> Proposal | Answer:
        self.asked += 1
        best = max(self.told, key=lambda trial: trial.gains or (float("-inf"),), default=None)
        if best is None:
            return Proposal(self.space.sample(self.random))
        return Proposal(self.space.mutate(best.genotype, self.random), parent=best.number)

    def tell(self, trial: Trial) -> None:
        self.told.append(trial)


class Uppercase(Sound):
    name = "Uppercase"


class Haughty(Sound):
    name = "haughty"

    def __init__(self, *arguments: Any) -> None:
        raise UsageError("no space is good enough")


class Inventive(Sound):
    name = "inventive"

    def ask(self) -> Proposal | Answer:
        return Proposal(Genotype({"width": 5}))


class Speechless(Sound):
    name = "speechless"

    def ask(self) -> Proposal | Answer:
        return None  # type: ignore[return-value]  # that is the fault


class Orphaned(Sound):
    name = "orphaned"

    def ask(self) -> Proposal | Answer:
        return Proposal(self.space.sample(self.random), parent=self.asked + 100)


class Costless(Sound):
    name = "costless"

    def ask(self) -> Proposal | Answer:
        return Proposal(self.space.sample(self.random), fidelity=0.0)


class Impatient(Sound):
    """Takes it for granted that it was told something by its second proposal."""

    name = "impatient"

    def ask(self) -> Proposal | Answer:
        self.asked += 1
        if self.asked == 1:
            return Proposal(self.space.sample(self.random))
        return Proposal(self.space.mutate(self.told[-1].genotype, self.random))


class Sleepy(Sound):
    """Waits at its start, when there is nothing to wait for."""

    name = "sleepy"

    def ask(self) -> Proposal | Answer:
        return super().ask() if self.told else Answer.WAIT


class Global(Sound):
    name = "global"

    def ask(self) -> Proposal | Answer:
        return Proposal(self.space.sample(Random(random.random())))


class Entropic(Sound):
    name = "entropic"

    def ask(self) -> Proposal | Answer:
        return Proposal(self.space.sample(Random()))


class HashedStrategy(Sound):
    name = "hashed"

    def ask(self) -> Proposal | Answer:
        samples = [self.space.sample(self.random) for _ in range(5)]
        return Proposal(min(samples, key=hash))


class Undecided(Sound):
    name = "undecided"

    def ask(self) -> Proposal | Answer:
        self.asked += 1
        return Answer.DONE if self.asked == 10 else Proposal(self.space.sample(self.random))


class Optimistic(Sound):
    name = "optimistic"

    def tell(self, trial: Trial) -> None:
        assert trial.gains is not None, "a failure"
        super().tell(trial)


class Proportional(Sound):
    """Draws parents by how far they are above the worst."""

    name = "proportional"

    def ask(self) -> Proposal | Answer:
        if len(self.told) < 2:
            return super().ask()
        gains = [trial.gains[0] if trial.gains else 0.0 for trial in self.told]
        weights = [(gain - min(gains)) / (max(gains) - min(gains)) for gain in gains]
        [parent] = self.random.choices(self.told, weights)
        return Proposal(self.space.mutate(parent.genotype, self.random), parent=parent.number)


class Possessive(Sound):
    name = "possessive"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.mine: dict[Genotype, int] = {}

    def ask(self) -> Proposal | Answer:
        proposal = super().ask()
        assert isinstance(proposal, Proposal)
        self.mine[proposal.genotype] = self.asked
        return proposal

    def tell(self, trial: Trial) -> None:
        super().tell(trial)
        self.mine[trial.genotype] += 1


class SingleMinded(Sound):
    name = "single-minded"

    def tell(self, trial: Trial) -> None:
        if trial.gains is not None:
            [_] = trial.gains
        super().tell(trial)


class SecretlyLearning(Sound):
    name = "secretly-learning"
    learns = False


class WaitingForNothing(Sound):
    name = "waiting-for-nothing"
    learns = False

    def ask(self) -> Proposal | Answer:
        self.asked += 1
        return Proposal(self.space.sample(self.random)) if self.asked < 5 else Answer.WAIT


_REGISTERED = "test_it_can_be_registered_and_its_options_are_checked"
_PROPOSALS = "test_proposals_are_candidates_in_any_window"
_SEED = "test_the_same_seed_proposes_the_same"
_RESULTS = "test_what_does_not_learn_is_the_same_for_any_result"

ALL = (
    Broken(Uppercase, _REGISTERED, "Uppercase.name is 'Uppercase'"),
    Broken(Haughty, "test_it_takes_some_space", "refused kit-conv, kit-branch, kit-line"),
    Broken(Inventive, _PROPOSALS, "no candidate of ConvSpace"),
    Broken(Speechless, _PROPOSALS, "Speechless.ask answered None"),
    Broken(Orphaned, _PROPOSALS, "trial 0 with parent = 100"),
    Broken(Costless, _PROPOSALS, "fidelity = 0.0"),
    Broken(Impatient, _PROPOSALS, "IndexError"),
    Broken(Sleepy, _PROPOSALS, "WAIT before trial 0"),
    Broken(Global, _SEED, "the global random state of the module random"),
    Broken(Entropic, _SEED, "asked and told the same again"),
    Broken(HashedStrategy, "test_it_proposes_the_same_in_another_process", "in one process"),
    Broken(Undecided, "test_done_is_final", "answered DONE, and then Proposal"),
    Broken(Optimistic, "test_it_copes_with_failures", "told trial 0 (a failure)"),
    Broken(Proportional, "test_it_copes_with_equal_results", "ZeroDivisionError"),
    Broken(Possessive, "test_it_copes_with_trials_that_it_did_not_propose", "KeyError"),
    Broken(SingleMinded, "test_it_copes_with_several_objectives", "too many values to unpack"),
    Broken(SecretlyLearning, _RESULTS, "which it says change nothing"),
    Broken(WaitingForNothing, _RESULTS, "says that it does not learn"),
)
