"""The picture of a run: every trial's objective, and the best so far."""

from __future__ import annotations

from pathlib import Path

from automl.core.errors import MissingExtraError, StoreWriteError, UsageError
from automl.core.report.summary import objectives_of, summarise
from automl.core.store import Run

FORMATS = (".png", ".svg", ".pdf")


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
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"picture {str(path)!r}: expected a name that ends in {', '.join(FORMATS)}.")
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("drawing a picture", extra="report") from error
    objective = objectives_of(run)[0]
    rows = list(run.rows())
    scored = [(row.trial, row.objective) for row in rows if row.objective is not None]
    if not scored:
        raise UsageError(f"run {run.id} has no trial with a score: there is nothing to draw.")
    failed = [row.trial for row in rows if row.objective is None]
    so_far: list[float] = []
    for _, value in scored:
        better = not so_far or objective.gain(value) > objective.gain(so_far[-1])
        so_far.append(value if better else so_far[-1])
    # A fixed salt and no date: the same run gives the same file.
    with mpl.rc_context(
        {"svg.hashsalt": run.id, "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    ):
        figure = Figure(figsize=(9, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 1])
        numbers = [number for number, _ in scored]
        values = [value for _, value in scored]
        left.scatter(numbers, values, s=9, alpha=0.45, linewidths=0, color="#4477aa", label="trial")
        left.step(numbers, so_far, where="post", color="#cc3311", linewidth=1.4, label="best so far")
        if failed:
            floor = [left.get_ylim()[0]] * len(failed)
            left.plot(failed, floor, "|", color="#888888", label="failed", clip_on=False)
        left.set_xlabel("trial")
        left.set_ylabel(
            f"{objective.metric} ({'higher' if objective.direction == 'max' else 'lower'} is better)"
        )
        left.legend(frameon=False, loc="best")
        right.hist(
            values,
            bins=min(40, max(5, len(values) // 5)),
            orientation="horizontal",
            color="#4477aa",
            alpha=0.7,
        )
        right.set_xlabel("trials")
        best = summarise(run, top=1).best[0]
        settings = run.manifest.settings
        figure.suptitle(
            f"{settings['space']['name']} by {settings['strategy']['name']}: best {best.objective:.5g}, "
            f"trial {best.trial}\n{best.candidate}",
            fontsize=8.5,
        )
        try:
            figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None, dpi=150)
        except OSError as error:
            raise StoreWriteError(f"picture {str(path)!r} cannot be written: {error.strerror}.") from error
