"""The file operations that the store is built of, and the names of what lies in a run's folder.

Whatever is written appears whole under its name or not at all, and is on the disk when the call returns.
Everything unfinished bears a dot-name, which readers of Parquet folders pass over. An object store needs
the same few operations, each a single PUT or DELETE.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import shutil
import uuid
from pathlib import Path

from automl.core.errors import UsageError

MANIFEST = "run.json"
TRIALS = "trials"
NEW_TRIALS, OLD_TRIALS = ".trials.new", ".trials.old"
"""Folders of a merge under way, or of one that was killed: see `automl.core.store.compaction`."""

_PART = re.compile(r"part-(\d{6,})\.parquet")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_TEMPORARY = ".tmp"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h


def check_local(folder: str | Path) -> None:
    """Refuse an address, such as ``s3://bucket/runs``, which would become a folder named ``s3:``.

    A `Path` has already made ``s3:/bucket/runs`` of it. That is a folder where there is one named ``s3:``.

    Raises:
        UsageError: it is an address.
    """
    first, *rest = Path(folder).parts or (".",)
    whole = isinstance(folder, str) and "://" in folder
    if whole or (rest and _SCHEME.fullmatch(first) and not Path(first).is_dir()):
        given = folder if whole else f"{first}//{'/'.join(rest)}"
        raise UsageError(
            f"runs are kept in local folders so far, got {given!r}:", hint="give a path, such as --out runs."
        )


def read_bytes(path: Path) -> bytes:
    """The whole of a file."""
    return path.read_bytes()


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Make ``data`` the content of ``path``: whoever reads sees the old content or the new one.

    Args:
        path: the file.
        data: its content.
        durable: whether it has to survive a loss of power.
    """
    temporary = write_temporary(path.parent, data, durable=durable)
    try:
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def write_temporary(folder: Path, data: bytes, *, durable: bool = True) -> Path:
    """A new file under a dot-name in ``folder``, for `publish`. Nothing is left of it where that fails."""
    temporary = folder / f".{uuid.uuid4().hex}{_TEMPORARY}"
    try:
        with temporary.open("xb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    return temporary


def publish(temporary: Path, path: Path) -> None:
    """Give a file of `write_temporary` its name, which must be free.

    Raises:
        FileExistsError: the name is taken; what bears it is untouched.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: look first, then rename
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        temporary.rename(path)
    else:
        temporary.unlink()
    sync_folder(path.parent)


def part_name(sequence: int) -> str:
    """The name of part number ``sequence``, counted from 1. Numbers are never used twice."""
    return f"part-{sequence:06d}.parquet"


def part_number(path: Path) -> int:
    """The inverse of `part_name`; 0 for a file that is no part."""
    match = _PART.fullmatch(path.name)
    return int(match[1]) if match else 0


def list_parts(trials: Path) -> list[Path]:
    """The parts in a folder, in the order in which they were written."""
    return sorted((path for path in trials.iterdir() if part_number(path)), key=part_number)


def trials_folder(folder: Path) -> Path:
    """Where a run's parts are: ``trials/``, or the folder it had been put aside as when a merge was killed
    on a file system that cannot swap two folders.
    """
    current, aside = folder / TRIALS, folder / OLD_TRIALS
    return aside if not current.is_dir() and aside.is_dir() else current


def tidy(folder: Path) -> None:
    """Remove what a killed writer or merge left unfinished. Only the run's one writer may do so."""
    if (aside := trials_folder(folder)).name == OLD_TRIALS:
        aside.rename(folder / TRIALS)
        sync_folder(folder)
    for leftover in (NEW_TRIALS, OLD_TRIALS):
        remove_folder(folder / leftover)
    for place in (folder, folder / TRIALS):
        for temporary in place.glob(f".*{_TEMPORARY}"):
            temporary.unlink(missing_ok=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it, if it is there."""
    if folder.is_dir():
        shutil.rmtree(folder)


def exchange(first: Path, second: Path) -> bool:
    """Swap two names in one step.

    Returns:
        False where the system or the file system cannot, and nothing was done.
    """
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    names = os.fsencode(first), os.fsencode(second)
    if renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) != 0:
        code = ctypes.get_errno()
        if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
            return False
        raise OSError(code, os.strerror(code), str(first))
    sync_folder(first.parent)
    return True


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
