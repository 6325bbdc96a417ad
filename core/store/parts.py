"""The Parquet parts of a run: how they are encoded, read, and found torn."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from automl.core.errors import RunDamagedError
from automl.core.store import files
from automl.core.store.manifest import Manifest
from automl.core.store.row import ORDER, Row, arrow_schema, rows_to_table

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

_ATTEMPTS = 3
"""How often a read begins anew when a merge took the parts away from under it."""

PARQUET_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    # Texts that differ in every row gain nothing from a dictionary.
    "use_dictionary": ["status", "reason", "source", "evaluators.list.element", "host", "device"],
    # Parquet itself does not notice a flipped bit in a number.
    "write_page_checksum": True,
}


def schema_of(manifest: Manifest) -> pa.Schema:
    """The schema of every part of the run: fixed by what its evaluators declared."""
    return arrow_schema(manifest.id, manifest.metric_names, version=manifest.schema_version)


def encode_part(rows: Sequence[Row], schema: pa.Schema) -> bytes:
    """A part's whole content."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(rows_to_table(rows, schema), sink, **PARQUET_OPTIONS)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def read_parts(folder: Path, schema: pa.Schema) -> pa.Table:
    """All rows of the run in ``folder``, by trial, stage and rung.

    Raises:
        RunDamagedError: a part is torn, or ``trials/`` is missing.
    """
    table = _read_listed(folder, lambda paths: _read_table(paths, schema))
    return table.sort_by([(name, "ascending") for name in ORDER])


def count_rows(folder: Path) -> int:
    """How many rows the run in ``folder`` holds, by its parts' footers.

    Raises:
        RunDamagedError: a part is torn, or ``trials/`` is missing.
    """
    import pyarrow.parquet as pq

    def count(path: Path) -> int:
        with _torn_told(path):
            return int(pq.read_metadata(path.absolute()).num_rows)

    return _read_listed(folder, lambda paths: sum(map(count, paths)))


def read_part(path: Path) -> pa.Table:
    """The rows of one part, every page of it checked.

    Raises:
        RunDamagedError: it is torn.
    """
    import pyarrow.parquet as pq

    with _torn_told(path):
        return pq.ParquetFile(path.absolute(), page_checksum_verification=True).read()


def list_parts(folder: Path) -> list[Path]:
    """The parts of the run in ``folder``, in the order in which they were written.

    Raises:
        RunDamagedError: ``trials/`` is missing.
    """
    try:
        return files.list_parts(files.trials_folder(folder))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunDamagedError(
            f"run {str(folder)!r} has no folder {files.TRIALS}/.",
            hint=f"Restore it, or make an empty one: {_resume(folder)} computes its trials again.",
        ) from error


def _read_listed(folder: Path, read: Callable[[list[Path]], T]) -> T:
    """``read`` of the parts; once more where a merge took them away in the meantime."""
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(FileNotFoundError):
            return read(list_parts(folder))
    return read(list_parts(folder))


def _read_table(paths: list[Path], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa
    import pyarrow.dataset as ds
    from pyarrow.fs import LocalFileSystem

    if not paths:
        return schema.empty_table()
    options = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
    try:
        # Absolute and on a file system that is named: 's3:/run' would be taken for an address.
        places = [str(path.absolute()) for path in paths]
        dataset = ds.dataset(places, schema=schema, format="parquet", filesystem=LocalFileSystem())
        return dataset.to_table(fragment_scan_options=options)
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException):
        for path in paths:  # which one is it?
            read_part(path)
        raise


@contextlib.contextmanager
def _torn_told(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise _torn(path, error) from error


def _torn(path: Path, error: Exception) -> RunDamagedError:
    folder = path.parent.parent
    aside = path.with_name(f".{path.name}.torn")
    reason = str(error).splitlines()[0].rstrip(".")
    return RunDamagedError(
        f"part {str(path)!r} of the run is torn: {reason}.",
        hint=f"Put it aside: mv {shlex.quote(str(path))} {shlex.quote(str(aside))}; then "
        f"{_resume(folder)} computes its trials again.",
    )


def _resume(folder: Path) -> str:
    return f"'automl resume {shlex.quote(str(folder))}'"
