"""Options that several commands share, and the settings that come of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from automl.core.settings import Settings, Table

F = TypeVar("F", bound=Callable[..., Any])

root_option = click.option(
    "--out",
    "root",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: os.environ.get("AUTOML_RUNS") or "runs",
    metavar="FOLDER",
    help="The folder of runs.  [default: $AUTOML_RUNS, or runs]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
top_option = click.option(
    "--top", type=click.IntRange(min=1), default=10, show_default=True, metavar="N", help="Rows of the table."
)


def subject_options(function: F) -> F:
    """What is scored, and by what: shared by ``search`` and ``score``."""
    return _all(
        function,
        click.option("--space", metavar="NAME", help="The search space: a name, or path/file.py:Class."),
        click.option("--proxy", multiple=True, metavar="NAME", help="A score; may be given several times."),
        click.option(
            "--task", metavar="NAME", help="The data that candidates are judged on.  [default: digits]"
        ),
        click.option(
            "--data",
            type=click.Path(path_type=Path),
            metavar="FOLDER",
            help="The task's folder of data: short for --set task.data=FOLDER.",
        ),
    )


def condition_options(function: F) -> F:
    """Under what conditions it is scored: shared by ``search`` and ``score``."""
    return _all(
        function,
        click.option("--seed", type=int, metavar="N", help="What all randomness comes from.  [default: 0]"),
        click.option("--threads", type=int, metavar="N", help="Threads of one evaluation.  [default: 1]"),
        click.option("--timeout", metavar="TIME", help="How long one evaluation may take: 30s, 5m."),
        click.option("--device", metavar="NAME", help="Where to compute, as torch names it.  [default: cpu]"),
        click.option(
            "--config",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Settings in a TOML file, or a run's run.json to repeat it.",
        ),
        click.option(
            "--set",
            "assignments",
            multiple=True,
            metavar="NAME=VALUE",
            help="Any setting or option: space.channels=8, proxy.ntk.batch=32, strategy.population=20. "
            "What there is: automl plugins.",
        ),
    )


def _all(function: F, *options: Callable[[F], F]) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def gather(
    given: Mapping[str, Any],
    *,
    config: Path | None,
    data: Path | None,
    assignments: tuple[str, ...],
) -> Settings:
    """The settings: defaults < file < environment < flags < ``--set``.

    Args:
        given: the flags by the setting's name; those that are nothing were not given.
        config: the settings file.
        data: the task's folder.
        assignments: the texts of ``--set``.

    Raises:
        UsageError: a file, a variable or a text does not parse, or a setting is not one there is.
    """
    from automl.core.settings import (
        Settings,
        from_environment,
        merge,
        parse_assignment,
        read_config,
        settings_from,
    )

    table: Table = {part: Settings.model_fields[part].default for part in ("strategy", "task")}
    if config is not None:
        table = _over(table, read_config(config), f"settings file {str(config)!r}")
    for name in sorted(os.environ):
        table = _over(table, from_environment({name: os.environ[name]}), f"environment variable {name}")
    table = _over(table, {name: value for name, value in given.items() if value not in (None, ())})
    if data is not None:
        table = merge(table, {"task": {"data": str(data.expanduser().absolute())}})
    for text in assignments:
        assigned = parse_assignment(text)
        _check_proxies(assigned, table)
        table = _over(table, assigned)
    _check_named(table)
    if data is not None:
        _check_takes_data(table)
    return settings_from(table)


def _over(lower: Table, upper: Table, source: str = "") -> Table:
    """``upper`` over ``lower``, checked by itself, so that a message can tell where a value comes from."""
    from automl.core.errors import UsageError
    from automl.core.settings import merge, settings_from

    if not upper:
        return lower
    try:
        settings_from(merge({"space": "any", "task": "any", "strategy": "any", "proxy": "any"}, upper))
        return merge(lower, upper)
    except UsageError as error:
        if source:
            error.message = f"{source}: {error.message}"
        raise


def _check_proxies(assigned: Table, table: Table) -> None:
    """``--set proxy.x.y=1`` is about a proxy that the search has: it does not bring one in by the way."""
    from automl.core.errors import UnknownNameError
    from automl.core.settings import spell_out

    named, chosen = assigned.get("proxy"), spell_out(table).get("proxy")
    if not isinstance(named, dict) or not isinstance(chosen, dict):
        return
    for name in spell_out(assigned)["proxy"]:
        if name not in chosen:
            raise UnknownNameError(
                "proxy in --set:", name, chosen, hint=f"To score by it too: --proxy {name}"
            )


def _check_named(table: Table) -> None:
    """A search needs a space and a proxy: say so in the words of the command line."""
    from automl.core.errors import UsageError
    from automl.core.registry import load_registry
    from automl.core.settings import spell_out

    named = spell_out(table)
    for setting, kind, what in (("space", "space", "search space"), ("proxy", "evaluator", "proxy")):
        if not named.get(setting) or (setting == "space" and "name" not in named[setting]):
            names = load_registry().names(kind)
            raise UsageError(
                f"no {what} is named: there are {', '.join(names) or 'none'}.",
                hint=f'Name one with --{setting} NAME, or in a settings file: {setting} = "NAME".',
            )


def _check_takes_data(table: Table) -> None:
    """``--data`` is for a task that reads a folder: the default one does not."""
    from automl.core.errors import UsageError
    from automl.core.registry import load_registry

    registry, name = load_registry(), table["task"]["name"]
    takes = [
        task for task in registry.names("task") if "data" in registry.find("task", task).Options.model_fields
    ]
    if "data" not in registry.find("task", name).Options.model_fields:
        raise UsageError(
            f"--data is given, and task {name!r} reads no folder.",
            hint=f"Tasks that do: {', '.join(takes) or 'none'}. Name one with --task NAME.",
        )
