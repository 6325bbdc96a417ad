"""Merging the parts of a run that has ended: a thousand small files read fifteen times slower than one.

The merged part is made in a folder beside ``trials/``, the two folders swap names in one step, and the old
one is removed. Killed before the swap, the run is as it was; after it, as it should be; what is left
over, the next writer or merge removes. Numbers of parts are never used twice, so a reader that listed the
old ones finds them missing, and never a new one under an old name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from automl.core.errors import StoreWriteError
from automl.core.store import files, parts
from automl.core.store.lease import Lease
from automl.core.store.manifest import read_manifest

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_ROWS = 65_536
"""Rows of a row group: what a merge holds in memory."""


def compact(folder: Path) -> int:
    """Merge all parts of a run that has ended, or whose writer was killed, into one. Rows keep their order.

    Returns:
        How many parts were merged: 0 where there was nothing to do.

    Raises:
        RunNotFoundError, RunDamagedError, RunTooNewError: the run cannot be read.
        RunBusyError: it is being written.
        StoreWriteError: the folder cannot be written; the run is as it was.
    """
    manifest = read_manifest(folder)
    try:
        lease = Lease.acquire(folder)
        try:
            with lease.owned():
                files.tidy(folder)
            paths = parts.list_parts(folder)
            if len(paths) < 2:
                return 0
            _merge(paths, folder / files.NEW_TRIALS, parts.schema_of(manifest))
            with lease.owned():
                _swap(folder)
                files.tidy(folder)
        finally:
            lease.release()
    except OSError as error:
        raise StoreWriteError(
            f"run {str(folder)!r} cannot be merged: {error.strerror or error}. It is as it was.",
            hint="Make room or the folder writable, and try again.",
        ) from error
    return len(paths)


def _merge(paths: Sequence[Path], target: Path, schema: pa.Schema) -> None:
    import pyarrow.parquet as pq

    target.mkdir()
    merged = target / files.part_name(files.part_number(paths[-1]) + 1)
    with merged.open("xb") as file:
        with pq.ParquetWriter(file, schema, **parts.PARQUET_OPTIONS) as writer:
            for table in _groups(paths):
                writer.write_table(table, row_group_size=GROUP_ROWS)
        file.flush()
        os.fsync(file.fileno())
    files.sync_folder(target)


def _groups(paths: Sequence[Path]) -> Iterator[pa.Table]:
    """The rows in order, many at a time."""
    import pyarrow as pa

    waiting: list[pa.Table] = []
    for path in paths:
        waiting.append(parts.read_part(path))
        if sum(map(len, waiting)) >= GROUP_ROWS:
            yield pa.concat_tables(waiting).combine_chunks()
            waiting.clear()
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def _swap(folder: Path) -> None:
    new, current, aside = folder / files.NEW_TRIALS, folder / files.TRIALS, folder / files.OLD_TRIALS
    if files.exchange(new, current):
        return
    # Between the two renames readers look aside: see `files.trials_folder`.
    current.rename(aside)
    new.rename(current)
    files.sync_folder(folder)
