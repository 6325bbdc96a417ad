"""``automl runs``: list runs, or compact one."""

from __future__ import annotations

from pathlib import Path

import click

from automl.core.cli.options import json_option, root_option
from automl.core.cli.output import note, print_json, print_table


@click.group("runs", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """List runs, or compact one. Without a command: list."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_command)


@command.command("list")
@root_option
@json_option
def list_command(root: Path, *, as_json: bool) -> None:
    """List the runs in a folder, the newest last."""
    from automl.core.store import Run, list_runs

    found = list_runs(root)
    rows = []
    for run in found:
        if isinstance(run, Run):
            manifest = run.manifest
            rows.append(
                {
                    "run": run.id,
                    "state": manifest.state.value,
                    "trials": sum(1 for _ in run.rows()),
                    "space": manifest.settings["space"]["name"],
                    "proxies": list(manifest.settings["proxy"]),
                    "problem": "",
                }
            )
        else:
            rows.append(
                {
                    "run": run.name,
                    "state": "?",
                    "trials": None,
                    "space": "",
                    "proxies": [],
                    "problem": run.reason,
                }
            )
    if as_json:
        print_json(rows)
    elif rows:
        headings = ["run", "state", "trials", "space", "proxies", "problem"]
        print_table(
            [(heading, heading == "trials") for heading in headings],
            [[_cell(row[heading]) for heading in headings] for row in rows],
        )
    else:
        note(f"No runs in {root}. Begin one with:  automl search --space nasbench201 --proxy ntk")


@command.command("compact")
@click.argument("run")
@root_option
def compact_command(run: str, *, root: Path) -> None:
    """Merge the parts of RUN, which must have ended, into few large ones."""
    from automl.core.store import compact, open_run

    opened = open_run(run, root=root)
    before = len(list((opened.folder / "trials").glob("part-*.parquet")))
    compact(opened.folder)
    after = len(list((opened.folder / "trials").glob("part-*.parquet")))
    note(f"{opened.folder}: {before} parts are now {after}.")


def _cell(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)
