"""The settings of a run, and where they come from.

defaults < ``--config FILE.toml`` < environment (``AUTOML_…``) < flags and ``--set a.b=c``. They are merged as
plain nested tables and checked once, at the end. The resolved settings stand in ``run.json``, which is
itself a valid ``--config``.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from automl.core.contracts import Options
from automl.core.errors import OptionError, ParseError, UnknownNameError
from automl.core.registry import absolute_reference, check_options

Table = dict[str, Any]

_PARTS = ("space", "task", "strategy")
_RESERVED_VARIABLES = {"AUTOML_PLUGINS", "AUTOML_SHARED", "AUTOML_RUNS"}
_PROXY_IN_A_FILE = re.compile(r"proxy\.(.+\.py(?::\w+)?)\.([^/]+)")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Settings(Options):
    """All that a run depends on, besides the software and the machine.

    ``space``, ``task`` and ``strategy`` are tables of a ``name`` and that thing's options; ``proxy`` is a
    table of options by proxy, in the order in which they run.
    """

    space: Table
    proxy: dict[str, Table] = Field(min_length=1)
    objective: tuple[str, ...] = ()
    """``NAME`` or ``NAME:max`` or ``NAME:min``; by default the first proxy's main metric."""
    strategy: Table = Field(default={"name": "evolution"})
    task: Table = Field(default={"name": "digits"})
    trials: int = Field(default=200, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**63)
    max_time: float | None = Field(default=None, gt=0)
    """Seconds after which nothing new is proposed."""
    workers: int = Field(default=1, ge=1, le=1)
    window: int | None = Field(default=None, ge=1)
    """How many proposals may be without a result; by default 1 with one worker, else twice the workers."""
    threads: int = Field(default=1, ge=1, le=1024)
    """Threads of one evaluation. A part of the result: sums in another order differ in their last bits."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds that one evaluation may take; with it, evaluations run in a child process."""
    device: str = "cpu"
    cache: Literal["run", "off"] = "run"
    """``run``: a candidate equal to an earlier one of the run takes its outcome. ``off``: never."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        full = spell_out(given)
        for part in ("strategy", "task"):
            if isinstance(full.get(part), dict):  # options alone are those of the default one
                full[part] = {**cls.model_fields[part].default, **full[part]}
        return full

    @field_validator("max_time", "timeout", mode="before")
    @classmethod
    def _duration(cls, value: Any) -> Any:
        return parse_duration(value) if isinstance(value, str) else value

    @field_validator("objective", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("space", "task", "strategy")
    @classmethod
    def _named(cls, table: Table) -> Table:
        if not isinstance(table.get("name"), str):
            raise ValueError("expected a name, such as 'nasbench201', or a table with a name")  # noqa: TRY004 - pydantic's way
        return {**table, "name": absolute_reference(table["name"])}

    def options_of(self, part: str) -> Table:
        """The options of the space, the task or the strategy, without its name."""
        return {key: value for key, value in getattr(self, part).items() if key != "name"}


def settings_from(table: Mapping[str, Any]) -> Settings:
    """The checked settings.

    Raises:
        UnknownNameError: there is no such setting.
        OptionError: a value is not one that the setting takes.
    """
    return check_options(Settings, table, "the settings")


def spell_out(table: Mapping[str, Any]) -> Table:
    """``table`` with short forms written out: ``space = "x"``, ``proxy = ["a", "b"]``."""
    full = dict(table)
    for part in _PARTS:
        if isinstance(full.get(part), str):
            full[part] = {"name": full[part]}
        if isinstance(full.get(part), dict) and isinstance(full[part].get("name"), str):
            full[part] = {**full[part], "name": absolute_reference(full[part]["name"])}
    if isinstance(full.get("proxy"), str):
        full["proxy"] = [full["proxy"]]
    if isinstance(full.get("proxy"), list | tuple):
        full["proxy"] = _by_name(full["proxy"])
    if isinstance(full.get("proxy"), dict):
        full["proxy"] = {absolute_reference(name): options for name, options in full["proxy"].items()}
        for name, options in full["proxy"].items():
            if not isinstance(options, dict):
                raise OptionError(f"proxy {name!r} is {options!r}: expected a table of its options.")
    return full


def _by_name(proxies: Sequence[Any]) -> Table:
    names = [absolute_reference(name) if isinstance(name, str) else name for name in proxies]
    for name in names:
        if not isinstance(name, str):
            raise OptionError(f"proxy {name!r}: expected a name, such as 'ntk'.")
        if names.count(name) > 1:
            raise OptionError(f"proxy {name!r} is given twice.")
    return {name: {} for name in names}


def merge(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> Table:
    """``lower`` overridden by ``upper``, table by table.

    Another space, task or strategy brings its own options: those of the one it replaces are dropped (those
    that were set without a name stay). A list of proxies replaces the list, and keeps what was set for the
    ones it names.
    """
    below, above = spell_out(lower), spell_out(upper)
    merged = dict(below)
    for key, value in above.items():
        old = below.get(key)
        if key in _PARTS and isinstance(old, dict) and isinstance(value, dict):
            same = "name" not in old or value.get("name", old["name"]) == old["name"]
            merged[key] = {**old, **value} if same else value
        elif key == "proxy" and isinstance(old, dict) and isinstance(value, dict):
            chosen = upper.get("proxy")
            kept = list(old) if isinstance(chosen, dict) else []
            names = dict.fromkeys([*kept, *value])
            merged[key] = {name: {**old.get(name, {}), **value.get(name, {})} for name in names}
        else:
            merged[key] = value
    return merged


def read_config(path: Path) -> Table:
    """The settings in a TOML file, or those of a run in its ``run.json``.

    Raises:
        ParseError: there is no such file, or it does not parse.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ParseError(f"settings file {str(path)!r} cannot be read: {reason}.") from error
    try:
        table = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise ParseError(f"settings file {str(path)!r} does not parse: {error}.") from error
    if not isinstance(table, dict):
        raise ParseError(f"settings file {str(path)!r}: expected a table of settings.")
    return dict(table["settings"]) if isinstance(table.get("settings"), dict) else table


