"""``automl show``: a run, or one of its trials."""

from __future__ import annotations

from pathlib import Path

import click

from automl.core.cli.options import json_option, root_option
from automl.core.cli.output import counts, note, number, print_best, print_json, print_table


@click.command("show")
@click.argument("run")
@click.option("--trial", "number_of_trial", type=click.IntRange(min=0), help="Show this trial alone.")
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="Rows of the table.")
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw the run into this .png, .svg or .pdf file.",
)
@root_option
@json_option
def command(
    run: str, *, number_of_trial: int | None, top: int, picture: Path | None, root: Path, as_json: bool
) -> None:
    """Show RUN: a folder, an id or the beginning of one, or "last"."""
    from automl.core.errors import UsageError
    from automl.core.report import summarise
    from automl.core.report.summary import row_as_json
    from automl.core.store import open_run

    opened = open_run(run, root=root)
    if number_of_trial is not None:
        rows = [row for row in opened.rows() if row.trial == number_of_trial]
        if not rows:
            count = sum(1 for _ in opened.rows())
            raise UsageError(
                f"run {opened.id} has no trial {number_of_trial}: it has {count}, counted from 0."
            )
        if as_json:
            print_json([row_as_json(row) for row in rows])
            return
        for row in rows:
            facts = [(name, str(value)) for name, value in row_as_json(row).items() if name not in _NESTED]
            facts += [(name, str(value)) for name, value in row.genotype.items()]
            facts += [(f"metric {name}", number(value)) for name, value in row.metrics.items()]
            print_table([("", False), ("", False)], facts, title=f"Trial {row.trial} of {opened.id}")
        return
    if picture is not None:
        from automl.core.report.picture import draw_run

        draw_run(opened, picture)
        note(f"Drawn into {picture}")
    summary = summarise(opened, top)
    manifest = opened.manifest
    if as_json:
        print_json(
            {
                "run": opened.id,
                "folder": str(opened.folder),
                "state": manifest.state.value,
                "ended": manifest.reason,
                "objectives": manifest.objectives,
                "settings": manifest.settings,
                **summary.as_json(),
            }
        )
        return
    settings = manifest.settings
    print_table(
        [("", False), ("", False)],
        [
            ("state", f"{manifest.state.value} {manifest.reason}".strip()),
            ("space", _named(settings["space"])),
            ("proxies", "; ".join(_named({"name": name, **o}) for name, o in settings["proxy"].items())),
            ("strategy", _named(settings["strategy"])),
            ("task", _named(settings["task"])),
            ("objectives", ", ".join(manifest.objectives)),
            ("seed", str(manifest.seed)),
            ("trials", counts(summary)),
            ("evaluation time", f"{summary.evaluation_seconds:.3g} s"),
            ("commonest failures", "; ".join(f"{n} x {reason}" for reason, n in summary.reasons) or "none"),
            ("trials table", str(opened.folder / "trials")),
        ],
        title=f"Run {opened.id}",
    )
    if summary.best:
        print_best(opened, summary)


_NESTED = {"genotype", "metrics"}


def _named(table: dict[str, object]) -> str:
    options = ", ".join(
        f"{key}={value}" for key, value in table.items() if key != "name" and value is not None
    )
    return f"{table['name']} ({options})" if options else str(table["name"])
