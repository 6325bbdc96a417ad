"""How results look: data on stdout, notes on stderr."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from automl.core.errors import AutomlError

if TYPE_CHECKING:
    from automl.core.report import Summary
    from automl.core.report.table import Column
    from automl.core.store import Run

_CANDIDATE_WIDTH = 48
"""Columns that a candidate should get: half a NAS-Bench-201 cell."""


def note(text: str) -> None:
    """A note for people. One that nobody can read any more ends nothing."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def out(text: str = "") -> None:
    """A line or more of data on stdout.

    Raises:
        BrokenPipeError: whoever read it has gone.
        AutomlError: it cannot be written for another reason.
    """
    try:
        click.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise AutomlError(f"the output cannot be written: {error.strerror}.") from error


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    out(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], *, title: str = "") -> list[str]:
    """A table on stdout, as wide as the terminal; on no terminal, a line a row, however long.

    Args:
        columns: what the rows consist of.
        rows: a text for each column.
        title: what it shows.

    Returns:
        The headings of optional columns for which there was no room.
    """
    from rich.console import Console
    from rich.text import Text

    from automl.core.report.table import fitted

    table, left_out = fitted(columns, rows, _width())
    drawn = io.StringIO()
    console = Console(
        file=drawn,
        force_terminal=sys.stdout.isatty(),
        color_system=None if os.environ.get("NO_COLOR") else "auto",  # rich's own no_color keeps the bold
    )
    if title:
        console.print(Text(f"{title}\n", style="bold"), soft_wrap=True)
    console.print(table, crop=False)
    out("\n".join(line.rstrip() for line in drawn.getvalue().rstrip("\n").split("\n")))
    return left_out


def print_facts(facts: Iterable[tuple[str, str]], *, title: str = "") -> None:
    """Names and values on stdout."""
    from automl.core.report.table import Column, Kind

    print_table([Column("", Kind.NAME), Column("")], list(facts), title=title)


def print_best(run: Run, summary: Summary) -> None:
    """The table of the best candidates."""
    from automl.core.report.numbers import numbers
    from automl.core.report.summary import objectives_of
    from automl.core.report.table import Column, Kind

    objectives = objectives_of(run)
    chosen, proxies = [objective.metric for objective in objectives], run.manifest.settings["proxy"]
    # What the search is about stands first, then the metrics that bear a proxy's name: its main ones.
    names = sorted(
        run.manifest.metric_names,
        key=lambda name: (chosen.index(name) if name in chosen else len(chosen), name not in proxies),
    )
    better = "higher" if objectives[0].direction == "max" else "lower"
    rows = summary.best
    left_out = print_table(
        [
            Column("rank", Kind.NUMBER),
            Column("trial", Kind.NUMBER),
            *(Column(name, Kind.NUMBER, optional=name not in chosen) for name in names),
            Column("candidate", least=_CANDIDATE_WIDTH),
        ],
        zip(
            map(str, range(1, len(rows) + 1)),
            [str(row.trial) for row in rows],
            *(numbers([row.metrics.get(name) for row in rows]) for name in names),
            [row.candidate for row in rows],
            strict=True,
        ),
        title=f"Best by {objectives[0].metric} ({better} is better):",
    )
    if left_out:
        more = _counted(len(left_out), "more metric")
        note(f"\nNo room for {more}: widen the window, or print them with --json.")


def counts(summary: Summary) -> str:
    """How many trials ended how, as a line."""
    parts = [f"{count:,} {status}" for status, count in sorted(summary.statuses.items())]
    known = sum(count for source, count in summary.sources.items() if source != "evaluated")
    line = f"{_counted(summary.trials, 'trial')}: {', '.join(parts) or 'none'}"
    return f"{line}; {known:,} equal to an earlier one" if known else line


def path_to_type(path: Path) -> str:
    """A path as one types it into a shell."""
    return shlex.quote(str(path))


def with_options(table: dict[str, Any]) -> str:
    """A space, a task, a strategy or a proxy, as ``name (option=value, ...)``."""
    options = ", ".join(
        f"{key}={value}" for key, value in table.items() if key != "name" and value is not None
    )
    return f"{table['name']} ({options})" if options else str(table["name"])


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _width() -> int | None:
    """Columns to fill; none where the output goes into a file or another program."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return shutil.get_terminal_size().columns
    return None
