"""``automl resume``: go on with a run."""

from __future__ import annotations

from pathlib import Path

import click

from automl.core.cli.options import json_option, root_option, top_option
from automl.core.cli.search import conclude


@click.command("resume")
@click.argument("run")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many trials in all, if not as many as were planned.",
)
@click.option("--max-time", metavar="TIME", help="Propose nothing new after this long: 90s, 10m, 1h30m.")
@click.option("--adopt", is_flag=True, help="Go on from the record where software or machine differ from it.")
@root_option
@click.option("--quiet", is_flag=True, help="No progress.")
@top_option
@json_option
def command(
    run: str,
    *,
    trials: int | None,
    max_time: str | None,
    adopt: bool,
    top: int,
    quiet: bool,
    root: Path,
    as_json: bool,
) -> int:
    """Go on with RUN: a folder, an id or the beginning of one, or "last".

    The trials come out as if the run had never stopped. With --trials a
    finished run goes on further.

    \b
    automl resume last
    automl resume runs/ID --trials 1000
    """
    from automl.core.cli.progress import SearchProgress
    from automl.core.launch import resume
    from automl.core.settings import parse_duration

    with SearchProgress(quiet=quiet) as progress:
        resumed, ended = resume(
            run,
            root=root,
            trials=trials,
            max_time=parse_duration(max_time) if max_time is not None else None,
            adopt=adopt,
            watch=progress.see,
            begun=progress.begin,
        )
    return conclude(resumed, ended, top=top, as_json=as_json)
