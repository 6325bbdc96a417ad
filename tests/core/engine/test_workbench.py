"""The workbench: what is refused before anything runs, and what an evaluator's misdeeds become."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.core.contracts import Genotype, Outcome, Status
from automl.core.engine import Work, Workbench
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
from tests.core.engine import nets, odd

REGISTRY = load_registry(only=[])
WORDS = ["a", "ab", "bb", "c", "abc"]


def bench(*proxies: str, **settings: Any) -> Workbench:
    table = {
        "space": f"{parts.__file__}:Word",
        "proxy": {f"{odd.__file__}:{name}": {} for name in proxies},
        **settings,
    }
    return Workbench(settings_from(table), REGISTRY)


def net_bench(*proxies: str, **settings: Any) -> Workbench:
    return bench(
        space=f"{nets.__file__}:Nets",
        task=f"{nets.__file__}:Count",
        proxy={f"{nets.__file__}:{name}": {} for name in proxies},
        **settings,
    )


def genotype(word: str) -> Genotype:
    return Genotype({"length": len(word), **{f"letter_{i}": letter for i, letter in enumerate(word)}})


def outcomes(workbench: Workbench, words: list[str]) -> list[Outcome]:
    return evaluated(workbench, [genotype(word) for word in words])


def net_outcomes(workbench: Workbench, nets: list[tuple[str, int]]) -> list[Outcome]:
    return evaluated(workbench, [Genotype({"first": first, "width": width}) for first, width in nets])


def evaluated(workbench: Workbench, genotypes: list[Genotype]) -> list[Outcome]:
    evaluations = workbench.evaluate([Work(number, each) for number, each in enumerate(genotypes)])
    assert [evaluation.number for evaluation in evaluations] == list(range(len(genotypes)))
    assert all(evaluation.outcome.seconds > 0 for evaluation in evaluations)
    return [evaluation.outcome for evaluation in evaluations]


def timeless(outcomes: list[Outcome]) -> list[Outcome]:
    """The outcomes without their times."""
    return [replace(outcome, seconds=0.0) for outcome in outcomes]


@pytest.mark.parametrize(
    ("proxies", "settings", "error", "message"),
    [
        (["Programs"], {}, MissingViewError, r"'programs' needs the 'program' view .* Proxies that fit it:"),
        (["TooFew", "Undeclared"], {}, UsageError, "'too-few' and 'undeclared' both give the metric 'x'"),
        (
            ["NoMetrics"],
            {},
            EvaluatorError,
            r"'no-metrics' declares no metrics: .* such as metrics = \(Metric\('no_metrics'\),\)",
        ),
        (["Misnamed"], {}, EvaluatorError, r"'misnamed' declares the metrics \('x',\): expected a tuple"),
        (["Twice"], {}, EvaluatorError, "'twice' declares the metric 'x' twice"),
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


def test_views_are_looked_at_before_anything_is_built(tmp_path: Path) -> None:
    file = tmp_path / "task.py"
    file.write_text(
        "from tests.core.engine.nets import Count\n"
        "class Dear(Count):\n"
        "    name = 'dear'\n"
        "    def __init__(self, options=None): raise AssertionError('this loads all the data')\n"
    )
    with pytest.raises(MissingViewError) as error:
        bench("Programs", task=f"{file}:Dear")
    assert error.value.message.endswith("search space 'word' has none.")
    assert error.value.hint == "Proxies that fit it: none."
    with pytest.raises(MissingViewError, match=r"search space 'nets' has 'network'\. .*: .*ntk.*, params"):
        bench("Programs", space=f"{nets.__file__}:Nets")


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


@pytest.mark.parametrize("words", [WORDS, ["a"]])
@pytest.mark.parametrize(
    ("what", "shown"),
    [
        ("none", "None"),
        ("one", r"Outcome\(status=<Status.OK"),
        ("text", "'g'"),
        ("table", "'x'"),
        ("numbers", "1.0"),
    ],
)
def test_what_is_no_list_of_outcomes_is_named(what: str, shown: str, words: list[str]) -> None:
    with pytest.raises(EvaluatorError, match=f"'gives' gave {shown}.*: evaluate returns a list of outcomes"):
        outcomes(bench(proxy={f"{odd.__file__}:Gives": {"what": what}}), words)


def test_outcomes_may_come_one_by_one() -> None:
    found = outcomes(bench(proxy={f"{odd.__file__}:Gives": {"what": "generator"}}), WORDS)
    assert [outcome.metrics for outcome in found] == [{"x": 1.0}] * len(WORDS)


@pytest.mark.parametrize(
    ("proxy", "status", "reason"),
    [
        ("NotANumber", Status.DEGENERATE, "x is nan"),
        ("Greedy", Status.OUT_OF_MEMORY, "MemoryError: no message"),
        ("Quits", Status.INVALID, "SystemExit: it tried to end the process, with 'usage: quits [-h]'"),
    ],
)
def test_a_failure_is_an_outcome_with_its_reason(proxy: str, status: Status, reason: str) -> None:
    for outcome in outcomes(bench(proxy), WORDS):
        assert outcome.status is status
        assert outcome.reason == reason
        assert outcome.metrics == {}


def test_a_nan_that_is_called_a_success_is_a_failure_and_hurts_nobody_else() -> None:
    found = outcomes(bench("SaysNan"), WORDS)
    assert [outcome.status.value for outcome in found] == ["ok", "ok", "invalid", "ok", "ok"]
    assert "metric 'x' is nan: return Outcome.degenerate(reason)" in found[2].reason


@pytest.mark.parametrize(
    ("first", "status", "reason"),
    [
        ("broken", Status.INVALID, "the network cannot be built: ValueError: no such layer"),
        ("greedy", Status.OUT_OF_MEMORY, "RuntimeError: [enforce fail"),
        ("nothing", Status.INVALID, "the network cannot be built: search space 'nets' gives a NoneType"),
    ],
)
def test_a_network_that_cannot_be_built_is_an_outcome(first: str, status: Status, reason: str) -> None:
    good, bad = net_outcomes(net_bench("Trains"), [("linear", 8), (first, 8)])
    assert good.status is Status.OK
    assert bad.status is status
    assert bad.reason.startswith(reason)


def test_what_leaves_the_workbench_can_travel() -> None:
    good, bad = outcomes(bench("Rough"), ["a", "b"])
    assert [type(value) for outcome in (good, bad) for value in outcome.metrics.values()] == [float, float]
    assert bad.reason == "first line second ? line"
    assert good.metrics["x"] == pytest.approx(0.1)


def test_one_candidate_that_raises_does_not_hurt_its_mates() -> None:
    found = outcomes(bench("Batched"), WORDS)
    assert [outcome.status.value for outcome in found] == ["ok", "ok", "invalid", "ok", "ok"]
    assert found[2].reason == "RuntimeError: bb spoils ? everything"
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


def test_numbers_of_a_failed_evaluation_are_no_objective_and_stand_beside_no_success() -> None:
    for outcome in outcomes(bench("Singular", "Length", objective="score"), WORDS):
        assert outcome.status is Status.DEGENERATE
        assert outcome.reason == "singular: singular"
        assert set(outcome.metrics) == {"score", "condition", "length", "own"}
    for outcome in outcomes(bench("Singular", "Length", objective="length"), WORDS):
        assert outcome.status is Status.OK
        assert outcome.reason == "singular: singular"
        assert set(outcome.metrics) == {"length", "own"}


def test_a_trial_fails_as_its_objective_does() -> None:
    for proxies in (["Singular", "Greedy"], ["Greedy", "Singular"]):
        for outcome in outcomes(bench(*proxies, objective="score"), WORDS):
            assert outcome.status is Status.DEGENERATE
            assert set(outcome.reason.split("; ")) == {
                "greedy: MemoryError: no message",
                "singular: singular",
            }
        for outcome in outcomes(bench(*proxies, objective="x"), WORDS):
            assert outcome.status is Status.OUT_OF_MEMORY


@pytest.mark.parametrize("proxy", ["Length", "Batched", "Rough", "SaysNan"])
@given(st.lists(st.sampled_from([*WORDS, "bbb", "cab"]), min_size=1, max_size=12), st.data())
def test_results_do_not_depend_on_how_a_batch_is_split(proxy: str, words: list[str], data: Any) -> None:
    workbench = bench(proxy, "Picky", objective="picky")
    whole = outcomes(workbench, words)
    at = data.draw(st.integers(0, len(words)))
    parts_of = [outcomes(workbench, part) for part in (words[:at], words[at:]) if part]
    assert timeless([outcome for part in parts_of for outcome in part]) == timeless(whole)
    assert timeless([outcomes(bench(proxy, "Picky", objective="picky"), [w])[0] for w in words]) == timeless(
        whole
    )


def test_networks_score_the_same_alone_and_after_others() -> None:
    """The second one writes into its input."""
    cells = [("linear", 8), ("in place", 8), ("linear", 8), ("broken", 8), ("in place", 64), ("linear", 9)]
    whole = net_outcomes(net_bench("Trains", "Small", objective="loss"), cells)
    alone = [net_outcomes(net_bench("Trains", "Small", objective="loss"), [cell])[0] for cell in cells]
    assert timeless(whole) == timeless(alone)
    assert whole[0].metrics == whole[2].metrics != whole[1].metrics


def test_resolved_settings_say_every_option_and_make_the_same_again() -> None:
    settings = settings_from({"space": "nasbench201", "proxy": ["ntk", "params"], "task": "noise"})
    resolved = Workbench(settings, REGISTRY).resolved_settings()
    assert resolved.objective == ("ntk:max",)
    assert "repeats" in resolved.proxy["ntk"]
    assert "size" in resolved.task
    again = Workbench(settings_from(resolved.model_dump(mode="json")), REGISTRY).resolved_settings()
    assert again == resolved
