"""The loop against a slow twin, whatever the engine does with the order of results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.core.contracts import Answer, Genotype, Proposal, Source, Strategy, Trial, derive_seed
from automl.core.engine import Evaluation, Work, Workbench
from automl.core.errors import ReplayError, StrategyError
from automl.core.interrupt import Interrupt
from automl.core.launch import plan
from automl.core.registry import Registry, load_registry
from automl.core.search import Ended, Rules, Search
from automl.core.settings import settings_from
from automl.core.store import EXEMPT_COLUMNS, Row, RunWriter, create_run, open_run
from tests.core import parts

HERE = parts.__file__
REGISTRY: Registry = load_registry(only=[])
STRATEGIES = [*REGISTRY.names("strategy"), f"{HERE}:Generations"]


class ShuffledEngine:
    """Takes several candidates at once, and gives results back in any order, some at a time."""

    def __init__(self, workbench: Workbench, room: int, random: Random) -> None:
        self._workbench, self._most, self._random = workbench, room, random
        self._queue: list[Work] = []

    def room(self) -> int:
        return self._most - len(self._queue)

    def submit(self, work: Work) -> None:
        self._queue.append(work)

    def collect(self) -> Sequence[Evaluation]:
        self._random.shuffle(self._queue)
        count = self._random.randint(1, len(self._queue))
        batch, self._queue = self._queue[:count], self._queue[count:]
        return self._workbench.evaluate(batch)

    def close(self) -> None:
        pass


class Bench:
    """All that a search needs, made anew for every search."""

    def __init__(self, strategy: str, *, seed: int = 0, window: int = 1, cache: str = "run") -> None:
        table = {
            "space": f"{HERE}:Word",
            "proxy": f"{HERE}:Vowels",
            "strategy": strategy,
            "seed": seed,
            "window": window,
            "cache": cache,
        }
        self.planned = plan(settings_from(table), REGISTRY)
        self.workbench = self.planned.workbench

    @property
    def strategy(self) -> Strategy:
        return self.planned.strategy

    def search(
        self,
        folder: Path,
        *,
        trials: int,
        engine: Any,
        record: dict[int, Row] | None = None,
        adopt: bool = False,
        writer: RunWriter | None = None,
    ) -> tuple[list[Row], Ended, Search]:
        rules = Rules(
            trials=trials,
            seed=self.planned.settings.seed,
            window=self.planned.window,
            reuse=self.planned.settings.cache == "run",
            adopt=adopt,
        )
        seen: list[Row] = []
        with writer or create_run(folder, self.planned.manifest.changed(id="test")) as open_writer:
            search = Search(
                rules,
                space=self.workbench.space,
                strategy=self.strategy,
                objectives=self.workbench.objectives,
                engine=engine,
                writer=open_writer,
                evaluators=("vowels",),
                record=record or {},
                interrupt=Interrupt(),
                watch=seen.append,
            )
            ended = search.run()
        rows = list(open_run(folder).rows())
        assert sorted(seen, key=lambda row: row.trial) == rows
        return rows, ended, search


def comparable(row: Row) -> dict[str, Any]:
    """A row without time and place."""
    return {name: getattr(row, name) for name in Row.__slots__ if name not in EXEMPT_COLUMNS}


def slow_search(bench: Bench, trials: int) -> list[dict[str, Any]]:
    """The slow, obviously right twin: evaluates at once, tells exactly what the window demands."""
    rows: list[dict[str, Any]] = []
    results: list[Trial] = []
    first: dict[str, int] = {}
    repeats: dict[str, int] = {}
    strategy, window, told = bench.strategy, bench.planned.window, 0
    space, reuse = bench.workbench.space, bench.planned.settings.cache == "run"
    for number in range(trials):
        while window is not None and told <= number - window:
            strategy.tell(results[told])
            told += 1
        answer = strategy.ask()
        while answer is Answer.WAIT:
            strategy.tell(results[told])
            told += 1
            answer = strategy.ask()
        if answer is Answer.DONE:
            break
        assert isinstance(answer, Proposal)
        candidate = space.rebuild(answer.genotype)
        key = space.key(answer.genotype, candidate)
        source, repeat = Source.EVALUATED, 0
        if key in first and reuse:
            outcome = results[first[key]].outcome
            near = window is not None and first[key] > number - window
            source = Source.JOINED if near else Source.CACHE
        else:
            first.setdefault(key, number)
            repeat = repeats.get(key, 0)
            repeats[key] = repeat + 1
            [evaluation] = bench.workbench.evaluate([Work(number, answer.genotype, repeat)])
            outcome = evaluation.outcome
        gains = (outcome.metrics["vowels"],) if outcome.metrics else None
        results.append(Trial(number, answer.genotype, outcome, gains, source, parent=answer.parent))
        rows.append(
            {
                "trial": number,
                "stage": 0,
                "rung": 0,
                "told": told,
                "status": outcome.status,
                "reason": outcome.reason,
                "genotype": answer.genotype,
                "candidate": answer.genotype.json,
                "key": key,
                "source": source,
                "evaluators": ("vowels",),
                "metrics": dict(outcome.metrics),
                "objective": gains[0] if gains else None,
                "seed": derive_seed(bench.planned.settings.seed, repeat, "own", answer.genotype.json),
                "window": window,
                "parent": answer.parent,
                "fidelity": None,
            }
        )
    return rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    strategy=st.sampled_from(STRATEGIES),
    window=st.integers(1, 12),
    room=st.integers(1, 9),
    seed=st.integers(0, 50),
    order=st.randoms(use_true_random=False),
    cache=st.sampled_from(["run", "off"]),
)
def test_the_order_of_results_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    strategy: str,
    window: int,
    room: int,
    seed: int,
    order: Random,
    cache: str,
) -> None:
    folder = tmp_path_factory.mktemp("run") / "run"
    expected = slow_search(Bench(strategy, seed=seed, window=window, cache=cache), 60)
    bench = Bench(strategy, seed=seed, window=window, cache=cache)
    rows, ended, _ = bench.search(folder, trials=60, engine=ShuffledEngine(bench.workbench, room, order))
    assert [comparable(row) for row in rows] == expected
    assert ended is (Ended.TRIALS if len(expected) == 60 else Ended.EXHAUSTED)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    strategy=st.sampled_from(STRATEGIES),
    window=st.integers(1, 6),
    lost=st.sets(st.integers(0, 39)),
    order=st.randoms(use_true_random=False),
)
def test_a_record_with_gaps_is_completed_to_what_it_would_have_been(
    tmp_path_factory: pytest.TempPathFactory, strategy: str, window: int, lost: set[int], order: Random
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    bench = Bench(strategy, window=window)
    whole, _, _ = bench.search(folder / "a", trials=40, engine=ShuffledEngine(bench.workbench, 4, order))
    record = {row.trial: row for row in whole if row.trial not in lost}
    again = Bench(strategy, window=window)
    rows, _, search = again.search(
        folder / "b", trials=40, engine=ShuffledEngine(again.workbench, 3, order), record=record
    )
    assert [row.trial for row in rows] == sorted({row.trial for row in whole} & lost)
    assert [comparable(row) for row in rows] == [comparable(row) for row in whole if row.trial in lost]
    assert search.adopted is None


def test_cheap_outcomes_are_taken_by_equal_candidates(tmp_path: Path) -> None:
    bench = Bench("exhaustive")
    rows, ended, _ = bench.search(
        tmp_path / "run", trials=1000, engine=ShuffledEngine(bench.workbench, 1, Random(0))
    )
    assert ended is Ended.EXHAUSTED
    assert len(rows) == 3 + 9 + 27 + 81
    by_key: dict[str, list[Row]] = {}
    for row in rows:
        by_key.setdefault(row.key, []).append(row)
    assert len(by_key) == 3 + 6 + 10 + 15
    for equal in by_key.values():
        assert [row.source for row in equal] == [Source.EVALUATED, *[Source.CACHE] * (len(equal) - 1)]
        assert len({(row.status, row.objective) for row in equal}) == 1


def test_without_the_cache_a_repeat_draws_new_numbers(tmp_path: Path) -> None:
    bench = Bench("exhaustive", cache="off")
    rows, _, _ = bench.search(
        tmp_path / "run", trials=1000, engine=ShuffledEngine(bench.workbench, 1, Random(0))
    )
    assert {row.source for row in rows} == {Source.EVALUATED}
    draws = [row.metrics["draw"] for row in rows if row.key == rows[4].key]  # ab, ba
    assert len(draws) > 1
    assert len(set(draws)) == len(draws)


def changed_record(whole: list[Row], number: int) -> dict[int, Row]:
    """A record in which one trial is another candidate."""
    record = {row.trial: row for row in whole}
    old = record[number]
    values = {name: getattr(old, name) for name in Row.__slots__}
    values["genotype"] = Genotype({"length": 1, "letter_0": "a"})
    if values["genotype"] == old.genotype:
        values["genotype"] = Genotype({"length": 1, "letter_0": "b"})
    record[number] = Row(**values)
    return record


def test_a_record_that_the_strategy_does_not_repeat_stops(tmp_path: Path) -> None:
    bench = Bench("evolution")
    whole, _, _ = bench.search(
        tmp_path / "a", trials=30, engine=ShuffledEngine(bench.workbench, 1, Random(0))
    )
    record = changed_record(whole, 7)
    again = Bench("evolution")
    with pytest.raises(ReplayError, match=r"trial 7 .* --adopt"):
        again.search(
            tmp_path / "b", trials=30, engine=ShuffledEngine(again.workbench, 1, Random(0)), record=record
        )
    adopting = Bench("evolution")
    rows, ended, search = adopting.search(
        tmp_path / "c",
        trials=40,
        engine=ShuffledEngine(adopting.workbench, 1, Random(0)),
        record=record,
        adopt=True,
    )
    assert ended is Ended.TRIALS
    assert search.adopted == 7
    assert [row.trial for row in rows] == list(range(30, 40))


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ("AlwaysWaiting", "may only wait while something is outstanding"),
        ("Chatty", "'chatty' answered 'hello' for trial 0: expected a Proposal"),
        ("Raising", r"'raising' raised RuntimeError in ask, at trial 2: boom\. Repeat .* --debug"),
    ],
)
def test_a_strategy_that_breaks_its_contract_is_told_how(tmp_path: Path, strategy: str, message: str) -> None:
    bench = Bench(f"{HERE}:{strategy}")
    with pytest.raises(StrategyError, match=message):
        bench.search(tmp_path / "run", trials=5, engine=ShuffledEngine(bench.workbench, 1, Random(0)))


def test_time_that_is_up_ends_with_a_prefix(tmp_path: Path) -> None:
    bench = Bench("random")
    whole, _, _ = bench.search(
        tmp_path / "a", trials=30, engine=ShuffledEngine(bench.workbench, 1, Random(0))
    )
    short = Bench("random")
    with create_run(tmp_path / "b", short.planned.manifest.changed(id="test")) as writer:
        search = Search(
            Rules(trials=30, seed=0, window=None, max_seconds=0.0),
            space=short.workbench.space,
            strategy=short.strategy,
            objectives=short.workbench.objectives,
            engine=ShuffledEngine(short.workbench, 1, Random(0)),
            writer=writer,
            evaluators=("vowels",),
            record={row.trial: row for row in whole[:12]},
            interrupt=Interrupt(),
            watch=lambda row: None,
        )
        assert search.run() is Ended.TIME
    # What is recorded is replayed however late it is; nothing new is proposed.
    assert list(open_run(tmp_path / "b").rows()) == []
