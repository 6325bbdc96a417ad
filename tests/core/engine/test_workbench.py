"""The workbench: what is refused before anything runs, and what an evaluator's misdeeds become."""

from __future__ import annotations

from typing import Any

import pytest

from automl.core.contracts import Genotype, Outcome, Status
from automl.core.engine import InlineEngine, Work, Workbench
from automl.core.errors import (
    AutomlError,
    DataError,
    EvaluatorError,
    MissingViewError,
    OptionError,
    UnknownNameError,
    UsageError,
)
from automl.core.registry import load_registry
from automl.core.settings import settings_from
from tests.core import parts
from tests.core.engine import odd

REGISTRY = load_registry(only=[])
WORDS = ["a", "ab", "bb", "c", "abc"]


def bench(*proxies: str, **settings: Any) -> Workbench:
    table = {
        "space": f"{parts.__file__}:Word",
        "proxy": {f"{odd.__file__}:{name}": {} for name in proxies},
        **settings,
    }
    return Workbench(settings_from(table), REGISTRY)


def genotype(word: str) -> Genotype:
    return Genotype({"length": len(word), **{f"letter_{i}": letter for i, letter in enumerate(word)}})


def outcomes(workbench: Workbench, words: list[str]) -> list[Outcome]:
    works = [Work(number, genotype(word)) for number, word in enumerate(words)]
    evaluations = workbench.evaluate(works)
    assert [evaluation.number for evaluation in evaluations] == list(range(len(words)))
    return [evaluation.outcome for evaluation in evaluations]


@pytest.mark.parametrize(
    ("proxies", "settings", "error", "message"),
    [
        (["Programs"], {}, MissingViewError, r"'programs' needs the 'program' view .* Proxies that fit it:"),
        (["TooFew", "Undeclared"], {}, UsageError, "'too-few' and 'undeclared' both give the metric 'x'"),
        (["NoMetrics"], {}, EvaluatorError, "'no-metrics' declares no metrics: expected a tuple"),
        (
            ["Length"],
            {"objective": "lenght"},
            UnknownNameError,
            "unknown metric 'lenght': did you mean length",
        ),
        (["Length"], {"objective": "length:up"}, OptionError, r"expected length:max or length:min"),
        (["Length"], {"objective": ["own", "own:min"]}, OptionError, "'own' is given twice"),
        (["Length"], {"device": "cuda:99"}, OptionError, "device 'cuda:99' cannot be used: .* automl doctor"),
        (["Length"], {"device": "abacus"}, OptionError, "device 'abacus' cannot be used"),
    ],
)
def test_refused_before_anything_runs(
    proxies: list[str], settings: dict[str, Any], error: type[AutomlError], message: str
) -> None:
    with pytest.raises(error, match=message):
        bench(*proxies, **settings)


@pytest.mark.parametrize(
    ("proxy", "error", "message"),
    [
        ("TooFew", EvaluatorError, "'too-few' gave 1 outcomes for 5 candidates"),
        ("Undeclared", EvaluatorError, "'undeclared' gave 'y', and its metrics are x"),
        ("Missing", EvaluatorError, "'missing' did not give 'y', and its metrics are x, y"),
        ("TornData", DataError, "image 7 is torn"),
    ],
)
def test_what_is_not_the_candidates_doing_ends_the_search(
    proxy: str, error: type[AutomlError], message: str
) -> None:
    with pytest.raises(error, match=message):
        outcomes(bench(proxy), WORDS)


@pytest.mark.parametrize(
    ("proxy", "status", "reason"),
    [
        ("NotANumber", Status.DEGENERATE, "x is nan"),
        ("Greedy", Status.OUT_OF_MEMORY, "MemoryError"),
    ],
)
def test_a_failure_is_an_outcome_with_its_reason(proxy: str, status: Status, reason: str) -> None:
    for outcome in outcomes(bench(proxy), WORDS):
        assert outcome.status is status
        assert outcome.reason.startswith(reason)
        assert outcome.metrics == {}


def test_one_candidate_that_raises_does_not_hurt_its_mates() -> None:
    found = outcomes(bench("Batched"), WORDS)
    assert [outcome.status.value for outcome in found] == ["ok", "ok", "invalid", "ok", "ok"]
    assert found[2].reason == "RuntimeError: bb spoils everything"
    assert [outcome.metrics["batched"] for outcome in found if outcome.metrics] == [1, 2, 1, 3]


def test_a_failure_beside_the_objective_is_a_reason_and_no_failure() -> None:
    found = outcomes(bench("Length", "Picky", objective="length"), WORDS)
    assert {outcome.status for outcome in found} == {Status.OK}
    assert [outcome.reason for outcome in found] == [
        "picky: there is a b" if "b" in word else "" for word in WORDS
    ]
    assert [set(outcome.metrics) for outcome in found] == [
        {"length", "own"} if "b" in word else {"length", "own", "picky"} for word in WORDS
    ]


def test_a_failure_of_an_objective_is_the_trials_and_keeps_the_other_numbers() -> None:
    found = outcomes(bench("Length", "Picky", objective=["length", "picky"]), WORDS)
    assert [outcome.status.value for outcome in found] == [
        "degenerate" if "b" in word else "ok" for word in WORDS
    ]
    assert all("length" in outcome.metrics for outcome in found)


def test_results_do_not_depend_on_how_a_batch_is_split() -> None:
    workbench = bench("Length", "Picky")
    whole = [(o.status, o.metrics, o.reason) for o in outcomes(workbench, WORDS)]
    alone = [outcomes(workbench, [word])[0] for word in WORDS]
    assert [(o.status, o.metrics, o.reason) for o in alone] == whole


def test_an_evaluation_has_its_own_number_of_threads_and_gives_it_back() -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    for threads in (1, 2):
        [outcome] = outcomes(bench("Threads", threads=threads), ["a"])
        assert outcome.metrics == {"threads": threads}
    assert torch.get_num_threads() == before


def test_resolved_settings_say_every_option_and_make_the_same_again() -> None:
    settings = settings_from({"space": "nasbench201", "proxy": ["ntk", "params"], "task": "noise"})
    resolved = Workbench(settings, REGISTRY).resolved_settings()
    assert resolved.objective == ("ntk:max",)
    assert "repeats" in resolved.proxy["ntk"]
    assert "size" in resolved.task
    again = Workbench(settings_from(resolved.model_dump(mode="json")), REGISTRY).resolved_settings()
    assert again == resolved


def test_the_inline_engine_begins_with_one_and_grows() -> None:
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
