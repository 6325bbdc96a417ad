"""Which files of a folder hold which split."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from automl.core.errors import DataError

SPLITS = ("train", "test")
"""The splits that a task offers. Others that a data set may have are left alone."""

_SHARD = re.compile(r"-(?P<number>\d+)-of-(?P<total>\d+)")
_EXPECTED = (
    "Expected Parquet files such as train-00000-of-00001.parquet and test-00000-of-00001.parquet, there "
    "or in its subfolder data."
)
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
_NAMED = 3
"""How many files or folders a message names."""


def find_splits(folder: Path) -> Mapping[str, tuple[Path, ...]]:
    """The Parquet files of every split, in order; at least those of ``"train"``.

    A file belongs to the split that its name begins with: ``train.parquet``,
    ``train-00000-of-00002.parquet``, ``train-00000-of-00002-1a2b3c.parquet``. They lie in the folder
    itself, or in its subfolder ``data``.

    Raises:
        DataError: there is no such folder, it is of another layout, has no training files, or a part of
            a split is missing.
    """
    if folder.is_file():
        raise DataError(
            f"{str(folder)!r} is a file; expected the folder it lies in.", hint=f"Type --data {folder.parent}"
        )
    if not folder.is_dir():
        raise DataError(f"there is no folder {str(folder)!r}.", hint=_EXPECTED)
    try:
        found = _splits_in(folder) or _splits_in(folder / "data")
        if "train" not in found:
            raise _no_train(folder, found)
    except OSError as error:
        raise DataError(f"folder {str(folder)!r} cannot be read: {os.strerror(error.errno or 0)}.") from error
    for files in found.values():
        _check_complete(files)
    return found


def _splits_in(folder: Path) -> dict[str, tuple[Path, ...]]:
    files = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
    splits = {split: tuple(file for file in files if _split_of(file) == split) for split in SPLITS}
    return {split: shards for split, shards in splits.items() if shards}


def _split_of(file: Path) -> str:
    return file.stem.partition("-")[0]


def _check_complete(files: tuple[Path, ...]) -> None:
    """Raise if the files' names count to a total, and are not exactly those that it takes."""
    matches = [_SHARD.search(file.name) for file in files]
    counted = sorted((int(match["total"]), int(match["number"])) for match in matches if match)
    if not counted:
        return
    total = counted[-1][0]
    if len(counted) == len(files) and counted == [(total, number) for number in range(total)]:
        return
    missing = [number for number in range(total) if (total, number) not in counted]
    what = f"number {missing[0]} is missing" if missing else "there are others beside them"
    raise DataError(
        f"the files of split {_split_of(files[0])!r} in {str(files[0].parent)!r} should be numbers 0 to "
        f"{total - 1} of {total}, and {what}.",
        hint="Fetch the data set again, into an empty folder.",
    )


def _no_train(folder: Path, found: Mapping[str, object]) -> DataError:
    """Why there is nothing to train with, by what is there instead."""
    where = f"folder {str(folder)!r}"
    if found:
        return DataError(f"{where} has no split 'train', only {', '.join(map(repr, found))}.", hint=_EXPECTED)
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    if not entries:
        return DataError(f"{where} is empty.", hint=_EXPECTED)
    if parquet := [file.name for file in entries if file.suffix == ".parquet"]:
        return DataError(
            f"{where} has no split 'train': its files are named {_some(parquet)}.", hint=_EXPECTED
        )
    folders = [entry for entry in entries if entry.is_dir()]
    for inner in folders:
        if any(inner.glob("*.parquet")):
            return DataError(f"{where} has its Parquet files in a subfolder.", hint=f"Type --data {inner}")
    for inner in (folder, *folders):
        if any(file.suffix.lower() in _PICTURES for file in inner.iterdir()):
            return DataError(
                f"{where} holds pictures as files, which are not read.",
                hint=f"{_EXPECTED} The repository's plugins/README.md shows how to write them.",
            )
    return DataError(
        f"{where} holds no Parquet files, but {_some([entry.name for entry in entries])}.", hint=_EXPECTED
    )


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
