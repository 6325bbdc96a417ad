"""``automl search``: search a space for good candidates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from automl.core.cli.options import (
    condition_options,
    gather,
    json_option,
    root_option,
    subject_options,
    top_option,
)
from automl.core.cli.output import (
    counts,
    note,
    path_to_type,
    print_best,
    print_facts,
    print_json,
    with_options,
)

if TYPE_CHECKING:
    from automl.core.launch import Plan
    from automl.core.search import Ended
    from automl.core.store import Run

_COUNTED = 20_000
"""Candidates that a dry run counts before it says 'more': each costs some 10 microseconds."""


@click.command("search")
@subject_options
@click.option(
    "--objective",
    multiple=True,
    metavar="NAME[:max|:min]",
    help="The metric to optimise.  [default: the first proxy's main one]",
)
@click.option("--strategy", metavar="NAME", help="How to search.  [default: evolution]")
@click.option("--trials", type=int, metavar="N", help="How many candidates to try.  [default: 200]")
@click.option("--max-time", metavar="TIME", help="Propose nothing new after this long: 90s, 10m, 1h30m.")
@click.option("--window", type=int, metavar="N", help="Proposals that may be without a result.  [default: 1]")
@click.option("--workers", type=int, metavar="N", help="Processes that evaluate: 1, so far.")
@click.option(
    "--cache",
    type=click.Choice(["run", "off"]),
    help="Whether equal candidates of a run are evaluated once.  [default: run]",
)
@condition_options
@root_option
@click.option("--dry-run", is_flag=True, help="Check everything, print the resolved settings, and stop.")
@click.option("--quiet", is_flag=True, help="No progress.")
@top_option
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

    Every trial is kept in a folder of its own under --out, and the run can be
    resumed at any time. Settings come from --config, then from the environment
    (AUTOML_TRIALS=50), then from the options here, then from --set.

    Exits with 3 where no candidate could be scored, with 130 when interrupted.

    \b
    automl search --space nasbench201 --proxy ntk
    automl search --space nasbench201 --proxy ntk --task images --data cifar10
    automl search --space my_space.py:MySpace --proxy ntk --strategy random
    automl search --config runs/ID/run.json
    """
    from automl.core.cli.progress import SearchProgress
    from automl.core.launch import plan, start

    settings = gather(given, config=config, data=data, assignments=assignments)
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
    size = planned.workbench.space.size(_COUNTED)
    facts = [(name, _setting(name, value)) for name, value in settings.items()]
    facts.insert(
        1, ("its candidates", f"{size:,}" if size is not None else f"more than {_COUNTED:,}, or unlimited")
    )
    print_facts(facts, title="Nothing was run. This would be:")


def _setting(name: str, value: Any) -> str:
    if name == "proxy":
        return "\n".join(with_options({"name": proxy, **options}) for proxy, options in value.items())
    if isinstance(value, dict):
        return with_options(value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "-" if value is None else str(value)


def conclude(run: Run, ended: Ended, *, top: int, as_json: bool) -> int:
    """Print how a search ended, and return the exit code."""
    from automl.core.cli.main import EXIT_INTERRUPTED, EXIT_NOTHING_SCORED
    from automl.core.report import summarise
    from automl.core.search import Ended

    summary = summarise(run, top)
    if as_json:
        folder = str(run.folder.resolve())
        print_json({"run": run.id, "folder": folder, "ended": ended.value, **summary.as_json()})
    elif summary.best:
        print_best(run, summary)
    note(f"\n{counts(summary)}. Ended: {ended.value}.")
    if not summary.succeeded:
        for reason, count in summary.reasons:
            note(f"  {count} x {reason}")
    place = path_to_type(run.folder)
    note(f"The run is in {place}")
    if ended in (Ended.INTERRUPTED, Ended.TIME):
        note(f"Go on with:  automl resume {place}")
    if ended is Ended.INTERRUPTED:
        return EXIT_INTERRUPTED
    note(f"Look at it:  automl show {place}")
    return 0 if summary.succeeded else EXIT_NOTHING_SCORED
