"""How results look: data on stdout, notes on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from automl.core.report import Summary
    from automl.core.store import Run

_PIPED_WIDTH = 160
"""Columns where there is no terminal to ask: a NAS-Bench-201 cell takes 90."""


def note(text: str) -> None:
    """A note for people."""
    click.echo(text, err=True)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def console() -> Console:
    """A console on stdout, wide where no terminal says otherwise."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH, highlight=False)


def print_table(
    columns: Sequence[tuple[str, bool]], rows: Iterable[Sequence[str]], *, title: str | None = None
) -> None:
    """A table on stdout.

    Args:
        columns: heading, and whether it holds numbers (set to the right, never wrapped).
        rows: texts.
        title: what it shows.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    headed = any(heading for heading, _ in columns)
    box = SIMPLE_HEAD if headed else None
    table = Table(box=box, title=title, title_justify="left", pad_edge=False, show_header=headed)
    for heading, numeric in columns:
        table.add_column(heading, justify="right" if numeric else "left", no_wrap=numeric, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # as it is: a cell's text is no markup
    console().print(table)


def number(value: float | None) -> str:
    """A number for people: five significant digits, whole numbers whole."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.5g}"


def print_best(run: Run, summary: Summary) -> None:
    """The table of the best candidates."""
    metrics = [metric["name"] for metric in run.manifest.metrics]
    print_table(
        [("rank", True), ("trial", True), *((name, True) for name in metrics), ("candidate", False)],
        (
            [str(rank), str(row.trial), *(number(row.metrics.get(name)) for name in metrics), row.candidate]
            for rank, row in enumerate(summary.best, 1)
        ),
    )


def counts(summary: Summary) -> str:
    """How many trials ended how, as a line."""
    parts = [f"{count} {status}" for status, count in sorted(summary.statuses.items())]
    known = sum(count for source, count in summary.sources.items() if source != "evaluated")
    line = f"{summary.trials} trials: {', '.join(parts) or 'none'}"
    return f"{line}; {known} equal to an earlier one" if known else line
