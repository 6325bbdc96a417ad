"""The picture of a run: every trial's objective, and the best so far."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from automl.core.contracts import Direction, Objective
from automl.core.errors import MissingExtraError, StoreWriteError, UsageError
from automl.core.report.numbers import number
from automl.core.report.summary import objectives_of
from automl.core.report.table import printable
from automl.core.store import Row, Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg", ".pdf")

_SIZE = (9.0, 3.6)
"""Inches."""

_TRIALS, _BEST, _FAILED = "#4477aa", "#cc3311", "#888888"
"""Told apart by the colour-blind too (Paul Tol's bright scheme)."""

_TITLE_WIDTH, _TITLE_LINES = 118, 2
"""Letters of a candidate's text that fit side by side at this size, and how many lines it may take."""

_NO_DATE = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
"""So that the same run gives the same file."""


def draw_run(run: Run, path: Path) -> None:
    """Draw the run into ``path``.

    On the left the objective of every trial and the best so far, by trial; on the right how the scores are
    distributed. Trials that failed are marked along the lower edge.

    Args:
        run: the run; it may be in the middle of being written.
        path: where to: ``.png``, ``.svg`` or ``.pdf``.

    Raises:
        UsageError: another format, or a run without a single score.
        MissingExtraError: matplotlib is not installed.
        StoreWriteError: the file cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise UsageError(f"picture {str(path)!r}: expected a name that ends in {', '.join(FORMATS)}.")
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("drawing a picture", extra="report") from error
    rows = list(run.rows())
    best = run.best(1)
    if not best:
        raise UsageError(f"run {run.id} has no trial with a score: there is nothing to draw.")
    drawn = io.BytesIO()
    with mpl.rc_context(
        {"svg.hashsalt": run.id, "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    ):
        figure = Figure(figsize=_SIZE, layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 1])
        _draw_course(left, rows, objectives_of(run)[0])
        _draw_distribution(right, rows)
        # A candidate's text is no formula, whatever dollars stand in it.
        figure.suptitle(_title(run, best[0]), fontsize=8.5, parse_math=False)
        figure.savefig(drawn, format=kind[1:], metadata=_NO_DATE.get(kind), dpi=150)
    try:
        path.write_bytes(drawn.getvalue())
    except OSError as error:
        raise StoreWriteError(f"picture {str(path)!r} cannot be written: {error.strerror}.") from error


def _draw_course(axes: Axes, rows: Sequence[Row], objective: Objective) -> None:
    scored = [(row.trial, row.objective) for row in rows if row.objective is not None]
    failed = [row.trial for row in rows if row.objective is None]
    so_far: list[float] = []
    for _, value in scored:
        better = not so_far or objective.gain(value) > objective.gain(so_far[-1])
        so_far.append(value if better else so_far[-1])
    trials, values = zip(*scored, strict=True)
    axes.scatter(trials, values, s=9, alpha=0.45, linewidths=0, color=_TRIALS, label="trial", gid="trials")
    axes.step(trials, so_far, where="post", color=_BEST, linewidth=1.4, label="best so far", gid="best")
    if failed:
        floor = [axes.get_ylim()[0]] * len(failed)
        axes.plot(failed, floor, "|", color=_FAILED, label="failed", clip_on=False, gid="failed")
    axes.set_xlabel("trial")
    better_end = "higher" if objective.direction is Direction.MAX else "lower"
    axes.set_ylabel(f"{objective.metric} ({better_end} is better)")
    axes.legend(frameon=False, loc="best")


def _draw_distribution(axes: Axes, rows: Sequence[Row]) -> None:
    values = [row.objective for row in rows if row.objective is not None]
    bins = min(40, max(5, len(values) // 5))
    axes.hist(values, bins=bins, orientation="horizontal", color=_TRIALS, alpha=0.7)
    axes.set_xlabel("trials")


def _title(run: Run, best: Row) -> str:
    settings = run.manifest.settings
    space, strategy = (settings[part]["name"].rpartition("/")[2] for part in ("space", "strategy"))
    lines = textwrap.wrap(printable(best.candidate), _TITLE_WIDTH)
    if len(lines) > _TITLE_LINES:
        lines = [*lines[: _TITLE_LINES - 1], lines[_TITLE_LINES - 1][: _TITLE_WIDTH - 2] + " …"]
    head = f"{space} by {strategy}: best {number(best.objective)}, trial {best.trial}"
    return "\n".join([head, *lines])
