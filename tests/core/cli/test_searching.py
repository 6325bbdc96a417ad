"""Searches that go well, or end without a score, and what there is to see of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from automl.core.store import EXEMPT_COLUMNS, open_run
from tests.core.cli.tool import CELLS, PARTS, Tool, only_run, run

CONVOLUTIONS = f"{PARTS}:Convolutions"


def trials(folder: Path) -> str:
    """A run's trials without time and place."""
    return open_run(folder).trials().drop(columns=sorted(EXEMPT_COLUMNS)).to_json()


def test_a_search_ends_with_the_best_the_place_and_the_next_command(tool: Tool) -> None:
    result = tool("search", *CELLS, "--trials", "90", "--top", "4")
    assert result.code == 0
    title, _, heading, _, *rows = result.out.splitlines()
    assert title == "Best by convolutions (higher is better):"
    assert heading.split() == [
        *("rank", "trial", "convolutions", "long_name_of_a_metric", "share_of_operations"),
        *("yet_another_metric", "candidate"),
    ]
    folder = only_run()
    best = open_run(folder).best(4)
    assert [row.split()[:2] for row in rows] == [[str(n), str(row.trial)] for n, row in enumerate(best, 1)]
    assert [row.split()[-1] for row in rows] == [row.candidate for row in best]
    begun, _, ended, place, command = result.err.splitlines()
    assert begun == f"run {folder.name} in runs"
    assert ended.startswith("90 trials: 90 ok; ")
    assert ended.endswith(" equal to an earlier one. Ended: all trials done.")
    assert place == f"The run is in {folder}"
    assert command == f"Look at it:  automl show {folder}"
    assert tool(*command.split("automl ")[1].split(), "--top", "4").out.endswith(result.out)


def test_a_search_in_json(tool: Tool) -> None:
    result = tool("search", *CELLS, "--trials", "30", "--top", "2", "--json", "--quiet")
    found = result.json
    assert found["run"] == only_run().name
    assert found["folder"] == str(only_run().resolve())
    assert found["ended"] == "all trials done"
    assert found["trials"] == found["statuses"]["ok"] == 30
    assert [row["trial"] for row in found["best"]] == [row.trial for row in open_run(only_run()).best(2)]
    shown = tool("show", "last", "--top", "2", "--json").json
    assert {name: shown[name] for name in found if name in shown and name != "ended"} == {
        name: value for name, value in found.items() if name != "ended"
    }
    assert shown["settings"]["trials"] == 30
    assert shown["state"] == "finished"


def test_a_place_with_spaces_is_quoted_where_it_is_to_be_typed(tool: Tool) -> None:
    result = tool("search", *CELLS, "--trials", "2", "--out", "my runs")
    assert result.err.splitlines()[-1] == f"Look at it:  automl show '{only_run(Path('my runs'))}'"


def test_minimising(tool: Tool) -> None:
    result = tool("search", *CELLS, "--trials", "20", "--objective", "long_name_of_a_metric")
    title, _, heading, *_ = result.out.splitlines()
    assert title == "Best by long_name_of_a_metric (lower is better):"
    assert heading.split()[2] == "long_name_of_a_metric"
    turned = tool("search", *CELLS, "--trials", "20", "--objective", "long_name_of_a_metric:max")
    assert turned.out.startswith("Best by long_name_of_a_metric (higher is better):")


def test_several_objectives_stand_first_in_their_order(tool: Tool) -> None:
    chosen = ["yet_another_metric", "share_of_operations"]
    result = tool("search", *CELLS, "--trials", "5", *(f"--objective={name}" for name in chosen))
    assert result.out.splitlines()[2].split()[2:4] == chosen


def test_a_dry_run_writes_nothing(tool: Tool, place: Path) -> None:
    result = tool("search", *CELLS, "--dry-run")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[0] == "Nothing was run. This would be:"
    assert f"{PARTS}:Cell (nodes=3)" in result.out
    assert "15,625" in result.out
    settings = tool("search", *CELLS, "--dry-run", "--json").json
    assert list(place.iterdir()) == []
    (place / "run.json").write_text(json.dumps(settings))  # what would be run can be kept, and run
    assert tool("search", "--config", "run.json", "--dry-run", "--json").json == settings


def test_no_candidate_with_a_score(tool: Tool) -> None:
    arguments = ("search", "--space", f"{PARTS}:Cell", "--proxy", f"{PARTS}:Never", "--trials", "5")
    result = tool(*arguments)
    assert (result.code, result.out) == (3, "")
    assert "5 trials: 5 degenerate. Ended: all trials done." in result.err
    assert "  5 x the kernel is singular" in result.err.splitlines()
    as_json = tool(*arguments, "--json")
    assert as_json.code == 3
    assert as_json.json["best"] == []
    assert as_json.json["reasons"] == [{"reason": "the kernel is singular", "count": 5}]
    shown = tool("show", "last").out
    assert "failures          5 x the kernel is singular" in shown
    assert "Best" not in shown


