"""Where settings come from, which of them wins, and what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.core.errors import OptionError, ParseError, UnknownNameError, UsageError
from automl.core.settings import (
    Settings,
    from_environment,
    merge,
    parse_assignment,
    parse_duration,
    read_config,
    settings_from,
    spell_out,
)

LEAST = {"space": "cells", "proxy": "ntk"}


def settled(*layers: Mapping[str, Any]) -> Settings:
    """The settings of some layers, the lowest first."""
    table: dict[str, Any] = {}
    for layer in layers:
        table = merge(table, layer)
    return settings_from(table)


# -- defaults and forms -------------------------------------------------------------------------------


def test_a_space_and_a_proxy_are_enough() -> None:
    settings = settled(LEAST)
    assert settings.space == {"name": "cells"}
    assert settings.proxy == {"ntk": {}}
    assert (settings.strategy, settings.task) == ({"name": "evolution"}, {"name": "digits"})
    assert (settings.trials, settings.seed, settings.workers, settings.threads) == (200, 0, 1, 1)
    assert (settings.window, settings.timeout, settings.max_time) == (None, None, None)
    assert (settings.objective, settings.device, settings.cache) == ((), "cpu", "run")


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ({"space": "cells"}, {"space": {"name": "cells"}}),
        (
            {"task": "images", "strategy": "random"},
            {"task": {"name": "images"}, "strategy": {"name": "random"}},
        ),
        ({"proxy": "ntk"}, {"proxy": {"ntk": {}}}),
        ({"proxy": ["ntk", "params"]}, {"proxy": {"ntk": {}, "params": {}}}),
        ({"proxy": {"ntk": {"batch": 3}}}, {"proxy": {"ntk": {"batch": 3}}}),
        ({"trials": 3}, {"trials": 3}),
    ],
)
def test_short_forms_are_spelled_out(short: dict[str, Any], long: dict[str, Any]) -> None:
    assert spell_out(short) == long
    assert spell_out(long) == long


def test_proxies_stay_in_their_order() -> None:
    assert list(settled({"space": "cells", "proxy": ["z", "a", "m"]}).proxy) == ["z", "a", "m"]


def test_options_without_a_name_are_those_of_the_default() -> None:
    settings = settled(LEAST, {"strategy": {"population": 5}})
    assert settings.strategy == {"name": "evolution", "population": 5}
    assert settings.options_of("strategy") == {"population": 5}


def test_a_file_is_meant_from_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = settled({"space": "mine.py:Space", "proxy": ["score.py", "ntk"]})
    assert settings.space["name"] == f"{tmp_path.resolve()}/mine.py:Space"
    assert list(settings.proxy) == [f"{tmp_path.resolve()}/score.py", "ntk"]


def test_settings_are_what_their_record_says() -> None:
    settings = settled(
        LEAST, {"objective": ["ntk:max", "params:min"], "max_time": "90s", "proxy": ["ntk", "params"]}
    )
    record = json.loads(json.dumps(settings.model_dump(mode="json")))
    assert settings_from(record) == settings
    assert settled(record) == settings


# -- what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ({"trails": 3}, "unknown option of the settings: 'trails': did you mean trials"),
        ({"trials": 0}, "option 'trials' of the settings is 0: it should be greater than or equal to 1."),
        ({"trials": "many"}, "option 'trials' of the settings is 'many': it should be a valid integer"),
        ({"seed": -1}, "option 'seed' of the settings is -1"),
        ({"seed": 2**63}, "it should be less than 9223372036854775808"),
        ({"cache": "maybe"}, "option 'cache' of the settings is 'maybe': it should be 'run' or 'off'"),
        ({"space": 3}, "option 'space' of the settings is 3: it should be a table"),
        ({"space": {"channels": 8}, "task": {}}, "expected a name, such as 'nasbench201'"),
        ({"proxy": []}, "option 'proxy' of the settings is {}"),
        ({"proxy": ["ntk", "ntk"]}, "proxy 'ntk' is given twice"),
        ({"proxy": {"ntk": 3}}, "proxy 'ntk' is 3: expected a table of its options"),
        ({"proxy": [3]}, "proxy 3: expected a name, such as 'ntk'"),
        ({"max_time": "soon"}, "duration 'soon': expected seconds or a form like 90s, 10m, 1h30m."),
        ({"max_time": 0}, "option 'max_time' of the settings is 0: it should be greater than 0"),
        ({"timeout": -1.0}, "option 'timeout' of the settings is -1.0"),
        ({"window": 0}, "option 'window' of the settings is 0"),
    ],
)
def test_what_cannot_be_set_is_refused(layer: dict[str, Any], says: str) -> None:
    table = {**LEAST, **layer}
    with pytest.raises(UsageError) as refused:
        settings_from(table)
    assert says in str(refused.value)


@pytest.mark.parametrize("missing", ["space", "proxy"])
def test_a_space_and_a_proxy_are_needed(missing: str) -> None:
    table = {name: value for name, value in LEAST.items() if name != missing}
    with pytest.raises(OptionError, match=f"option '{missing}' of the settings"):
        settings_from(table)


# -- layers -------------------------------------------------------------------------------------------


def test_the_upper_layer_wins() -> None:
    settings = settled(LEAST, {"trials": 10, "seed": 1}, {"trials": 20})
    assert (settings.trials, settings.seed) == (20, 1)


def test_options_are_added_to_the_same_thing() -> None:
    settings = settled({"space": {"name": "cells", "channels": 8}, "proxy": "ntk"}, {"space": {"stem": 4}})
    assert settings.space == {"name": "cells", "channels": 8, "stem": 4}


def test_another_thing_brings_its_own_options() -> None:
    below = {"strategy": {"name": "evolution", "population": 5}, "space": {"name": "cells", "channels": 8}}
    settings = settled(LEAST, below, {"strategy": "random", "space": "cells"})
    assert settings.strategy == {"name": "random"}
    assert settings.space == {"name": "cells", "channels": 8}


def test_options_may_come_before_the_name() -> None:
    settings = settled({"space": {"channels": 8}}, {"space": "cells", "proxy": "ntk"})
    assert settings.space == {"name": "cells", "channels": 8}


def test_a_list_of_proxies_replaces_the_list_and_keeps_their_options() -> None:
    below = {"space": "cells", "proxy": {"ntk": {"batch": 3}, "params": {}}}
    assert settled(below, {"proxy": ["macs", "ntk"]}).proxy == {"macs": {}, "ntk": {"batch": 3}}


def test_a_table_of_proxies_adds_to_the_list() -> None:
    below = {"space": "cells", "proxy": ["ntk", "params"]}
    settings = settled(below, {"proxy": {"ntk": {"batch": 3}}}, {"proxy": {"ntk": {"repeats": 2}}})
    assert settings.proxy == {"ntk": {"batch": 3, "repeats": 2}, "params": {}}
    assert list(settings.proxy) == ["ntk", "params"]


LAYERS = st.fixed_dictionaries(
    {},
    optional={
        "trials": st.integers(1, 9),
        "space": st.fixed_dictionaries(
            {"name": st.sampled_from(["a", "b"])}, optional={"x": st.integers(0, 3)}
        ),
        "proxy": st.one_of(
            st.lists(st.sampled_from(["p", "q"]), min_size=1, unique=True),
            st.dictionaries(
                st.sampled_from(["p", "q"]), st.fixed_dictionaries({}, optional={"y": st.integers(0, 3)})
            ),
        ),
    },
)


@given(LAYERS, LAYERS)
def test_merging_changes_neither_layer_and_nothing_changes_nothing(
    lower: dict[str, Any], upper: dict[str, Any]
) -> None:
    spelled = json.dumps([lower, upper])
    merge(lower, upper)
    assert json.dumps([lower, upper]) == spelled
    assert merge(lower, {}) == merge({}, lower) == merge(lower, lower) == spell_out(lower)


# -- files --------------------------------------------------------------------------------------------


def test_a_settings_file_is_toml(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('space = "cells"\ntrials = 5\n[proxy.ntk]\nbatch = 3\n')
    assert read_config(path) == {"space": "cells", "trials": 5, "proxy": {"ntk": {"batch": 3}}}


def test_the_record_of_a_run_is_a_settings_file(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    settings = settled(LEAST, {"trials": 7})
    path.write_text(json.dumps({"id": "a run", "settings": settings.model_dump(mode="json")}))
    assert settings_from(read_config(path)) == settings


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("settings.toml", None, "cannot be read: No such file or directory"),
        ("settings.toml", b"space =", "does not parse"),
        ("settings.toml", b"\xff\xfe", "cannot be read: it is not UTF-8 text"),
        ("run.json", b"{", "does not parse"),
        ("run.json", b"[1, 2]", "expected a table of settings"),
    ],
)
def test_a_file_of_no_use_says_why(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ParseError, match=says) as refused:
        read_config(tmp_path / name)
    assert name in refused.value.message


# -- the environment ----------------------------------------------------------------------------------


def test_variables_are_settings() -> None:
    table = from_environment(
        {
            "AUTOML_SPACE": "cells",
            "AUTOML_SPACE__CHANNELS": "8",
            "AUTOML_PROXY": '["ntk", "params"]',
            "AUTOML_PROXY__NTK__BATCH": "32",
            "AUTOML_TRIALS": "50",
            "AUTOML_MAX_TIME": "10m",
            "AUTOML_PLUGINS": "mine",
            "PATH": "/bin",
        }
    )
    settings = settings_from(table)
    assert settings.space == {"name": "cells", "channels": 8}
    assert settings.proxy == {"ntk": {"batch": 32}, "params": {}}
    assert (settings.trials, settings.max_time) == (50, 600.0)


def test_a_mistyped_variable_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="variable 'AUTOML_TRAILS': did you mean AUTOML_TRIALS"):
        from_environment({"AUTOML_TRAILS": "3"})


# -- assignments --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("trials=5", {"trials": 5}),
        (" trials = 5 ", {"trials": 5}),
        ("space.channels=8", {"space": {"channels": 8}}),
        ("proxy.ntk.batch=32", {"proxy": {"ntk": {"batch": 32}}}),
        ("proxy.a/my_score.py:Mine.batch=32", {"proxy": {"a/my_score.py:Mine": {"batch": 32}}}),
        ("proxy.my.score.py.batch=32", {"proxy": {"my.score.py": {"batch": 32}}}),
        ("a=1.5", {"a": 1.5}),
        ("a=true", {"a": True}),
        ("a=True", {"a": "True"}),
        ("a=some text", {"a": "some text"}),
        ('a="5"', {"a": "5"}),
        ("a=[1, 2]", {"a": [1, 2]}),
        ("a={b = 1}", {"a": {"b": 1}}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
    ],
)
def test_assignments_are_read_as_toml_where_they_can_be(text: str, table: dict[str, Any]) -> None:
    assert parse_assignment(text) == table


@pytest.mark.parametrize("text", ["", "trials", "=5", ".a=5", "a..b=5", "a.=5"])
def test_other_assignments_are_refused(text: str) -> None:
    with pytest.raises(ParseError, match="expected NAME=VALUE"):
        parse_assignment(text)


# -- durations ----------------------------------------------------------------------------------------


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_durations_add_up(days: int, hours: int, minutes: int, seconds: int) -> None:
    expected = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    assert parse_duration(f"{days}d{hours}h{minutes}m{seconds}s") == expected
    assert parse_duration(str(seconds)) == seconds


@given(st.floats(0, 1e6).map(lambda value: round(value, 3)))
def test_durations_may_have_fractions(seconds: float) -> None:
    assert math.isclose(parse_duration(f"{seconds:.3f}"), seconds)
    assert math.isclose(parse_duration(f"{seconds:.3f}m"), 60 * seconds)


@pytest.mark.parametrize(
    "text", ["", "s", "1x", "h1", "1h 30m", "-5", "1e3", "10ms", "nan", "inf", "5 s", "1h30"]
)
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ParseError, match="expected seconds or a form like"):
        parse_duration(text)
