"""What is found, what is refused, and what is said about it."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from automl.core.contracts import (
    EvaluationContext,
    Evaluator,
    Metric,
    Options,
    SearchSpace,
    Strategy,
    Subject,
)
from automl.core.errors import AutomlError, OptionError, PluginError, UnknownNameError, UsageError
from automl.core.registry import (
    KINDS,
    Plugin,
    Registry,
    absolute_reference,
    check_options,
    check_part,
    file_fingerprint,
    is_file_reference,
    load_registry,
)
from tests.distributions import HOOK, write_distribution

ROOT = Path(__file__).parents[2]

Install = Callable[..., str]

_numbers = itertools.count()


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a plugin where Python finds it, and returns the name of its entry point."""
    monkeypatch.delenv("AUTOML_PLUGINS", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(text: str, **how: Any) -> str:
        module = f"plugin_for_a_test_{next(_numbers)}"  # a module is imported once a process
        write_distribution(tmp_path, module, text, **how)
        return str(how.get("entry", module))

    return write


def plugin(registry: Registry, name: str) -> Plugin:
    [found] = [plugin for plugin in registry.plugins if plugin.name == name]
    return found


def strangers(registry: Registry) -> list[str]:
    return [plugin.name for plugin in registry.plugins if not plugin.built_in]


# -- plugins ------------------------------------------------------------------------------------------


def test_a_stranger_is_found_like_a_built_in_part(install: Install) -> None:
    name = install(HOOK)
    registry = load_registry()
    found = plugin(registry, name)
    assert (found.version, found.built_in, found.api, found.error) == ("1.2", False, 1, "")
    assert found.distribution == name.replace("_", "-")
    assert found.registered == (("space", "found"),)
    assert registry.make("space", "found").name == "found"
    assert "evolution" in registry.names("strategy")


FAULTS = {
    "raises": ("raise RuntimeError('no such sensor\\nat all')", "RuntimeError: no such sensor"),
    "raises nothing to say": ("raise RuntimeError", "RuntimeError"),
    "misses an import": ("import a_module_that_is_not_there", "ModuleNotFoundError"),
    "is no Python": ("def", "SyntaxError"),
    "has no hook": ("x = 1", "has no automl_register hook"),
    "forgets to mark its hook": (
        HOOK.replace("@hookimpl", ""),
        "automl_register is not marked with @hookimpl",
    ),
    "ends the process": ("raise SystemExit(3)", "SystemExit: 3"),
    "is of another time": (HOOK.replace("API = 1", "API = 99"), "written for plugin API 99, and this is 1"),
    "is of no time": (HOOK.replace("API = 1", "API = 'one'"), "written for plugin API 'one'"),
    "raises in its hook": (HOOK + "\n    raise KeyError('later')", "KeyError: 'later'"),
    "has another hook": (HOOK.replace("(register)", "(registry)", 1), "PluginValidationError"),
    "registers no class": (
        HOOK + "\n    register.space('found')",
        "'found' is not a subclass of SearchSpace",
    ),
    "registers another kind": (
        HOOK + "\n    register.task(Found)",
        "is not a subclass of Task, which a task is",
    ),
    "registers an instance": (HOOK + "\n    register.space(Found())", "is not a subclass of SearchSpace"),
    "has no name": (HOOK.replace('"found"', "None"), "Found.name is None: a search space needs a name"),
    "shouts its name": (HOOK.replace('"found"', '"Found It"'), "Found.name is 'Found It'"),
    "defines nothing": (HOOK.replace("def define", "def defined"), "'found' does not implement define"),
    "registers twice": (
        HOOK + "\n    register.space(Found)",
        "the search space 'found' is registered already, by itself, twice",
    ),
    "takes a built-in name": (
        HOOK.replace('"found"', '"nasbench201"'),
        "the search space 'nasbench201' is registered already, by searchspaces",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_plugin_that_fails_is_reported_and_the_rest_goes_on(install: Install, fault: str) -> None:
    text, says = FAULTS[fault]
    broken = install(text)
    sound = install(HOOK.replace('"found"', '"sound"'))
    registry = load_registry()
    assert says in plugin(registry, broken).error
    assert "\n" not in plugin(registry, broken).error
    assert plugin(registry, broken).registered == ()
    assert plugin(registry, sound).error == ""
    assert "sound" in registry.names("space")
    assert "found" not in registry.names("space")
    assert "nasbench201" in registry.names("space")


def test_a_plugin_is_taken_whole_or_not_at_all(install: Install) -> None:
    second = "\n\nclass Other(Found):\n    name = 'other'\n"
    name = install(
        HOOK.replace("@hookimpl", second + "\n@hookimpl") + "\n    register.space(Other)\n    1 / 0"
    )
    registry = load_registry()
    assert plugin(registry, name).error == "ZeroDivisionError: division by zero"
    assert not {"found", "other"} & set(registry.names("space"))


def test_a_name_is_the_first_ones_by_order_of_entry_points(install: Install) -> None:
    install(HOOK, entry="b_second")
    install(HOOK, entry="a_first")
    registry = load_registry()
    assert strangers(registry) == ["a_first", "b_second"]
    assert plugin(registry, "a_first").error == ""
    assert "'found' is registered already, by a_first" in plugin(registry, "b_second").error


def test_the_same_name_may_stand_for_one_thing_of_each_kind(install: Install) -> None:
    evaluator = """
from automl.core.contracts import Evaluator, Metric

class Score(Evaluator):
    name = "found"
    metrics = (Metric("found"),)

    def score(self, subject, context):
        return {"found": 1.0}

@hookimpl
"""
    name = install(HOOK.replace("@hookimpl", evaluator) + "\n    register.evaluator(Score)")
    assert plugin(load_registry(), name).registered == (("space", "found"), ("evaluator", "found"))


def test_a_module_without_an_api_version_is_taken(install: Install) -> None:
    name = install(HOOK.replace("AUTOML_API = 1", ""))
    assert (plugin(load_registry(), name).api, plugin(load_registry(), name).error) == (None, "")


@pytest.mark.parametrize(
    ("variable", "expected"),
    [(None, ["one", "two"]), ("", []), ("two", ["two"]), (" two , one ", ["one", "two"]), (",", [])],
)
def test_a_variable_narrows_what_is_loaded(
    install: Install, monkeypatch: pytest.MonkeyPatch, variable: str | None, expected: list[str]
) -> None:
    install(HOOK, entry="one")
    install(HOOK.replace('"found"', '"sound"'), entry="two")
    if variable is not None:
        monkeypatch.setenv("AUTOML_PLUGINS", variable)
    registry = load_registry()
    assert strangers(registry) == expected
    assert "nasbench201" in registry.names("space")


def test_what_is_not_loaded_is_not_imported(install: Install) -> None:
    install("raise RuntimeError", entry="never")
    assert strangers(load_registry(only=[])) == []


def test_a_variable_that_names_nothing_is_reported(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOML_PLUGINS", "absent")
    assert "it is not installed" in plugin(load_registry(), "absent").error


def test_every_process_finds_the_same(tmp_path: Path) -> None:
    """In a process of its own, by PYTHONPATH alone, with the order of sets another one."""
    for number in range(3):
        text = HOOK.replace('"found"', f'"found{number}"')
        write_distribution(tmp_path, f"a_plugin_{number}", text)
    code = (
        "import json; from automl.core.registry import load_registry; r = load_registry();"
        "print(json.dumps([[p.name, p.error, p.registered] for p in r.plugins if not p.built_in]))"
    )
    answers = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", code],
                env={
                    **{name: value for name, value in os.environ.items() if name != "AUTOML_PLUGINS"},
                    "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
                    "PYTHONHASHSEED": seed,
                },
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for seed in ("1", "2")
    ]
    assert answers[0] == answers[1]
    assert answers[0] == [[f"a_plugin_{n}", "", [["space", f"found{n}"]]] for n in range(3)]


# -- names --------------------------------------------------------------------------------------------


def test_a_mistyped_name_gives_the_nearest() -> None:
    registry = load_registry(only=[])
    with pytest.raises(UnknownNameError) as unknown:
        registry.find("strategy", "evolutoin")
    assert "unknown strategy 'evolutoin': did you mean evolution?" in unknown.value.message
    assert unknown.value.hint == "See all with: automl plugins"


def test_a_name_that_a_broken_plugin_may_have_brought_says_so(install: Install) -> None:
    name = install("raise RuntimeError('no')")
    with pytest.raises(UnknownNameError) as unknown:
        load_registry().find("space", "found")
    assert f"Plugins that failed to load: {name}." in unknown.value.hint


class ScoreOptions(Options):
    batch: int = 16


class Score(Evaluator):
    name = "score"
    metrics = (Metric("score"),)
    Options = ScoreOptions

    def score(self, subject: Subject, context: EvaluationContext) -> dict[str, float]:
        return {"score": 1.0}


def test_options_are_checked_in_the_words_of_this_tool() -> None:
    with pytest.raises(
        UnknownNameError, match="unknown option of proxy 'score': 'bacth': did you mean batch"
    ):
        check_options(ScoreOptions, {"bacth": 3}, "proxy 'score'")
    with pytest.raises(
        OptionError, match="option 'batch' of proxy 'score' is 'many': it should be a valid integer"
    ):
        check_options(ScoreOptions, {"batch": "many"}, "proxy 'score'")
    assert check_options(ScoreOptions, {"batch": 3}, "proxy 'score'").batch == 3


@pytest.mark.parametrize("name", ["a", "a1", "nas-bench_201", "x-1"])
def test_names_that_are_allowed(name: str) -> None:
    check_part(type("Part", (Score,), {"name": name}), Evaluator, "proxy")


@pytest.mark.parametrize("name", ["", "A", "1a", "a b", "a.b", "a--b", "-a", "a-", "a\n", 3, None])
def test_names_that_are_not(name: Any) -> None:
    with pytest.raises(PluginError, match="needs a name of lower-case letters"):
        check_part(type("Part", (Score,), {"name": name}), Evaluator, "proxy")


def test_an_evaluator_has_to_evaluate() -> None:
    part = type("Idle", (Evaluator,), {"name": "idle", "metrics": (Metric("idle"),)})
    with pytest.raises(PluginError, match="proxy 'idle' implements neither score nor evaluate"):
        check_part(part, Evaluator, "proxy")


def test_every_kind_has_its_contract() -> None:
    assert KINDS["space"] is SearchSpace
    assert KINDS["strategy"] is Strategy
    for kind, contract in KINDS.items():
        with pytest.raises(PluginError, match=f"is not a subclass of {contract.__name__}"):
            check_part(int, contract, kind)


# -- files --------------------------------------------------------------------------------------------

IN_A_FILE = """
from dataclasses import dataclass
from automl.core.contracts import Options, SearchSpace


@dataclass(frozen=True)
class Pair:
    first: int
    second: int


class PairOptions(Options):
    most: int = 3


class Pairs(SearchSpace[Pair]):
    name = "pairs"
    Options = PairOptions

    def define(self, choose):
        return Pair(choose.integer("first", 1, self.options.most), choose.integer("second", 1, 2))
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my spaces.py"
    path.write_text(IN_A_FILE)
    return path


def test_a_class_in_a_file_is_found_by_its_name_or_alone(file: Path) -> None:
    registry = load_registry(only=[])
    named, alone = registry.find("space", f"{file}:Pairs"), registry.find("space", str(file))
    assert named is alone
    assert registry.make("space", str(file), {"most": 5}).size() == 10
    with pytest.raises(UnknownNameError, match="'mots': did you mean most"):
        registry.make("space", str(file), {"mots": 5})


def test_a_file_that_changed_is_another_module(file: Path) -> None:
    registry = load_registry(only=[])
    before, print_before = registry.find("space", str(file)), file_fingerprint(f"{file}:Pairs")
    file.write_text(IN_A_FILE.replace("most: int = 3", "most: int = 4"))
    after, print_after = registry.find("space", str(file)), file_fingerprint(f"{file}:Pairs")
    assert (before().size(), after().size()) == (6, 8)
    assert print_before != print_after


@pytest.mark.parametrize(
    ("text", "reference", "says"),
    [
        (None, "{file}", "no file .*my spaces.py': expected a Python file that holds the search space"),
        ("x = 1", "{file}", "unknown search space in .*: '': there are none"),
        ("x = 1", "{file}:Pairs", "unknown search space in .*: 'Pairs': there are none"),
        (IN_A_FILE, "{file}:Pears", "'Pears': did you mean Pairs"),
        (IN_A_FILE, "{file}:Pair", "'Pair': did you mean Pairs"),
        (IN_A_FILE + "\nclass More(Pairs):\n    name = 'more'\n", "{file}", "there are: More, Pairs"),
        ("x = 1\n1 / 0\n", "{file}", r"does not import: ZeroDivisionError: division by zero. \(line 2\)"),
        ("x = 1\ny = 2\ndef\n", "{file}", r"does not import: SyntaxError: .* \(line 3\)"),
        ("import sys\nsys.exit(1)\n", "{file}", r"does not import: SystemExit: 1. \(line 2\)"),
        ("import json\njson.loads('{')\n", "{file}", r"JSONDecodeError: .* \(line 2\)"),
        (IN_A_FILE.replace('"pairs"', '"Pairs!"'), "{file}", "Pairs.name is 'Pairs!'"),
        (IN_A_FILE.replace("def define", "def undefine"), "{file}", "'pairs' does not implement define"),
        ("from automl.core.errors import DataError\nraise DataError('no disk')", "{file}", "no disk"),
    ],
)
def test_a_file_that_does_not_do_says_why(
    tmp_path: Path, text: str | None, reference: str, says: str
) -> None:
    path = tmp_path / "my spaces.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(AutomlError, match=says):
        load_registry(only=[]).find("space", reference.format(file=path))


def test_a_file_that_failed_may_be_mended(file: Path) -> None:
    file.write_text("1 / 0")
    registry = load_registry(only=[])
    with pytest.raises(UsageError):
        registry.find("space", str(file))
    file.write_text(IN_A_FILE)
    assert registry.find("space", str(file)).name == "pairs"


def test_what_is_imported_into_a_file_is_not_the_files(file: Path) -> None:
    (file.parent / "other.py").write_text("from automl.testing import ConvSpace\n" + IN_A_FILE)
    assert load_registry(only=[]).find("space", str(file.parent / "other.py")).name == "pairs"


def test_a_class_of_another_kind_is_not_found(file: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown proxy in .*: 'Pairs': there are none"):
        load_registry(only=[]).find("evaluator", f"{file}:Pairs")


def test_references_are_told_from_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_file_reference("a.py")
    assert is_file_reference("../b/a.py:Space")
    assert not is_file_reference("nasbench201")
    assert not is_file_reference("a.pyx:Space")
    assert absolute_reference("a.py:Space") == f"{tmp_path.resolve()}/a.py:Space"
    assert absolute_reference("a.py") == f"{tmp_path.resolve()}/a.py"
    assert absolute_reference("nasbench201") == "nasbench201"


def test_a_file_may_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "neighbour_of_the_space.py").write_text("WIDTHS = [1, 2, 3]\n")
    file = tmp_path / "space.py"
    file.write_text(
        "from automl.core.contracts import SearchSpace\n"
        "from neighbour_of_the_space import WIDTHS\n"
        "class Near(SearchSpace):\n"
        "    name = 'near'\n"
        "    def define(self, choose): return choose.one_of('width', WIDTHS)\n"
    )
    space = load_registry(only=[]).make("space", f"{file}:Near")
    assert space.size() == 3


def test_a_folder_with_a_colon_holds_files_too(tmp_path: Path) -> None:
    folder = tmp_path / "a:b"
    folder.mkdir()
    (folder / "x.py").touch()
    assert is_file_reference(f"{folder}/x.py:Class")
    assert absolute_reference(f"{folder}/../a:b/x.py:Class") == f"{folder}/x.py:Class"
    assert not is_file_reference("nasbench201")
