"""A run in a few numbers."""

from __future__ import annotations

import json
from pathlib import Path

from automl.core.contracts import Direction, Objective, Source, Status
from automl.core.report import summarise
from automl.core.report.summary import objectives_of
from tests.core.report.runs import row, run_of


def test_a_run_of_all_sorts(tmp_path: Path) -> None:
    rows = [
        row(0, 1.0),
        row(1, None),
        row(2, 3.0),
        row(3, 3.0, key=row(2, 3.0).key, source=Source.CACHE, seconds=0.0),
        row(4, None, status=Status.TIMEOUT, reason="no result after 5 s", seconds=5.0),
        row(5, None),
        row(6, 2.0, reason="other: no vowel"),
    ]
    summary = summarise(run_of(tmp_path, rows), top=2)
    assert summary.trials == 7
    assert summary.statuses == {"ok": 4, "degenerate": 2, "timeout": 1}
    assert summary.sources == {"evaluated": 6, "cache": 1}
    assert summary.reasons == (("singular", 2), ("no result after 5 s", 1))
    assert summary.succeeded == 4
    assert summary.evaluation_seconds == 5 * 0.5 + 5.0
    assert [best.trial for best in summary.best] == [2, 6]  # trial 3 is equal to trial 2


def test_the_best_end_is_the_objectives(tmp_path: Path) -> None:
    run = run_of(tmp_path, [row(n, float(n)) for n in (3, 1, 2)], direction="min")
    assert objectives_of(run) == (Objective("score", Direction.MIN),)
    assert [best.trial for best in summarise(run).best] == [1, 2, 3]


def test_a_run_without_trials(tmp_path: Path) -> None:
    summary = summarise(run_of(tmp_path, []))
    assert (summary.trials, summary.succeeded, summary.best, summary.reasons) == (0, 0, (), ())


def test_as_json(tmp_path: Path) -> None:
    summary = summarise(run_of(tmp_path, [row(0, None), row(1, 0.5, parent=0)]))
    found = json.loads(json.dumps(summary.as_json(), allow_nan=False))
    assert found["trials"] == 2
    assert found["statuses"] == {"degenerate": 1, "ok": 1}
    assert found["reasons"] == [{"reason": "singular", "count": 1}]
    [best] = found["best"]
    assert best["trial"] == 1
    assert best["genotype"] == {"width": 1}
    assert best["metrics"] == {"score": 0.5}
    assert best["parent"] == 0
