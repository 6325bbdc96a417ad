"""Live progress of a search, on stderr: done, rate, best so far, time left."""

from __future__ import annotations

import sys
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING

from automl.core.cli.output import note, number

if TYPE_CHECKING:
    from rich.progress import Progress

    from automl.core.contracts import Objective
    from automl.core.store import Row, Run

_SECONDS_BETWEEN = 0.1
"""Between two updates of the bar: a fast search would spend its time drawing."""

_SECONDS_BETWEEN_LINES = 10.0
"""Between two lines where there is no terminal, in a log for example."""


class SearchProgress:
    """Shows how far a search is: a bar on a terminal, a line now and then elsewhere.

    A context manager. `begin` is told of the run once its folder is there, `see` takes every row.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Progress | None = None
        self._objective: Objective | None = None
        self._total = self._done = self._begun_with = 0
        self._best: float | None = None
        self._start = self._last = monotonic()

    def __enter__(self) -> SearchProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._draw(self._bar)
            self._bar.stop()

    def begin(self, run: Run) -> None:
        """The run's folder is there, and its settings are resolved."""
        if self._quiet:
            return
        from automl.core.report.summary import objectives_of

        self._objective = objectives_of(run)[0]
        for row in run.rows():
            self._take(row)
        self._begun_with = self._done
        self._total = run.manifest.settings["trials"]
        self._start = self._last = monotonic()
        note(f"run {run.id} in {run.folder}")
        if sys.stderr.isatty():
            self._bar = self._make_bar()

    def see(self, row: Row) -> None:
        """A row was recorded."""
        if self._objective is None:
            return
        self._take(row)
        now = monotonic()
        if self._bar is not None and now - self._last >= _SECONDS_BETWEEN:
            self._last = now
            self._draw(self._bar)
        elif self._bar is None and now - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = now
            note(f"{self._done}/{self._total}  {self._rate()}  {self._best_text()}")

    def _take(self, row: Row) -> None:
        self._done += 1
        if row.objective is not None and self._objective is not None:
            gain = self._objective.gain
            if self._best is None or gain(row.objective) > gain(self._best):
                self._best = row.objective

    def _make_bar(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}  {task.fields[best]}  left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        bar.start()
        bar.add_task("", total=self._total, completed=self._done, rate="", best="")
        return bar

    def _draw(self, bar: Progress) -> None:
        bar.update(bar.task_ids[0], completed=self._done, rate=self._rate(), best=self._best_text())

    def _rate(self) -> str:
        seconds = monotonic() - self._start
        return f"{(self._done - self._begun_with) / seconds:.1f}/s" if seconds > 0 else ""

    def _best_text(self) -> str:
        if self._best is None or self._objective is None:
            return "no score yet"
        return f"best {self._objective.metric} {number(self._best)}"
