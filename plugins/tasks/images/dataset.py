"""The Parquet files of a data set: what they say of themselves, and the rows that are wanted of them."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from automl.core.errors import DataError
from automl.plugins.tasks.drawing import draw
from automl.plugins.tasks.images.columns import Columns, choose_columns
from automl.plugins.tasks.images.folder import find_splits

_ROWS_AT_A_TIME = 128
"""How many rows are decoded at a time: what bounds the memory that reading takes."""

_SAMPLE_GROUPS = 32
"""How many row groups a sample is taken from, if they hold enough: each has to be read."""

_FOOTER_END = 8
"""A Parquet file ends with its footer, the footer's length in 4 bytes, and the magic ``PAR1``."""

_NULL = -(2**63)
"""What stands for a label that is null where labels are hashed."""

_LFS_POINTER = b"version https://git-lfs"
"""How the small file begins that a clone without Git LFS leaves in the place of a large one."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One Parquet file of a split.

    Attributes:
        path: where it lies.
        groups: the number of rows of each of its row groups.
        digest: a hash of its length and its footer, which holds the place, the length and mostly the
            smallest and largest value of every column of every row group.
    """

    path: Path
    groups: tuple[int, ...]
    digest: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the file.

    Attributes:
        number: counted from 0 through the whole split.
        place: where that is, for messages.
        image: the image's file content, undecoded.
        label: the class's number.
    """

    number: int
    place: str
    image: bytes | None
    label: int | None


@dataclass(frozen=True, slots=True)
class Split:
    """The rows of one split, in the order of its files."""

    shards: tuple[Shard, ...]
    columns: Columns

    def __len__(self) -> int:
        return sum(sum(shard.groups) for shard in self.shards)

    def rows(self, wanted: Sequence[int]) -> Iterator[Row]:
        """The rows with the numbers ``wanted``, each once, in ascending order.

        Reads only the two columns, of only the row groups that hold any of them.

        Raises:
            DataError: a file cannot be read.
        """
        numbers = sorted(set(wanted))
        first = 0
        for shard in self.shards:
            last = first + sum(shard.groups)
            within = [number - first for number in _between(numbers, first, last)]
            if within:
                yield from _rows_of(shard, self.columns, within, first)
            first = last

    def sample(self, size: int) -> list[int]:
        """The numbers of ``size`` rows, or of all where they are fewer: always the same ones.

        They come from a few row groups drawn at random, so that a sample of a large data set does not
        read all of it.
        """
        groups = [rows for shard in self.shards for rows in shard.groups]
        starts = list(accumulate(groups, initial=0))
        pool: list[int] = []
        for taken, group in enumerate(draw(len(groups), len(groups), seed=0)):
            if taken >= _SAMPLE_GROUPS and len(pool) >= size:
                break
            pool.extend(range(starts[group], starts[group + 1]))
        return sorted(pool[at] for at in draw(len(pool), min(size, len(pool)), seed=0))

    def highest_label(self) -> int | None:
        """The highest label, or nothing where all are null.

        Raises:
            DataError: a file cannot be read.
        """
        highest = [pc.max(labels).as_py() for labels in self.labels()]
        return max((label for label in highest if label is not None), default=None)

    def labels(self) -> Iterator[pa.ChunkedArray]:
        """The labels of each file, as they are.

        Raises:
            DataError: a file cannot be read.
        """
        label = self.columns.label
        for shard in self.shards:
            with _readable(shard.path), pq.ParquetFile(shard.path) as file:
                column = file.read(columns=[label], use_threads=False).column(label)
            yield column


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set in a folder of Parquet files."""

    splits: Mapping[str, Split]
    columns: Columns

    def digest(self) -> str:
        """32 hexadecimal digits that are equal for equal data, wherever the folder lies.

        They are made of the files' lengths and footers and of all labels. The images are not read: one
        that was replaced shows by its length, or not at all.

        Raises:
            DataError: a file cannot be read.
        """
        mixed = blake2b(digest_size=16)
        for name, split in sorted(self.splits.items()):
            mixed.update(f"{name} {len(split.shards)}\n".encode())
            for shard, labels in zip(split.shards, split.labels(), strict=True):
                mixed.update(shard.digest)
                whole = pc.fill_null(labels.cast(pa.int64(), safe=False), _NULL)
                mixed.update(whole.to_numpy().tobytes())
        return mixed.hexdigest()


