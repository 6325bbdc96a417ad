"""A row of the trials table, and its typed Arrow schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from automl.core.contracts import Genotype, Source, Status

if TYPE_CHECKING:
    import pyarrow as pa

METRIC_PREFIX = "metric."


@dataclass(frozen=True, slots=True)
class Row:
    """What the store keeps of one trial (of one stage and rung of it).

    Attributes:
        trial: counted from 0 in the order of the proposals.
        stage: which evaluator of a funnel; 0 is the first.
        rung: which report of one evaluation; 0 where there is one only.
        told: how many results the strategy had been told when it proposed this trial.
        status: how the evaluation ended.
        reason: why it failed, or why a metric is missing; empty where all went well.
        genotype: the choices made.
        candidate: the text that a person reads.
        key: the equivalence key.
        source: where the outcome comes from.
        evaluators: their names, in the order in which they ran.
        metrics: finite numbers by name; those that are missing here are null in the table.
        objective: the first objective's value as measured; nothing where the trial failed.
        seed: what the evaluation's randomness is derived from.
        window: how many proposals could be without a result, if the strategy learns.
        seconds: what this trial's own evaluation took (wall time).
        started_at: when it began, with its time zone; stored in UTC, in microseconds.
        host, device: where it was evaluated.
        parent: the number of the trial that this one descends from, if any.
        fidelity: how dear an evaluation was asked for, if the strategy said.
    """

    trial: int
    stage: int
    rung: int
    told: int
    status: Status
    reason: str
    genotype: Genotype
    candidate: str
    key: str
    source: Source
    evaluators: tuple[str, ...]
    metrics: Mapping[str, float]
    objective: float | None
    seed: int
    window: int | None
    seconds: float
    started_at: datetime
    host: str
    device: str
    parent: int | None = None
    fidelity: float | None = None


COLUMNS: Mapping[str, str] = {
    "trial": "int64",
    "stage": "int64",
    "rung": "int64",
    "told": "int64",
    "status": "string",
    "reason": "string",
    "genotype": "string",
    "candidate": "string",
    "key": "string",
    "source": "string",
    "evaluators": "list<string>",
    "objective": "double",
    "seed": "int64",
    "window": "int64",
    "seconds": "double",
    "started_at": "timestamp[us, tz=UTC]",
    "host": "string",
    "device": "string",
    "parent": "int64",
    "fidelity": "double",
}
"""The Arrow type of every column but the metrics, which are ``double`` and come before ``objective``."""

NULLABLE_COLUMNS = frozenset({"objective", "window", "parent", "fidelity"})
"""Columns that can be null, besides the metrics."""

EXEMPT_COLUMNS = frozenset({"seconds", "started_at", "host", "device"})
"""Columns of time and place: a replay need not repeat them."""

ORDER = ("trial", "stage", "rung")
"""What identifies a row, and the order in which rows are given to readers."""

_PLAIN_COLUMNS = tuple(name for name in COLUMNS if name not in {"genotype", "evaluators"})
_plain_fields = attrgetter(*_PLAIN_COLUMNS)


def arrow_schema(run_id: str, metrics: Iterable[str], *, version: int) -> pa.Schema:
    """The schema of every part of a run."""
    import pyarrow as pa

    types = {
        "int64": pa.int64(),
        "double": pa.float64(),
        "string": pa.string(),
        "list<string>": pa.list_(pa.string()),
        "timestamp[us, tz=UTC]": pa.timestamp("us", tz="UTC"),
    }
    fields = []
    for name, kind in COLUMNS.items():
        if name == "objective":
            fields += [pa.field(METRIC_PREFIX + metric, pa.float64()) for metric in metrics]
        fields.append(pa.field(name, types[kind], nullable=name in NULLABLE_COLUMNS))
    return pa.schema(fields, {"automl.schema_version": str(version), "automl.run": run_id})


def rows_to_table(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """The rows as a table, in their order.

    Raises:
        ValueError: a value is not one that its column holds.
    """
    import pyarrow as pa

    plain = zip(*map(_plain_fields, rows), strict=True)
    columns: dict[str, Sequence[Any]] = dict(zip(_PLAIN_COLUMNS, plain, strict=True))
    columns["genotype"] = [row.genotype.json for row in rows]
    columns["evaluators"] = [row.evaluators for row in rows]
    metrics = [row.metrics for row in rows]
    for name in schema.names:
        if name.startswith(METRIC_PREFIX):
            metric = name.removeprefix(METRIC_PREFIX)
            columns[name] = [values.get(metric) for values in metrics]
    arrays = [_array(columns[field.name], field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def table_to_rows(table: pa.Table) -> Iterator[Row]:
    """The inverse of `rows_to_table`."""
    measured = [name for name in table.column_names if name.startswith(METRIC_PREFIX)]
    names = [name.removeprefix(METRIC_PREFIX) for name in measured]
    for batch in table.to_batches(max_chunksize=4096):
        columns: dict[str, Iterable[Any]] = {name: batch.column(name).to_pylist() for name in COLUMNS}
        columns["status"] = map(Status, columns["status"])
        columns["source"] = map(Source, columns["source"])
        columns["genotype"] = map(Genotype.from_json, columns["genotype"])
        columns["evaluators"] = map(tuple, columns["evaluators"])
        columns["metrics"] = _metrics(
            [batch.column(name).to_pylist() for name in measured], names, len(batch)
        )
        for fields in zip(*columns.values(), strict=True):
            yield Row(**dict(zip(columns, fields, strict=True)))


def _metrics(values: list[list[float | None]], names: list[str], count: int) -> list[dict[str, float]]:
    rows = zip(*values, strict=True) if values else [()] * count
    return [{name: n for name, n in zip(names, row, strict=True) if n is not None} for row in rows]


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        # Half a surrogate pair (a file's name in an error's message) has no UTF-8: its escape does.
        return pa.array([_escaped(value) for value in values], kind)


def _escaped(value: str | tuple[str, ...]) -> str | list[str]:
    if isinstance(value, tuple):
        return [str(_escaped(text)) for text in value]
    return value.encode("utf-8", "backslashreplace").decode()
