"""``automl runs``: list runs, or compact one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from automl.core.cli.group import Group
from automl.core.cli.options import json_option, root_option
from automl.core.cli.output import note, print_json, print_table

if TYPE_CHECKING:
    from automl.core.store import Run


@click.group("runs", cls=Group, default="list")
def command() -> None:
    """List runs, or compact one. Without a command: list."""


@command.command("list", short_help="List the runs in a folder, the newest last.")
@root_option
@json_option
def list_command(root: Path, *, as_json: bool) -> None:
    """List the runs in a folder, the newest last; those that cannot be read after them."""
    from automl.core.errors import RunError
    from automl.core.store import Run, list_runs

    runs: list[dict[str, Any]] = []
    for run in list_runs(root):
        if isinstance(run, Run):
            try:
                runs.append(_described(run))
            except RunError as error:
                runs.append(_unreadable(run.id, str(error)))
        else:
            runs.append(_unreadable(run.name, run.reason))
    if as_json:
        print_json(runs)
        return
    if not runs:
        note(f"No runs in {root}. Begin one with:  automl search --space nasbench201 --proxy ntk")
        return
    _print(runs)
    for described in runs:
        if described["problem"]:
            note(f"\n{described['run']} cannot be read: {described['problem']}")


@command.command("compact", short_help="Merge the many small files of a run into one.")
@click.argument("run")
@root_option
@json_option
def compact_command(run: str, *, root: Path, as_json: bool) -> None:
    """Merge the many small files of RUN, which must have ended, into one that is faster to read.

    RUN is a folder, an id or the beginning of one, or "last".
    """
    from automl.core.store import compact, open_run

    opened = open_run(run, root=root)
    merged = compact(opened.folder)
    if as_json:
        print_json({"run": opened.id, "folder": str(opened.folder.resolve()), "merged": merged})
    elif merged:
        note(f"{opened.id}: {merged} files are now one.")
    else:
        note(f"{opened.id}: there was nothing to merge.")


def _described(run: Run) -> dict[str, Any]:
    settings = run.manifest.settings
    return {
        "run": run.id,
        "state": run.state.value,
        "trials": run.count(),
        "planned": settings["trials"],
        "space": settings["space"]["name"],
        "proxies": list(settings["proxy"]),
        "strategy": settings["strategy"]["name"],
        "problem": "",
    }


def _unreadable(name: str, problem: str) -> dict[str, Any]:
    nothing = dict.fromkeys(("trials", "planned", "space", "proxies", "strategy"))
    return {"run": name, "state": "unreadable", **nothing, "problem": problem}


def _print(runs: list[dict[str, Any]]) -> None:
    from automl.core.report.table import Column, Kind

    columns = [Column("run", Kind.NAME), Column("state", Kind.NAME), Column("trials", Kind.NUMBER)]
    columns += [Column(name, Kind.NAME, optional=True) for name in ("space", "proxies", "strategy")]
    print_table(
        columns,
        (
            (
                described["run"],
                described["state"],
                "-" if described["trials"] is None else f"{described['trials']:,}",
                _short(described["space"]),
                ", ".join(map(_short, described["proxies"] or ())),
                _short(described["strategy"]),
            )
            for described in runs
        ),
    )


def _short(name: str | None) -> str:
    """``/path/to/file.py:Class`` without the path."""
    return (name or "").rpartition("/")[2]
