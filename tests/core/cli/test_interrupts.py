"""Ctrl-C, SIGTERM, and readers that go away."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from automl.core.store import EXEMPT_COLUMNS, RunState, open_run
from tests.core.cli.tool import CELLS, PARTS, TOOL, Tool, begin, only_run, wait_for_part

PAUSE = ("--set", f"proxy.{PARTS}:Convolutions.pause=0.02")


def trials(folder: Path) -> str:
    """A run's trials without time and place."""
    return open_run(folder).trials().drop(columns=sorted(EXEMPT_COLUMNS)).to_json()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_search_is_sealed_and_says_how_to_go_on(tool: Tool, number: signal.Signals) -> None:
    search = begin("search", *CELLS, *PAUSE, "--trials", "5000")
    folder = wait_for_part()
    search.send_signal(number)
    out, err = search.communicate(timeout=30)
    assert search.returncode == 130
    assert out.startswith("Best by convolutions")
    assert "Traceback" not in err
    command = err.splitlines()[-1].removeprefix("Go on with:  ")
    assert command == f"automl resume {folder}"
    run = open_run(folder)
    assert (run.state, run.manifest.reason) == (RunState.INTERRUPTED, "interrupted")
    there = run.count()
    assert there == len(list(run.rows())) > 0

    assert tool(*shlex.split(command)[1:], "--trials", there + 10, "--quiet").code == 0
    assert tool("search", *CELLS, *PAUSE, "--trials", there + 10, "--out", "whole").code == 0
    assert trials(folder) == trials(only_run(Path("whole")))


@pytest.mark.slow
def test_an_interrupt_before_anything_has_begun(place: Path) -> None:
    """While a plugin is imported, say."""
    (place / "endless.py").write_text("import pathlib, time\npathlib.Path('here').touch()\ntime.sleep(60)\n")
    search = begin("search", "--space", "endless.py:Cell", "--proxy", "params")
    while not Path("here").exists():
        assert search.poll() is None
    search.send_signal(signal.SIGINT)
    out, err = search.communicate(timeout=30)
    assert (search.returncode, out) == (130, "")
    assert err.strip() == "automl: error: interrupted."


def piped(command: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell, whose exit code is the tool's."""
    return subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_reader_that_has_seen_enough(tool: Tool) -> None:
    assert tool("search", *CELLS, "--trials", "2000", "--strategy", "random", "--quiet").code == 0
    for options in ("--top 2000", "--top 2000 --json"):
        ended = piped(f"{TOOL} show last {options} | head -1")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert len(ended.stdout.splitlines()) == 1
    for command in ("plugins", "--help"):
        assert piped(f"{TOOL} {command} | true").stderr == ""


@pytest.mark.slow
def test_a_reader_of_the_notes_that_goes_away_ends_no_search() -> None:
    search = shlex.join([str(TOOL), "search", *CELLS, *PAUSE, "--trials", "80", "--strategy", "random"])
    ended = piped(f"{search} 2>&1 >table.txt | true")
    assert ended.returncode == 0
    assert open_run(only_run()).count() == 80
    assert Path("table.txt").read_text().startswith("Best by convolutions")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_output_that_cannot_be_written(tool: Tool) -> None:
    assert tool("search", *CELLS, "--trials", "3").code == 0
    full = piped(f"{TOOL} show last >/dev/full")
    message = "automl: error: the output cannot be written: No space left on device.\n"
    assert (full.returncode, full.stderr) == (1, message)
    assert piped(f"{TOOL} show nothing 2>/dev/full").returncode == 1
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        ended = piped(f"{TOOL} search {shlex.join(CELLS)} --trials 3 {closed}")
        assert (ended.returncode, "Traceback" in ended.stderr) == (0, False)
    assert len(list(Path("runs").iterdir())) == 4


@pytest.mark.slow
def test_names_that_the_terminal_has_no_letters_for(place: Path) -> None:
    (place / "greek.py").write_text(
        "from automl.core.contracts import SearchSpace, Evaluator, Metric\n"
        "class Greek(SearchSpace):\n"
        "    name = 'greek'\n"
        "    def define(self, choose):\n"
        "        return choose.one_of('letter', ['\\u03b1', '\\u03b2', '\\u03b3'])\n"
        "class Order(Evaluator):\n"
        "    name = 'order'\n"
        "    view = None\n"
        "    metrics = (Metric('order'),)\n"
        "    def score(self, subject, context):\n"
        "        return {'order': ord(subject.candidate)}\n"
    )
    ended = subprocess.run(
        [
            TOOL,
            "search",
            "--space",
            "greek.py:Greek",
            "--proxy",
            "greek.py:Order",
            "--strategy",
            "exhaustive",
        ],
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert r"\u03b3" in ended.stdout.splitlines()[4]
