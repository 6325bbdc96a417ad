"""What cannot be done is said in one line before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.core.cli.tool import CELLS, PARTS, Tool, assert_refused

CELL, CONVOLUTIONS = f"{PARTS}:Cell", f"{PARTS}:Convolutions"

USAGE = [
    # names that nothing has
    (["search", "--space", "nasbench20", "--proxy", CONVOLUTIONS], "'nasbench20': did you mean nasbench201?"),
    (["search", "--space", CELL, "--proxy", "nkt"], "unknown proxy 'nkt': did you mean ntk?"),
    ([*("search", *CELLS), "--strategy", "evoluton"], "unknown strategy 'evoluton': did you mean evolution?"),
    ([*("search", *CELLS), "--task", "digit"], "unknown task 'digit': did you mean digits?"),
    ([*("search", *CELLS), "--set", "space.noodles=3"], "'noodles': did you mean nodes?"),
    ([*("search", *CELLS), "--set", f"proxy.{CONVOLUTIONS}.weigt=3"], "'weigt': did you mean weight?"),
    ([*("search", *CELLS), "--set", "strategy.poplation=3"], "'poplation': did you mean population?"),
    ([*("search", *CELLS), "--set", "seeds=3"], "option of the settings: 'seeds': did you mean seed"),
    ([*("search", *CELLS), "--objective", "convolution"], "metric 'convolution': did you mean convolutions"),
    ([*("search", *CELLS), "--trails", "3"], "No such option '--trails'"),
    (["serach"], "unknown command 'serach': did you mean search?"),
    (["runs", "lst"], "unknown command 'lst': did you mean list?"),
    # things in files
    (["search", "--space", f"{PARTS}:Sell", "--proxy", CONVOLUTIONS], "'Sell': did you mean Cell?"),
    (["search", "--space", CONVOLUTIONS, "--proxy", CONVOLUTIONS], "'Convolutions': there are: Cell."),
    (["search", "--space", "missing.py:Cell", "--proxy", CONVOLUTIONS], "missing.py': expected a"),
    # what is not named
    (["search"], "no search space is named: there are nasbench201."),
    (["search", "--space", CELL], "no proxy is named: there are"),
    (["search", "--proxy", CONVOLUTIONS, "--set", "space.nodes=3"], "no search space is named"),
    (["search", "--space"], "'--space' requires an argument. See: automl search --help"),
    (["show"], "Missing argument 'RUN'"),
    (["score", *CELLS], "Missing argument 'CANDIDATE'"),
    ([*("search", *CELLS), "more"], "unexpected extra argument (more)"),
    # values that are out of range, or none at all
    ([*("search", *CELLS), "--trials", "0"], "'trials' of the settings is 0: it should be greater"),
    ([*("search", *CELLS), "--trials", "-1"], "'trials' of the settings is -1: it should be greater"),
    ([*("search", *CELLS), "--trials", "abc"], "'--trials': 'abc' is not a valid integer"),
    ([*("search", *CELLS), "--set", "trials=2.5"], "'trials' of the settings is 2.5"),
    ([*("search", *CELLS), "--seed", "-1"], "'seed' of the settings is -1"),
    ([*("search", *CELLS), "--seed", str(2**63)], "'seed' of the settings is 9223372036854775808"),
    ([*("search", *CELLS), "--window", "0"], "'window' of the settings is 0"),
    ([*("search", *CELLS), "--threads", "0"], "'threads' of the settings is 0"),
    ([*("search", *CELLS), "--workers", "0"], "'workers' of the settings is 0"),
    ([*("search", *CELLS), "--timeout", "x"], "'x': expected seconds or a form like 90s, 10m, 1h30m."),
    ([*("search", *CELLS), "--max-time", "soon"], "duration 'soon': expected seconds or a form like"),
    ([*("search", *CELLS), "--max-time", "0"], "'max_time' of the settings is 0.0: it should be greater"),
    ([*("search", *CELLS), "--cache", "maybe"], "'maybe' is not one of 'run', 'off'"),
    ([*("search", *CELLS), "--device", "banana"], "device 'banana' cannot be used"),
    ([*("search", *CELLS), "--top", "0"], "'--top': 0 is not in the range x>=1"),
    ([*("search", *CELLS), "--set", "strategy.population=0"], "'population' of strategy 'evolution' is 0"),
    ([*("search", *CELLS), "--set", f"proxy.{CONVOLUTIONS}.weight=x"], "'weight' of proxy"),
    (["search", "--space", CELL, "--proxy", "ntk", "--set", "proxy.ntk.batch=1"], "'batch' of proxy 'ntk'"),
    ([*("search", *CELLS), "--objective", "convolutions:up"], "expected convolutions:max or"),
    # texts that do not parse
    ([*("search", *CELLS), "--set", "space.nodes"], "expected NAME=VALUE"),
    ([*("search", *CELLS), "--set", "space..nodes=1"], "expected NAME=VALUE"),
    ([*("search", *CELLS), "--set", "space=5"], "'space' of the settings is 5: it should be a table"),
    ([*("search", *CELLS), "--set", "proxy=5"], "'proxy' of the settings is 5: it should be a table"),
    ([*("search", *CELLS), "--set", "proxy=[5]"], "proxy 5: expected a name"),
    ([*("search", *CELLS), "--set", "proxy.ntk=5"], "proxy 'ntk' is 5: expected a table of its options"),
    (["score", "{", *CELLS], "is not JSON"),
    (["score", "|sum~0|+|none~0|none~1|+|none~0|none~1|none~2|", *CELLS], "none of search space 'cell'"),
    (["score", "cell", *CELLS], "An example: '|"),
    (["score", '{"edge_0":"none"}', *CELLS], "the genotype lacks the choice 'edge_1'"),
    (["score", "|none~0|", "--space", "nasbench201", "--proxy", "params"], "1 group of edges, expected 3"),
    # things that do not go together
    ([*("search", *CELLS), "--proxy", CONVOLUTIONS], "Convolutions' is given twice."),
    ([*("search", *CELLS), "--objective", "convolutions", "--objective", "convolutions:min"], "given twice"),
    (["search", "--space", CELL, "--proxy", f"{PARTS}:Layered"], "needs the 'layer' view", "Proxies that"),
    ([*("search", *CELLS), "--data", "folder"], "task 'digits' reads no folder. Tasks that do: images."),
    ([*("search", *CELLS), "--task", "images"], "Type --task images --data FOLDER"),
    ([*("search", *CELLS), "--set", "proxy.ntk.batch=32"], "unknown proxy in --set: 'ntk'", "--proxy ntk"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "fragments"), [(a, f) for a, *f in USAGE], ids=str)
def test_a_mistake_in_what_was_typed(tool: Tool, arguments: list[str], fragments: list[str]) -> None:
    assert_refused(tool(*arguments), 2, *fragments)


def test_a_space_whose_options_make_no_candidates(tool: Tool, place: Path) -> None:
    (place / "narrow.py").write_text(
        "from automl.core.contracts import SearchSpace\n"
        "class Narrow(SearchSpace):\n"
        "    name = 'narrow'\n"
        "    def define(self, choose):\n"
        "        return choose.integer('width', 3, 2)\n"
    )
    result = tool("search", "--space", "narrow.py:Narrow", "--proxy", CONVOLUTIONS)
    assert_refused(result, 1, "choice 'width': expected integers low <= high, got 3 and 2.")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("import no_such_module\n", "mine.py does not import: ModuleNotFoundError: No module named 'no_such"),
        ("x = 1\n\ny = 1 / 0\n", "mine.py does not import: ZeroDivisionError: division by zero. (line 3)"),
        ("class Cell(\n", "mine.py does not import: SyntaxError"),
        ("", "'Cell': there are none."),
    ],
)
def test_a_file_that_is_no_plugin(tool: Tool, place: Path, content: str, expected: str) -> None:
    (place / "mine.py").write_text(content)
    assert_refused(tool("search", "--space", "mine.py:Cell", "--proxy", CONVOLUTIONS), 2, expected)


def test_the_traceback_is_there_with_debug_alone(tool: Tool) -> None:
    arguments = ["search", *CELLS, "--strategy", "evoluton"]
    plain, debugged = tool(*arguments), tool(*arguments, "--debug")
    assert "Traceback" not in plain.err
    assert debugged.err.startswith("Traceback (most recent call last)")
    assert debugged.err.endswith(plain.err)
    assert debugged.code == plain.code == 2
    assert tool("--debug", *arguments).err.endswith(plain.err)


def test_an_error_that_nobody_foresaw(tool: Tool, place: Path) -> None:
    (place / "odd.py").write_text(
        "from automl.core.contracts import SearchSpace\n"
        "class Odd(SearchSpace):\n"
        "    name = 'odd'\n"
        "    def define(self, choose):\n"
        "        raise RuntimeError('first line\\nsecond line')\n"
    )
    result = tool("search", "--space", "odd.py:Odd", "--proxy", CONVOLUTIONS)
    assert_refused(result, 1, "RuntimeError: first line. This should not have happened", "--debug")


# -- settings from elsewhere --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("seeds = 5\n", "unknown option of the settings: 'seeds': did you mean seed"),
        ("trials = 0\n", "'trials' of the settings is 0"),
        ("trials = \n", "settings file 'my settings.toml' does not parse: Invalid value (at line 1"),
        ("[space]\nnodels = 3\n", "'nodels': did you mean nodes?"),
        ("[strategy]\npoplation = 3\n", "'poplation': did you mean population?"),
        ("proxy = [1]\n", "proxy 1: expected a name"),
        ('trials = "a\u0000"', "settings file 'my settings.toml' does not parse"),
    ],
)
def test_a_settings_file_that_is_wrong(tool: Tool, place: Path, content: str, expected: str) -> None:
    (place / "my settings.toml").write_text(content)
    assert_refused(tool("search", *CELLS, "--config", "my settings.toml"), 2, expected)


def test_a_wrong_setting_names_the_file_that_it_stands_in(tool: Tool, place: Path) -> None:
    (place / "my.toml").write_text("trails = 5\n")
    assert_refused(
        tool("search", *CELLS, "--config", "my.toml"), 2, "settings file 'my.toml': unknown option"
    )


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("missing.toml", None, "cannot be read: No such file or directory."),
        (".", None, "cannot be read: Is a directory."),
        ("torn.json", b'{"settings": {"trials": 5', "does not parse: Expecting"),
        ("list.json", b"[1, 2]", "expected a table of settings."),
        ("latin.toml", "objective = 'größe'".encode("latin-1"), "it is not UTF-8 text."),
    ],
)
def test_a_settings_file_that_cannot_be_read(
    tool: Tool, place: Path, name: str, content: bytes | None, expected: str
) -> None:
    if content is not None:
        (place / name).write_bytes(content)
    assert_refused(tool("search", *CELLS, "--config", name), 2, f"settings file '{name}'", expected)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        (
            "AUTOML_TRIALS",
            "abc",
            "environment variable AUTOML_TRIALS: option 'trials' of the settings is 'abc'",
        ),
        ("AUTOML_UNKNOWN", "1", "unknown environment variable 'AUTOML_UNKNOWN'"),
        ("AUTOML_TRIAL", "1", "unknown environment variable 'AUTOML_TRIAL': did you mean AUTOML_TRIALS"),
        ("AUTOML_MAX_TIME", "soon", "environment variable AUTOML_MAX_TIME: duration 'soon'"),
        ("AUTOML_SPACE__NODELS", "3", "'nodels': did you mean nodes?"),
        ("AUTOML_STRATEGY", "evoluton", "unknown strategy 'evoluton': did you mean evolution?"),
    ],
)
def test_a_variable_that_is_wrong(
    tool: Tool, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert_refused(tool("search", *CELLS), 2, expected)
    assert tool("runs").code == 0  # what does not search does not mind


# -- folders ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "code", "expected"),
    [("file", 2, "'--out': Directory 'file' is a file"), ("file/runs", 1, "Choose another folder.")],
)
def test_a_folder_of_runs_that_cannot_be_made(
    tool: Tool, place: Path, folder: str, code: int, expected: str
) -> None:
    (place / "file").write_text("")
    result = tool("search", *CELLS, "--out", folder)
    assert_refused(result, code, expected)
    assert [path.name for path in place.iterdir()] == ["file"]


def test_a_folder_of_runs_in_which_nothing_may_be_written(tool: Tool) -> None:
    assert_refused(tool("search", *CELLS, "--out", "/proc/self/runs"), 1, "cannot be made", "another folder")


def test_doctor_says_where_runs_cannot_go(tool: Tool, place: Path) -> None:
    (place / "file").write_text("")
    result = tool("doctor", "--out", "file/runs", "--json")
    assert result.code == 1
    [problem] = [text for text in result.json["problems"] if "runs cannot be written" in text]
    assert "Choose another folder with --out." in problem


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("drawing.gif", 2, "expected a name that ends in .png, .svg, .pdf."),
        ("drawing", 2, "expected a name that ends in .png, .svg, .pdf."),
        ("missing/drawing.svg", 1, "cannot be written: No such file or directory."),
        ("file/drawing.png", 1, "cannot be written: Not a directory."),
    ],
)
def test_a_picture_that_cannot_be_drawn(tool: Tool, place: Path, name: str, code: int, expected: str) -> None:
    (place / "file").write_text("")
    assert tool("search", *CELLS, "--trials", "3").code == 0
    result = tool("show", "last", "--picture", name)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("automl: error: picture ")
    assert expected in result.err
    assert sorted(path.name for path in place.iterdir()) == ["file", "runs"]


def test_a_record_of_settings_is_no_way_around_the_checks(tool: Tool, place: Path) -> None:
    """``run.json`` comes as a settings file like any other."""
    assert tool("search", *CELLS, "--trials", "3").code == 0
    [manifest] = place.glob("runs/*/run.json")
    content = json.loads(manifest.read_text())
    content["settings"]["strategy"]["population"] = 0
    (place / "run.json").write_text(json.dumps(content))
    result = tool("search", "--config", "run.json")
    assert (result.code, result.out) == (2, "")
    assert "'population' of strategy 'evolution' is 0" in result.err
