"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

root_option = click.option(
    "--out",
    "root",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: os.environ.get("AUTOML_RUNS", "runs"),
    show_default="runs, or $AUTOML_RUNS",
    help="The folder of runs.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")


def evaluation_options(function: F) -> F:
    """The options that say what is evaluated, and how: shared by ``search`` and ``score``."""
    options = [
        click.option("--space", help="The search space: a name, or path/file.py:Class."),
        click.option("--proxy", multiple=True, help="A score; may be given several times."),
        click.option("--task", help="The data that candidates are judged on.  [default: digits]"),
        click.option(
            "--data",
            type=click.Path(path_type=Path),
            help="The task's folder of data; short for --set task.data=FOLDER.",
        ),
        click.option("--seed", type=int, help="What all randomness comes from.  [default: 0]"),
        click.option("--threads", type=int, help="Threads of one evaluation.  [default: 1]"),
        click.option("--timeout", help="How long one evaluation may take: 30s, 5m."),
        click.option("--device", help="Where to compute, as torch names it.  [default: cpu]"),
        click.option("--config", type=click.Path(path_type=Path), help="A TOML file, or a run's run.json."),
        click.option(
            "--set",
            "assignments",
            multiple=True,
            metavar="NAME=VALUE",
            help="Any setting: space.channels=8, proxy.ntk.batch=32, strategy.population=20.",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def gather(
    given: Mapping[str, Any],
    *,
    config: Path | None,
    data: Path | None,
    assignments: tuple[str, ...],
) -> dict[str, Any]:
    """The table of settings: file < environment < flags < ``--set``.

    Args:
        given: the flags by the setting's name; those that are nothing were not given.
        config: the settings file.
        data: the task's folder.
        assignments: the texts of ``--set``.

    Raises:
        UsageError: a file, a variable or a text does not parse.
    """
    from automl.core.settings import from_environment, merge, parse_assignment, read_config

    table = read_config(config) if config is not None else {}
    table = merge(table, from_environment(os.environ))
    table = merge(table, {name: value for name, value in given.items() if value not in (None, ())})
    if data is not None:
        table = merge(table, {"task": {"data": str(data.resolve())}})
    for text in assignments:
        table = merge(table, parse_assignment(text))
    return table