def open_dataset(folder: Path, *, image: str | None = None, label: str | None = None) -> Dataset:
    """The data set in a folder. Reads the files' footers, and nothing else.

    Args:
        folder: where its Parquet files lie, or the parent of the folder ``data`` where they do.
        image: the column of images, where it does not follow from the files which one is meant.
        label: the same for the labels.

    Raises:
        DataError: the folder is not one of a data set of images, or a file is damaged.
        UnknownNameError: there is no such column.
    """
    columns: Columns | None = None
    splits = {}
    for name, files in find_splits(folder).items():
        shards = []
        for file in files:
            shard, schema = _open_shard(file)
            if columns is None:
                columns = choose_columns(schema, file.name, image, label)
            elif choose_columns(schema, file.name, columns.image, columns.label) != columns:
                raise DataError(
                    f"{file.name} names other classes than the files before it, in {str(file.parent)!r}.",
                    hint="The splits of a data set have to share their classes, in one order.",
                )
            shards.append(shard)
        assert columns is not None  # noqa: S101 - for the type checker: a split has a file
        splits[name] = Split(tuple(shards), columns)
    if len(splits["train"]) == 0:
        raise DataError(f"the training files in {str(folder)!r} hold no rows.")
    return Dataset(splits, splits["train"].columns)


def _open_shard(path: Path) -> tuple[Shard, pa.Schema]:
    with _readable(path):
        metadata = pq.read_metadata(path)
        schema = metadata.schema.to_arrow_schema()
        with path.open("rb") as file:
            length = file.seek(-_FOOTER_END, 2) + _FOOTER_END
            footer = int.from_bytes(file.read(4), "little") + _FOOTER_END
            file.seek(-footer, 2)
            digest = blake2b(f"{length}\n".encode() + file.read(), digest_size=16).digest()
    groups = tuple(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))
    return Shard(path, groups, digest), schema


def _rows_of(shard: Shard, columns: Columns, wanted: Sequence[int], first: int) -> Iterator[Row]:
    """The rows of a file that are ``wanted``, ascending; ``first`` is the number of its first one."""
    with _readable(shard.path):
        file = pq.ParquetFile(shard.path)
    with file:
        start = 0
        for group, rows in enumerate(shard.groups):
            within = [row - start for row in _between(wanted, start, start + rows)]
            if within:
                for row, image, label in _cells(file, shard.path, group, columns, within):
                    place = f"row {start + row} of {shard.path.name}"
                    yield Row(first + start + row, place, image, label)
            start += rows


def _cells(
    file: pq.ParquetFile, path: Path, group: int, columns: Columns, wanted: Sequence[int]
) -> Iterator[tuple[int, bytes | None, int | None]]:
    """Row, image and label of the ``wanted`` rows of a row group, ascending, counted from its first.

    Rows are decoded a few at a time, and none after the last that is wanted.
    """
    start = 0
    batches = file.iter_batches(
        batch_size=_ROWS_AT_A_TIME,
        row_groups=[group],
        columns=[f"{columns.image}.bytes", columns.label],
        use_threads=False,
    )
    while start <= wanted[-1]:
        with _readable(path):
            batch = next(batches, None)
        if batch is None:
            raise _damaged(path, "it ends before its last row")
        images, labels = batch.column(columns.image).field("bytes"), batch.column(columns.label)
        for row in _between(wanted, start, start + len(batch)):
            yield row, images[row - start].as_py(), labels[row - start].as_py()
        start += len(batch)


def _between(numbers: Sequence[int], low: int, high: int) -> Sequence[int]:
    """Those of the ascending ``numbers`` in [low, high)."""
    return numbers[bisect_left(numbers, low) : bisect_left(numbers, high)]


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what goes wrong with a file into a `DataError` that names it."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, OSError) and error.errno:
        return DataError(f"{str(path)!r} cannot be read: {os.strerror(error.errno)}.")
    with path.open("rb") as file:
        if file.read(len(_LFS_POINTER)) == _LFS_POINTER:
            return DataError(
                f"{str(path)!r} is only Git LFS's pointer to the file.",
                hint="Fetch the file itself with: git lfs pull",
            )
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return _damaged(path, lines[0].rstrip("."))


def _damaged(path: Path, why: str) -> DataError:
    return DataError(f"{str(path)!r} is damaged or no Parquet file: {why}.", hint="Fetch the file again.")
