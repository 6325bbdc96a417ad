"""Runs on disk for the report's tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from automl.core.contracts import Genotype, Source, Status
from automl.core.store import Manifest, Row, Run, create_run, open_run


def row(trial: int, score: float | None, **changes: Any) -> Row:
    """A trial with this score, or a failure."""
    fields: dict[str, Any] = {
        "trial": trial,
        "stage": 0,
        "rung": 0,
        "told": trial,
        "status": Status.DEGENERATE if score is None else Status.OK,
        "reason": "singular" if score is None else "",
        "genotype": Genotype({"width": trial}),
        "candidate": f"|conv~{trial}|",
        "key": f"{trial:032x}",
        "source": Source.EVALUATED,
        "evaluators": ("score",),
        "metrics": {} if score is None else {"score": score},
        "objective": score,
        "seed": trial,
        "window": 1,
        "seconds": 0.5,
        "started_at": datetime(2026, 3, 1, tzinfo=UTC),
        "host": "here",
        "device": "cpu",
    }
    return Row(**{**fields, **changes})


def run_of(folder: Path, rows: Sequence[Row], *, direction: str = "max") -> Run:
    """A run that has ended, with these rows."""
    manifest = Manifest(
        id="a-run",
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
        settings={
            "space": {"name": "/path/to/mine.py:Space"},
            "proxy": {"score": {}},
            "strategy": {"name": "random"},
            "task": {"name": "digits"},
            "trials": max(len(rows), 1),
        },
        seed=0,
        window=1,
        metrics=({"name": "score", "direction": direction, "unit": "", "description": ""},),
        objectives=(f"score:{direction}",),
    )
    with create_run(folder / "a-run", manifest) as writer:
        for one in rows:
            writer.append(one)
        writer.finish("finished")
    return open_run(folder / "a-run")
