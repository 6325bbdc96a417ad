"""Small things to plug in, for tests of the engine: referred to as ``f"{parts.__file__}:Class"``."""

from __future__ import annotations

from collections.abc import Mapping

from automl.core.contracts import (
    Answer,
    Choices,
    DegenerateScoreError,
    EvaluationContext,
    Evaluator,
    Metric,
    Options,
    Proposal,
    SearchSpace,
    Strategy,
    Subject,
    Trial,
)

LETTERS = ["a", "b", "c"]


class Word(SearchSpace[str]):
    """Words of one to four letters. Those with the same letters, in any order, are equal."""

    name = "word"

    def define(self, choose: Choices) -> str:
        length = choose.integer("length", 1, 4)
        return "".join(choose.one_of(f"letter_{i}", LETTERS) for i in range(length))

    def canonical(self, candidate: str) -> str:
        return "".join(sorted(candidate))


class Vowels(Evaluator):
    """Counts the letter a; words without one have no score. A draw of its own shows the repeat."""

    name = "vowels"
    view = None
    metrics = (Metric("vowels"), Metric("draw"))

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        count = subject.candidate.count("a")
        if count == 0:
            raise DegenerateScoreError("no vowel")
        draw = context.seed("draw", repeat=subject.repeat) % 1000
        return {"vowels": count + len(subject.candidate) / 10, "draw": draw}


class Anything(Evaluator):
    """A number for any candidate of any space."""

    name = "anything"
    view = None
    metrics = (Metric("anything"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        return {"anything": context.own_seed(subject, "anything") / 2**63}


class GenerationsOptions(Options):
    """Options of `Generations`."""

    size: int = 5


class Generations(Strategy):
    """Proposes a whole generation, waits until all of it is told, and mutates its best."""

    name = "generations"
    Options = GenerationsOptions
    options: GenerationsOptions

    _asked = 0
    _told = 0
    _best: Trial | None = None

    def ask(self) -> Proposal | Answer:
        if self._asked - self._told >= self.options.size or (
            self._asked % self.options.size == 0 and self._told < self._asked
        ):
            return Answer.WAIT
        self._asked += 1
        if self._best is None:
            return Proposal(self.space.sample(self.random))
        return Proposal(self.space.mutate(self._best.genotype, self.random), parent=self._best.number)

    def tell(self, trial: Trial) -> None:
        self._told += 1
        if trial.gains is not None and (
            self._best is None or self._best.gains is None or trial.gains > self._best.gains
        ):
            self._best = trial


class Chatty(Strategy):
    """Breaks the contract: answers with a text."""

    name = "chatty"

    def ask(self) -> Proposal | Answer:
        return "hello"  # type: ignore[return-value]  # that is the point


class Raising(Strategy):
    """Breaks: raises at the third trial."""

    name = "raising"
    learns = False
    _asked = 0

    def ask(self) -> Proposal | Answer:
        self._asked += 1
        if self._asked == 3:
            raise RuntimeError("boom")
        return Proposal(self.space.sample(self.random))


class AlwaysWaiting(Strategy):
    """Breaks the contract: waits for nothing."""

    name = "always-waiting"

    def ask(self) -> Proposal | Answer:
        return Answer.WAIT
