"""What is plugged in, and what is broken, as ``automl plugins`` shows it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.core.cli.tool import CELLS, PARTS, Tool

HOOK = """
from automl.core.contracts import Evaluator, Metric, Options, SearchSpace
from automl.core.hookspecs import hookimpl
AUTOML_API = {api}

class MineOptions(Options):
    depth: int = 3
    label: str | None = None

class Mine(SearchSpace):
    \"\"\"A space of a stranger's:
    ``mine``.

    More of it, which is too long for a list.
    \"\"\"
    name = "{name}"
    Options = MineOptions
    def define(self, choose):
        return choose.integer("x", 0, 9)

@hookimpl
def automl_register(register):
    register.space(Mine)
    {more}
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed distributions."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def install(site: Path, name: str, content: str) -> None:
    """A distribution with one plugin, as pip would leave it."""
    info = site / f"automl_{name}-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: automl-{name}\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text(f"[automl]\n{name} = automl_{name}\n")
    (site / f"automl_{name}.py").write_text(content)


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """One plugin that is sound, and one of each kind that is not."""
    install(site, "sound", HOOK.format(api=1, name="mine", more=""))
    install(site, "raising", "raise RuntimeError('no licence found')")
    install(site, "twice", HOOK.format(api=1, name="doubled", more="register.space(Mine)"))
    install(site, "taken", HOOK.format(api=1, name="nasbench201", more=""))
    install(site, "old", HOOK.format(api=0, name="ancient", more=""))
    install(site, "hookless", "AUTOML_API = 1")
    monkeypatch.setenv("AUTOML_PLUGINS", "sound,raising,twice,taken,old,hookless,absent")
    before = set(sys.modules)
    yield
    for name in [name for name in set(sys.modules) - before if name.startswith("automl_")]:
        del sys.modules[name]


EXPECTED = {
    "raising": "RuntimeError: no licence found",
    "twice": "the search space 'doubled' is registered already, by itself, twice",
    "taken": "the search space 'nasbench201' is registered already, by searchspaces",
    "old": "it was written for plugin API 0, and this is 1: install a version of automl-old",
    "hookless": "module 'automl_hookless' has no automl_register hook",
    "absent": "AUTOML_PLUGINS names it, but it is not installed",
}


@pytest.mark.usefixtures("installed")
def test_broken_plugins_are_shown_and_the_rest_works(tool: Tool) -> None:
    result = tool("plugins", "--json")
    assert (result.code, result.err) == (0, "")
    errors = {plugin["name"]: plugin["error"] for plugin in result.json["plugins"] if plugin["error"]}
    assert errors.keys() == EXPECTED.keys()
    for name, expected in EXPECTED.items():
        assert errors[name].startswith(expected)
    mine = [part for part in result.json["parts"] if part["name"] == "mine"]
    assert mine == [
        {
            "kind": "space",
            "name": "mine",
            "plugin": "sound",
            "distribution": "automl-sound",
            "version": "1.5",
            "built_in": False,
            "summary": "A space of a stranger's: mine.",
            "options": [
                {"name": "depth", "default": 3, "description": ""},
                {"name": "label", "default": None, "description": ""},
            ],
        }
    ]
    assert tool("search", "--space", "mine", "--proxy", f"{PARTS}:Never", "--dry-run").code == 0


@pytest.mark.usefixtures("installed")
def test_broken_plugins_as_people_see_them(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    parts, broken = tool("plugins").out.split("\n\n")
    assert "A space of a stranger's: mine." in parts
    assert "options: depth=3, label" in parts
    assert "from: automl-sound 1.5" in parts
    heading, _, *lines = broken.splitlines()
    assert heading.split() == ["not", "loaded", "from", "why"]
    assert {line.split()[0] for line in lines if not line.startswith(" ")} == EXPECTED.keys()
    assert max(map(len, [*parts.splitlines(), *lines])) <= 100


@pytest.mark.usefixtures("installed")
def test_a_name_that_a_broken_plugin_would_have_brought(tool: Tool) -> None:
    result = tool("search", "--space", "ancient", "--proxy", f"{PARTS}:Never")
    assert result.code == 2
    assert "Plugins that failed to load: " in result.err
    assert "See all with: automl plugins" in result.err


@pytest.mark.usefixtures("installed")
def test_the_doctor_names_them(tool: Tool) -> None:
    result = tool("doctor", "--json")
    assert result.code == 1
    assert "plugin 'raising': RuntimeError: no licence found" in result.json["problems"]
    assert f"{len(EXPECTED)} failed" in result.json["facts"]["plugins"]


def test_what_is_built_in_is_listed_with_its_options(tool: Tool) -> None:
    result = tool("plugins", "--json")
    parts = {(part["kind"], part["name"]): part for part in result.json["parts"]}
    assert {("space", "nasbench201"), ("evaluator", "ntk"), ("strategy", "evolution")} <= parts.keys()
    assert all(part["built_in"] and part["summary"] for part in parts.values())
    options = {option["name"]: option["default"] for option in parts["strategy", "evolution"]["options"]}
    dry = tool("search", *CELLS, "--dry-run", "--json").json
    assert dry["strategy"] == {"name": "evolution", **options}


def test_without_problems_the_doctor_is_content(tool: Tool) -> None:
    result = tool("doctor")
    assert result.code == 0, result.out
    assert "No problems." in result.out
    assert tool("doctor", "--json").json["problems"] == []