def from_environment(environment: Mapping[str, str]) -> Table:
    """Settings in variables: ``AUTOML_TRIALS=50``, ``AUTOML_SPACE__CHANNELS=8``.

    Raises:
        UnknownNameError: a variable begins with ``AUTOML_`` and names no setting.
    """
    table: Table = {}
    known = {f"AUTOML_{name.upper()}" for name in Settings.model_fields}
    for variable in sorted(environment):
        if not variable.startswith("AUTOML_") or variable in _RESERVED_VARIABLES:
            continue
        first, *rest = variable.removeprefix("AUTOML_").lower().split("__")
        if first not in Settings.model_fields:
            raise UnknownNameError("environment variable", variable, known | _RESERVED_VARIABLES)
        table = merge(table, _nested([first, *rest], _value(environment[variable])))
    return table


def parse_assignment(text: str) -> Table:
    """``a.b=c`` as a table. ``c`` is read as a TOML value where it is one, else as text.

    ``proxy.ntk.batch=32`` sets an option of a proxy (``proxy.my_score.py:Mine.batch=32`` of one from a file),
    ``space.channels=8`` one of the space.

    Raises:
        ParseError: there is no ``=``, or a part of the name is empty.
    """
    name, equals, value = text.partition("=")
    path = name.strip().split(".")
    if in_file := _PROXY_IN_A_FILE.fullmatch(name.strip()):
        path = ["proxy", in_file[1], *in_file[2].split(".")]
    if not equals or not all(path):
        raise ParseError(f"--set {text!r}: expected NAME=VALUE, such as --set space.channels=8.")
    return _nested(path, _value(value.strip()))


def _nested(path: list[str], value: Any) -> Table:
    for key in reversed(path):
        value = {key: value}
    return dict(value)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def parse_duration(text: str) -> float:
    """Seconds in ``90``, ``90s``, ``10m``, ``1h30m``, ``2d``.

    Raises:
        ParseError: it is none of these.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    raise ParseError(f"duration {text!r}: expected seconds or a form like 90s, 10m, 1h30m.")
