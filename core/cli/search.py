"""``automl search``: search a space for good candidates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from automl.core.cli.options import evaluation_options, gather, json_option, root_option
from automl.core.cli.output import counts, note, print_best, print_json, print_table

if TYPE_CHECKING:
    from automl.core.launch import Plan
    from automl.core.search import Ended
    from automl.core.store import Run


@click.command("search")
@evaluation_options
@click.option("--strategy", help="How to search.  [default: evolution]")
@click.option("--objective", multiple=True, metavar="NAME[:max|:min]", help="What to optimise.")
@click.option("--trials", type=int, help="How many candidates to try.  [default: 200]")
@click.option("--max-time", help="Propose nothing new after this long: 90s, 10m, 1h30m.")
@click.option("--window", type=int, help="Proposals that may be without a result.  [default: 1]")
@click.option("--workers", type=int, help="Processes that evaluate.  [default: 1]")
@click.option(
    "--cache",
    type=click.Choice(["run", "off"]),
    help="Whether equal candidates are evaluated once.  [default: run]",
)
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="Rows of the table.")
@click.option("--dry-run", is_flag=True, help="Check everything, print the resolved settings, and stop.")
@click.option("--quiet", is_flag=True, help="No progress.")
@root_option
@json_option
def command(
    *,
    config: Path | None,
    data: Path | None,
    assignments: tuple[str, ...],
    top: int,
    dry_run: bool,
    quiet: bool,
    root: Path,
    as_json: bool,
    **given: Any,
) -> int:
    """Search a space for good candidates.

    Every trial is kept in a folder of its own under --out, and the run can be resumed at any time.

    \b
    automl search --space nasbench201 --proxy ntk
    automl search --space nasbench201 --proxy ntk --task images --data cifar10 --trials 500
    automl search --space my_space.py:MySpace --proxy ntk --proxy params --strategy random
    """
    from automl.core.cli.progress import SearchProgress
    from automl.core.launch import plan, start
    from automl.core.settings import settings_from

    settings = settings_from(gather(given, config=config, data=data, assignments=assignments))
    if dry_run:
        _print_plan(plan(settings), as_json=as_json)
        return 0
    with SearchProgress(quiet=quiet) as progress:
        run, ended = start(settings, root=root, watch=progress.see, begun=progress.begin)
    return conclude(run, ended, top=top, as_json=as_json)


def _print_plan(planned: Plan, *, as_json: bool) -> None:
    settings = planned.settings.model_dump(mode="json")
    if as_json:
        print_json(settings)
        return
    rows = [(name, "-" if value is None else str(value)) for name, value in settings.items()]
    size = planned.workbench.space.size()
    rows.append(("candidates in the space", f"{size:,}" if size is not None else "unknown, or unlimited"))
    print_table([("setting", False), ("value", False)], rows, title="Nothing was run. This would be:")


def conclude(run: Run, ended: Ended, *, top: int, as_json: bool) -> int:
    """Print how a search ended, and return the exit code."""
    from automl.core.cli.main import EXIT_INTERRUPTED, EXIT_NOTHING_SCORED
    from automl.core.report import summarise
    from automl.core.search import Ended

    summary = summarise(run, top)
    if as_json:
        print_json({"run": run.id, "folder": str(run.folder), "ended": ended.value, **summary.as_json()})
    elif summary.best:
        print_best(run, summary)
    note(f"{counts(summary)}. Ended: {ended.value}.")
    if not summary.succeeded:
        for reason, count in summary.reasons:
            note(f"  {count} x {reason}")
    note(f"The run is in {run.folder}")
    if ended is Ended.INTERRUPTED:
        note(f"Go on with:  automl resume {run.folder}")
        return EXIT_INTERRUPTED
    note(f"Look at it:  automl show {run.folder}")
    return 0 if summary.succeeded else EXIT_NOTHING_SCORED