def test_an_evaluator_that_breaks_its_word(tool: Tool) -> None:
    result = tool("search", "--space", f"{PARTS}:Cell", "--proxy", f"{PARTS}:Wrong", "--trials", "5")
    assert result.code == 1
    assert "automl: error: proxy 'wrong' gave 'given', and its metrics are promised" in result.err
    assert tool("show", "last", "--json").json["state"] == "failed"


# -- where settings come from -------------------------------------------------------------------------------


def test_file_then_environment_then_flags_then_set(
    tool: Tool, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolved(*arguments: str) -> tuple[int, int, int, int]:
        found = tool("search", *CELLS, "--dry-run", "--json", *arguments).json
        return found["trials"], found["seed"], found["threads"], found["space"]["nodes"]

    assert resolved() == (200, 0, 1, 3)
    (place / "my.toml").write_text("trials = 11\nseed = 11\nthreads = 11\n[space]\nnodes = 11\n")
    assert resolved("--config", "my.toml") == (11, 11, 11, 11)
    monkeypatch.setenv("AUTOML_SEED", "12")
    monkeypatch.setenv("AUTOML_THREADS", "12")
    monkeypatch.setenv("AUTOML_SPACE__NODES", "12")
    assert resolved("--config", "my.toml") == (11, 12, 12, 12)
    assert resolved() == (200, 12, 12, 12)
    assert resolved("--config", "my.toml", "--threads", "13") == (11, 12, 13, 12)
    assert resolved(
        "--config", "my.toml", "--threads", "13", "--set", "threads=14", "--set", "space.nodes=14"
    ) == (
        *(11, 12),
        *(14, 14),
    )


def test_options_of_the_default_strategy_need_no_name(
    tool: Tool, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def population(*arguments: str) -> int:
        found = tool("search", *CELLS, "--dry-run", "--json", *arguments).json["strategy"]
        assert found["name"] == "evolution"
        return int(found["population"])

    assert population("--set", "strategy.population=31") == 31
    monkeypatch.setenv("AUTOML_STRATEGY__POPULATION", "32")
    assert population() == 32
    (place / "my.toml").write_text("[strategy]\npopulation = 33\n")
    monkeypatch.delenv("AUTOML_STRATEGY__POPULATION")
    assert population("--config", "my.toml", "--strategy", "evolution") == 33
    random = tool("search", *CELLS, "--dry-run", "--json", "--config", "my.toml", "--strategy", "random").json
    assert "population" not in random["strategy"]  # another strategy brings its own options


def test_a_settings_file_can_say_everything(tool: Tool, place: Path) -> None:
    (place / "my.toml").write_text(
        f'space = "{PARTS}:Cell"\nobjective = "share_of_operations"\ntrials = 4\nmax_time = "10m"\n'
        f'[proxy."{CONVOLUTIONS}"]\nweight = 7\n'
    )
    found = tool("search", "--config", "my.toml", "--dry-run", "--json").json
    assert found["proxy"] == {CONVOLUTIONS: {"weight": 7, "pause": 0.0}}
    assert found["objective"] == ["share_of_operations:max"]
    assert found["max_time"] == 600
    assert tool("search", "--config", "my.toml", "--quiet").code == 0


def test_the_folder_of_runs_from_the_environment(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOML_RUNS", "elsewhere")
    assert tool("search", *CELLS, "--trials", "2").code == 0
    assert only_run(Path("elsewhere")).name in tool("runs").out
    assert tool("show", "last").code == 0
    monkeypatch.setenv("AUTOML_RUNS", "")
    assert "No runs in runs. Begin one with:" in tool("runs").err


def test_a_record_repeats_its_run(tool: Tool, place: Path) -> None:
    arguments = ("--trials", "40", "--seed", "5", "--set", f"proxy.{CONVOLUTIONS}.weight=3")
    assert tool("search", *CELLS, *arguments).code == 0
    first = only_run()
    assert tool("search", "--config", first / "run.json", "--out", "again").code == 0
    second = only_run(Path("again"))
    assert trials(second) == trials(first)
    one, two = (json.loads((folder / "run.json").read_text())["settings"] for folder in (first, second))
    assert one == two
    assert tool("search", "--config", first / "run.json", "--out", "other", "--seed", "6").code == 0
    assert trials(only_run(Path("other"))) != trials(first)


# -- going on, looking, merging -----------------------------------------------------------------------------


def test_going_on_gives_the_trials_of_one_long_search(tool: Tool) -> None:
    assert tool("search", *CELLS, "--trials", "15").code == 0
    result = tool("resume", "last", "--trials", "40", "--top", "3")
    assert result.code == 0
    assert result.out.startswith("Best by convolutions")
    assert "40 trials: " in result.err
    assert tool("search", *CELLS, "--trials", "40", "--out", "whole").code == 0
    assert trials(only_run()) == trials(only_run(Path("whole")))
    found = tool("resume", "last", "--json").json  # there is nothing left to do, and that is no error
    assert (found["trials"], found["ended"]) == (40, "all trials done")


def test_time_that_is_up(tool: Tool) -> None:
    pause = f"proxy.{CONVOLUTIONS}.pause=0.02"
    result = tool("search", *CELLS, "--max-time", "0.2s", "--strategy", "random", "--set", pause)
    assert result.code == 0
    assert "Ended: time is up." in result.err
    assert f"Go on with:  automl resume {only_run()}" in result.err.splitlines()
    there = open_run(only_run()).count()
    assert 0 < there < 200
    assert tool("resume", "last", "--trials", there + 5).code == 0
    assert open_run(only_run()).count() == there + 5


def test_one_trial_in_every_detail(tool: Tool) -> None:
    assert tool("search", *CELLS, "--trials", "60").code == 0
    rows = {row.trial: row for row in open_run(only_run()).rows()}
    child = next(row for row in rows.values() if row.parent is not None)
    result = tool("show", "last", "--trial", child.trial)
    lines = dict(line.split("  ", 1) for line in result.out.splitlines()[2:])
    facts = {name: value.strip() for name, value in lines.items()}
    assert facts["candidate"] == child.candidate
    assert facts["status"] == "ok"
    assert "reason" not in facts
    assert facts["choice edge_0"] == child.genotype["edge_0"]
    assert facts["parent"] == f"trial {child.parent}"
    assert "None" not in result.out
    [shown] = tool("show", "last", "--trial", child.trial, "--json").json
    assert shown["genotype"] == dict(child.genotype)
    assert shown["metrics"] == dict(child.metrics)
    missing = tool("show", "last", "--trial", "60")
    assert (missing.code, missing.out) == (2, "")
    assert "has no trial 60: it has 60, counted from 0." in missing.err


def test_merging(tool: Tool) -> None:
    for count in (5, 10, 15):
        command = ("resume", "last") if count > 5 else ("search", *CELLS)
        assert tool(*command, "--trials", count).code == 0
    before = trials(only_run())
    result = tool("runs", "compact", "last")
    assert (result.code, result.out) == (0, "")
    assert result.err == f"{only_run().name}: 3 files are now one.\n"
    assert len(list(only_run().glob("trials/*.parquet"))) == 1
    assert trials(only_run()) == before
    assert tool("runs", "compact", "last").err.endswith(": there was nothing to merge.\n")
    assert tool("runs", "compact", "last", "--json").json["merged"] == 0


def test_the_list_of_runs(tool: Tool) -> None:
    assert tool("runs", "--json").json == []
    assert tool("search", *CELLS, "--trials", "5").code == 0
    assert tool("search", *CELLS, "--trials", "7", "--strategy", "random").code == 0
    first, second = tool("runs", "--json").json
    assert (first["trials"], first["planned"], second["trials"]) == (5, 5, 7)
    assert second["strategy"] == "random"
    assert second["proxies"] == [CONVOLUTIONS]
    _, _, *lines = tool("runs").out.splitlines()
    assert [line.split() for line in lines] == [
        [
            run["run"],
            "finished",
            str(run["trials"]),
            "parts.py:Cell",
            "parts.py:Convolutions",
            run["strategy"],
        ]
        for run in (first, second)
    ]


# -- one candidate ------------------------------------------------------------------------------------------


def test_the_score_of_one_candidate_is_the_one_that_a_search_gives(tool: Tool, place: Path) -> None:
    assert tool("search", *CELLS, "--trials", "5").code == 0
    row = open_run(only_run()).best(1)[0]
    for text in (row.candidate, row.genotype.json):
        result = tool("score", text, *CELLS, "--json")
        assert result.code == 0
        assert result.json["candidate"] == row.candidate
        assert result.json["metrics"] == dict(row.metrics)
        assert (result.json["key"], result.json["status"]) == (row.key, "ok")
    as_text = tool("score", row.candidate, *CELLS)
    assert as_text.err == ""
    assert as_text.out.splitlines()[0] == f"candidate  {row.candidate}"
    assert "convolutions, the larger ones counted twice" in as_text.out
    assert [path.name for path in place.iterdir()] == ["runs"]


def test_a_candidate_without_a_score(tool: Tool) -> None:
    genotype = json.dumps({f"edge_{n}": "none" for n in range(6)})
    result = tool("score", genotype, "--space", f"{PARTS}:Cell", "--proxy", f"{PARTS}:Never")
    assert result.code == 3
    assert "reason     the kernel is singular" in result.out
    assert "metric" not in result.out
    as_json = tool("score", genotype, "--space", f"{PARTS}:Cell", "--proxy", f"{PARTS}:Never", "--json")
    assert as_json.code == 3
    assert as_json.json["status"] == "degenerate"


@pytest.mark.slow
def test_the_first_command_of_all() -> None:
    """A real space by real proxies, as typed by whoever has just installed this."""
    result = run("search", "--space", "nasbench201", "--proxy", "ntk", "--proxy", "params", "--trials", "3")
    assert result.code == 0, result.err
    assert result.out.startswith("Best by ntk (higher is better):")
    best = open_run(only_run()).best(1)[0]
    again = run(
        "score", best.candidate, "--space", "nasbench201", "--proxy", "ntk", "--proxy", "params", "--json"
    )
    assert again.json["metrics"] == dict(best.metrics)
    assert "Warning" not in result.err + again.err
