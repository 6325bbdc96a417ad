"""What tests want to know of processes, with deadlines that a slow machine keeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

_SECONDS = 60.0


def gone(pid: int) -> bool:
    """Whether the process has ended, waiting a while for it."""
    return _soon(lambda: _state(pid) in {"", "Z", "X"})


def written(file: Path) -> bool:
    """Whether something stands in the file, waiting a while for it."""
    return _soon(lambda: file.exists() and file.read_text() != "")


def stopped(pid: int) -> bool:
    """Whether the process is suspended, waiting a while for it."""
    return _soon(lambda: _state(pid) == "T")


def _soon(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _SECONDS
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return held


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
