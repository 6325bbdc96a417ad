"""``automl show``: a run, or one of its trials."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from automl.core.cli.options import json_option, root_option, top_option
from automl.core.cli.output import (
    counts,
    note,
    out,
    path_to_type,
    print_best,
    print_facts,
    print_json,
    with_options,
)

if TYPE_CHECKING:
    from automl.core.report import Summary
    from automl.core.store import Row, Run


@click.command("show")
@click.argument("run")
@click.option(
    "--trial",
    "number_of_trial",
    type=click.IntRange(min=0),
    metavar="N",
    help="Show this trial alone, in every detail.",
)
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Draw the run into this .png, .svg or .pdf file.",
)
@root_option
@top_option
@json_option
def command(
    run: str, *, number_of_trial: int | None, top: int, picture: Path | None, root: Path, as_json: bool
) -> None:
    """Show RUN: a folder, an id or the beginning of one, or "last".

    \b
    automl show last
    automl show last --trial 17
    automl show last --picture run.svg
    """
    from automl.core.report import summarise
    from automl.core.store import open_run

    opened = open_run(run, root=root)
    if number_of_trial is not None:
        _show_trial(opened, number_of_trial, as_json=as_json)
        return
    summary = summarise(opened, top)
    if picture is not None:
        from automl.core.report.picture import draw_run

        draw_run(opened, picture)
    if as_json:
        _print_json(opened, summary)
    else:
        print_facts(_facts(opened, summary), title=f"Run {opened.id}")
        if summary.best:
            out()
            print_best(opened, summary)
    if picture is not None:
        note(f"\nDrawn into {path_to_type(picture)}")


def _show_trial(run: Run, number: int, *, as_json: bool) -> None:
    from automl.core.errors import UsageError
    from automl.core.report.summary import row_as_json

    rows = [row for row in run.rows() if row.trial == number]
    if not rows:
        count = run.count()
        there = f"it has {count:,}, counted from 0" if count else "it has none yet"
        raise UsageError(f"run {run.id} has no trial {number}: {there}.")
    if as_json:
        print_json([row_as_json(row) for row in rows])
        return
    for row in rows:
        print_facts(_trial_facts(row), title=f"Trial {row.trial} of {run.id}")


def _trial_facts(row: Row) -> list[tuple[str, str]]:
    from automl.core.report.numbers import duration
    from automl.core.report.numbers import number as written

    facts = [("candidate", row.candidate), ("status", row.status.value)]
    if row.reason:
        facts.append(("reason", row.reason))
    facts += [(f"metric {name}", written(value)) for name, value in row.metrics.items()]
    facts += [(f"choice {name}", str(value)) for name, value in row.genotype.items()]
    facts.append(("outcome", f"{row.source.value}, {duration(row.seconds)}"))
    if row.parent is not None:
        facts.append(("parent", f"trial {row.parent}"))
    facts += [
        ("started", f"{row.started_at:%Y-%m-%d %H:%M:%S} UTC on {row.host}, {row.device}"),
        ("key", row.key),
    ]
    return facts


def _print_json(run: Run, summary: Summary) -> None:
    manifest = run.manifest
    print_json(
        {
            "run": run.id,
            "folder": str(run.folder.resolve()),
            "state": run.state.value,
            "ended": manifest.reason,
            "created_at": manifest.created_at.isoformat(),
            "ended_at": manifest.ended_at and manifest.ended_at.isoformat(),
            "objectives": manifest.objectives,
            "settings": manifest.settings,
            "notes": manifest.notes,
            **summary.as_json(),
        }
    )


def _facts(run: Run, summary: Summary) -> list[tuple[str, str]]:
    from automl.core.report.numbers import duration

    manifest, settings = run.manifest, run.manifest.settings
    state = run.state.value
    begun = f"{manifest.created_at:%Y-%m-%d %H:%M:%S} UTC"
    if host := manifest.machine.get("host"):
        begun += f" on {host}"
    facts = [
        ("state", f"{state}: {manifest.reason}" if manifest.reason not in ("", state) else state),
        ("begun", begun),
        ("space", with_options(settings["space"])),
        (
            "proxies",
            "\n".join(with_options({"name": name, **options}) for name, options in settings["proxy"].items()),
        ),
        ("strategy", with_options(settings["strategy"])),
        ("task", with_options(settings["task"])),
        ("objectives", ", ".join(manifest.objectives)),
        ("seed", str(manifest.seed)),
        ("trials", counts(summary)),
    ]
    if summary.reasons:
        facts.append(("failures", "\n".join(f"{n} x {reason}" for reason, n in summary.reasons)))
    facts.append(("evaluations took", duration(summary.evaluation_seconds)))
    facts.append(("table", path_to_type(run.folder / "trials")))
    if manifest.notes:
        facts.append(("notes", "\n".join(manifest.notes)))
    return facts
