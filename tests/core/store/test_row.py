"""A row comes back from Parquet as it went in."""

from __future__ import annotations

import io
import math
from dataclasses import fields
from datetime import timedelta, timezone

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from automl.core.contracts import Genotype
from automl.core.store import EXEMPT_COLUMNS, Row
from automl.core.store.parts import encode_part, schema_of
from automl.core.store.row import COLUMNS, table_to_rows
from tests.core.store import samples

SCHEMA = schema_of(samples.manifest())


def through_parquet(rows: list[Row]) -> list[Row]:
    return list(table_to_rows(pq.read_table(io.BytesIO(encode_part(rows, SCHEMA)))))


@given(st.lists(samples.rows(), min_size=1, max_size=5))
@example([samples.row(2**63 - 1, seed=-(2**63), parent=2**63 - 1, window=2**63 - 1)])
@example([samples.row(0, metrics={"ntk": 5e-324, "regions": -1.7976931348623157e308})])
@example([samples.row(0, reason="Δ\x00\n\U0001f600", genotype=Genotype({"": "\x00", "π": 10**30}))])
def test_any_row_comes_back_as_it_was(rows: list[Row]) -> None:
    back = through_parquet(rows)
    assert back == rows
    assert [list(row.genotype) for row in back] == [list(row.genotype) for row in rows]
    assert all(row.started_at.utcoffset() == timedelta(0) for row in back)
    signs = [[math.copysign(1, value) for value in row.metrics.values()] for row in rows]
    assert [[math.copysign(1, value) for value in row.metrics.values()] for row in back] == [
        [sign for _, sign in sorted(zip(row.metrics, marks, strict=True))]
        for row, marks in zip(rows, signs, strict=True)
    ]


def test_a_missing_metric_is_null_and_stays_missing() -> None:
    rows = [samples.row(0, metrics={"regions": 1.0}), samples.row(1, metrics={})]
    table = pq.read_table(io.BytesIO(encode_part(rows, SCHEMA)))
    assert table["metric.ntk"].null_count == 2
    assert table["metric.regions"].to_pylist() == [1.0, None]
    assert [dict(row.metrics) for row in table_to_rows(table)] == [{"regions": 1.0}, {}]


def test_a_run_without_metrics_has_rows() -> None:
    schema = schema_of(samples.manifest(metrics=(), objectives=()))
    rows = [samples.row(trial, metrics={}, objective=None) for trial in range(3)]
    assert list(table_to_rows(pq.read_table(io.BytesIO(encode_part(rows, schema))))) == rows


def test_text_without_utf8_is_stored_escaped() -> None:
    """An error's message may quote a file name that is no text: no reason to lose the trial."""
    rows = [samples.row(0, reason="no file \udcff", evaluators=("a\ud800", "ü")), samples.row(1)]
    back = through_parquet(rows)
    assert back[0].reason == "no file \\udcff"
    assert back[0].evaluators == ("a\\ud800", "ü")
    assert back[1] == rows[1]


def test_another_time_zone_is_the_same_moment() -> None:
    there = samples.NOW.astimezone(timezone(timedelta(hours=-7, minutes=-30)))
    (back,) = through_parquet([samples.row(0, started_at=there)])
    assert back.started_at == samples.NOW


def test_a_number_beyond_64_bits_is_refused() -> None:
    with pytest.raises((OverflowError, ValueError)):
        encode_part([samples.row(2**63)], SCHEMA)


def test_every_field_has_its_column() -> None:
    names = {field.name for field in fields(Row)}
    assert names - {"metrics"} == set(COLUMNS)
    assert names > EXEMPT_COLUMNS
    assert SCHEMA.names == [
        *list(COLUMNS)[:11],
        "metric.ntk",
        "metric.regions",
        *list(COLUMNS)[11:],
    ]
    assert SCHEMA.metadata == {b"automl.schema_version": b"1", b"automl.run": b"run"}
