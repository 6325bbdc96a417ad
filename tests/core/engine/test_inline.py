"""The engine in this process, and the one that is careful for a while."""

from __future__ import annotations

import pytest

from automl.core.contracts import Outcome
from automl.core.engine import CautiousEngine, Evaluation, InlineEngine, Work
from automl.core.interrupt import Interrupt, Interrupted
from tests.core.engine.test_workbench import bench, genotype, outcomes, timeless

WORDS = ["a", "ab", "abc", "cab", "b", "bb"]


class Slow:
    """An engine whose evaluations take as long as it is told, and that knows whether it was closed."""

    def __init__(self, seconds: list[float]) -> None:
        self._seconds = seconds
        self._inner = InlineEngine(bench("Length"))
        self.evaluated: list[int] = []
        self.closed = 0

    def room(self) -> int:
        return min(self._inner.room(), 1)

    def submit(self, work: Work) -> None:
        self._inner.submit(work)

    def collect(self) -> list[Evaluation]:
        found = []
        for each in self._inner.collect():
            self.evaluated.append(each.number)
            outcome = Outcome.ok(each.outcome.metrics, seconds=self._seconds.pop(0))
            found.append(Evaluation(each.number, outcome, each.started_at, each.host, each.device))
        return found

    def close(self) -> None:
        self.closed += 1
        self._inner.close()


def test_the_first_batch_is_one_candidate_and_cheap_ones_come_in_larger_ones() -> None:
    engine = InlineEngine(bench("Length"))
    rooms = []
    for number in range(4):
        rooms.append(engine.room())
        for offset in range(engine.room()):
            engine.submit(Work(100 * number + offset, genotype("ab")))
        assert engine.room() == 0
        assert len(engine.collect()) == rooms[-1]
    assert rooms == [1, 2, 4, 8]
    assert engine.collect() == []


def test_the_outcomes_are_the_workbenchs() -> None:
    engine = InlineEngine(bench("Length", "Picky"))
    for number, word in enumerate(WORDS):
        engine.submit(Work(number, genotype(word)))
    found = [evaluation.outcome for evaluation in engine.collect()]
    assert timeless(found) == timeless(outcomes(bench("Length", "Picky"), WORDS))


def test_what_an_interrupt_breaks_off_is_dropped_and_the_engine_goes_on() -> None:
    engine = InlineEngine(bench("Interrupting"))
    engine.submit(Work(0, genotype("a")))
    with Interrupt() as interrupt, pytest.raises(Interrupted), interrupt.breaks():
        engine.collect()
    engine.close()
    engine.submit(Work(1, genotype("ab")))
    assert [evaluation.number for evaluation in engine.collect()] == [1]


def test_caution_ends_after_its_seconds_of_which_the_first_evaluation_is_none() -> None:
    isolated, inline = Slow([50.0, 1.0, 0.5, 0.5, 9.0]), Slow([0.1] * 5)
    engine = CautiousEngine(isolated, inline, seconds=2.0)
    found = []
    for number, word in enumerate(WORDS):
        assert engine.room() == 1
        engine.submit(Work(number, genotype(word)))
        found += [evaluation.outcome for evaluation in engine.collect()]
    assert isolated.evaluated == [0, 1, 2, 3]
    assert isolated.closed == 1
    assert inline.evaluated == [4, 5]
    assert timeless(found) == timeless(outcomes(bench("Length"), WORDS))
    engine.close()
    assert inline.closed > 0


def test_caution_that_has_nothing_to_do_goes_on() -> None:
    isolated, inline = Slow([]), Slow([])
    engine = CautiousEngine(isolated, inline, seconds=0.0)
    assert list(engine.collect()) == []
    assert isolated.closed == 0
    engine.close()
    assert (isolated.closed, inline.closed) == (1, 1)
