"""Live progress of a search, on stderr: done, rate, time left, best so far."""

from __future__ import annotations

import sys
from collections import deque
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING

from automl.core.cli.output import note, path_to_type
from automl.core.errors import AutomlError

if TYPE_CHECKING:
    from rich.progress import Progress

    from automl.core.contracts import Objective
    from automl.core.store import Row, Run

_SECONDS_BETWEEN = 0.1
"""Between two updates of the bar: a fast search would spend its time drawing."""

_SECONDS_BETWEEN_LINES = 10.0
"""Between two lines where there is no terminal, in a log for example."""

_REMEMBERED = 50
"""Updates that the rate is taken over: a search with many equal candidates gets faster as it goes on."""

_BAR_WIDTH = 20


class SearchProgress:
    """Shows how far a search is: a bar on a terminal, a line now and then elsewhere.

    A context manager. `begin` is told of the run once its folder is there, `see` takes every row. An error
    that ends the search passes through, after a note on what there is of the run.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._run: Run | None = None
        self._bar: Progress | None = None
        self._objective: Objective | None = None
        self._total = self._done = 0
        self._deadline: float | None = None
        self._best: float | None = None
        self._last = monotonic()
        self._seen: deque[tuple[float, int]] = deque(maxlen=_REMEMBERED)

    def __enter__(self) -> SearchProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._run is not None and isinstance(error, AutomlError) and "automl resume" not in error.hint:
            place = path_to_type(self._run.folder)
            note(f"The search ended early. What was scored is kept; go on with:  automl resume {place}")

    def begin(self, run: Run) -> None:
        """The run's folder is there, and its settings are resolved."""
        from automl.core.report.summary import objectives_of

        self._run = run
        if self._quiet:
            return
        self._objective = objectives_of(run)[0]
        self._done = run.count()
        for row in run.best(1):
            self._best = row.objective
        self._total = run.manifest.settings["trials"]
        self._last = now = monotonic()
        limit = run.manifest.settings["max_time"]
        self._deadline = None if limit is None else now + limit
        note(f"run {run.id} in {path_to_type(run.folder.parent)}")
        if sys.stderr.isatty():
            self._bar = self._make_bar()

    def see(self, row: Row) -> None:
        """A row was recorded."""
        if self._objective is None:
            return
        self._done += 1
        value = row.objective
        if value is not None and (
            self._best is None or self._objective.gain(value) > self._objective.gain(self._best)
        ):
            self._best = value
        now = monotonic()
        if not self._seen:  # the first result waited for imports: it tells nothing of the rate
            self._seen.append((now, self._done))
        if now - self._last < (_SECONDS_BETWEEN_LINES if self._bar is None else _SECONDS_BETWEEN):
            return
        self._last = now
        self._seen.append((now, self._done))
        if self._bar is None:
            note(f"{self._done:,}/{self._total:,}  {self.text}")
        else:
            self._bar.update(self._bar.task_ids[0], completed=self._done)

    @property
    def text(self) -> str:
        """Rate, time left and the best so far."""
        from automl.core.report.numbers import duration, number

        best = "no score yet"
        if self._best is not None and self._objective is not None:
            best = f"best {self._objective.metric} {number(self._best)}"
        (then, before), (last, done) = (self._seen[0], self._seen[-1]) if self._seen else ((0.0, 0), (0.0, 0))
        if done == before:
            return best
        rate = (done - before) / max(last - then, 1e-9)
        left = (self._total - self._done) / rate
        if self._deadline is not None:
            left = min(left, max(self._deadline - monotonic(), 0.0))
        pace = f"{number(float(f'{rate:.3g}'))}/s" if rate >= 1 else f"{duration(1 / rate)} each"
        return f"{pace}  {duration(max(left, 1.0))} left  {best}"

    def _make_bar(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task
        from rich.table import Column
        from rich.text import Text

        progress = self

        class Line(ProgressColumn):
            """The text as it is when it is drawn: time goes on during a long evaluation."""

            def render(self, task: Task) -> Text:
                return Text(progress.text, no_wrap=True, overflow="ellipsis")

        bar = Progress(
            BarColumn(bar_width=_BAR_WIDTH),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            Line(table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=Console(stderr=True, highlight=False),
            refresh_per_second=5,
            transient=True,
        )
        bar.start()
        bar.add_task("", total=self._total, completed=self._done)
        return bar
