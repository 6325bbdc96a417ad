"""Rows and manifests for the store's tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from automl.core.contracts import Genotype, Source, Status
from automl.core.store import Manifest, Row

METRICS = ("ntk", "regions")
NOW = datetime(2026, 3, 1, 14, 15, 0, 123456, tzinfo=UTC)

SETTINGS: dict[str, Any] = {
    "space": {"name": "nasbench201"},
    "proxy": {"ntk": {}},
    "strategy": {"name": "random"},
    "task": {"name": "digits"},
    "trials": 10,
}

_INT64 = st.integers(-(2**63), 2**63 - 1)
_FINITE = st.floats(allow_nan=False, allow_infinity=False)


def manifest(run_id: str = "run", **changes: Any) -> Manifest:
    """A manifest with two metrics, the first one the objective."""
    fields: dict[str, Any] = {
        "id": run_id,
        "created_at": NOW,
        "settings": SETTINGS,
        "seed": 7,
        "window": 1,
        "metrics": (
            {"name": "ntk", "direction": "max", "unit": "", "description": "a score"},
            {"name": "regions", "direction": "min", "unit": "1", "description": "another"},
        ),
        "objectives": ("ntk:max",),
    }
    return Manifest(**{**fields, **changes})


def row(trial: int, **changes: Any) -> Row:
    """A success, cheap and without a surprise."""
    fields: dict[str, Any] = {
        "trial": trial,
        "stage": 0,
        "rung": 0,
        "told": trial,
        "status": Status.OK,
        "reason": "",
        "genotype": Genotype({"edge_1_0": "skip_connect", "width": trial}),
        "candidate": f"|skip_connect~{trial}|",
        "key": f"{trial:032x}",
        "source": Source.EVALUATED,
        "evaluators": ("ntk", "regions"),
        "metrics": {"ntk": trial / 2, "regions": -1.5},
        "objective": trial / 2,
        "seed": trial,
        "window": 1,
        "seconds": 0.001,
        "started_at": NOW + timedelta(milliseconds=trial % 10**6),
        "host": "here",
        "device": "cpu",
        "parent": None,
        "fidelity": None,
    }
    return Row(**{**fields, **changes})


def rows() -> st.SearchStrategy[Row]:
    """Any row that the table can hold."""
    scalars = st.none() | st.booleans() | st.integers() | _FINITE | st.text()
    zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    times = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=zones)
    return st.builds(
        Row,
        trial=_INT64,
        stage=_INT64,
        rung=_INT64,
        told=_INT64,
        status=st.sampled_from(Status),
        reason=st.text(),
        genotype=st.dictionaries(st.text(), scalars).map(Genotype),
        candidate=st.text(),
        key=st.text(),
        source=st.sampled_from(Source),
        evaluators=st.lists(st.text()).map(tuple),
        metrics=st.dictionaries(st.sampled_from(METRICS), _FINITE),
        objective=st.none() | _FINITE,
        seed=_INT64,
        window=st.none() | _INT64,
        seconds=_FINITE,
        started_at=times,
        host=st.text(),
        device=st.text(),
        parent=st.none() | _INT64,
        fidelity=st.none() | _FINITE,
    )
