"""Reading runs: finding one by what a person types, and its trials. Works while a writer writes."""

from __future__ import annotations

import difflib
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from automl.core.contracts import Direction, Status
from automl.core.errors import RunError, RunNotFoundError
from automl.core.store import files, parts
from automl.core.store.lease import Holder, holder_of
from automl.core.store.manifest import Manifest, RunState, parse_objective, read_manifest
from automl.core.store.row import ORDER, Row, table_to_rows

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

LAST = "last"
"""What a person types for the newest run."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run on disk, for reading.

    Attributes:
        folder: where it is.
        manifest: ``run.json`` as it was when the run was opened.
    """

    folder: Path
    manifest: Manifest

    @property
    def id(self) -> str:
        """The run's name."""
        return self.manifest.id

    @property
    def state(self) -> RunState:
        """How far the run is. One whose writer was killed is ``interrupted``, whatever ``run.json`` says."""
        if self.manifest.state is RunState.RUNNING and self.busy() is None:
            return RunState.INTERRUPTED
        return self.manifest.state

    def busy(self) -> Holder | None:
        """Who is writing the run, if anybody is."""
        return holder_of(self.folder)

    def count(self) -> int:
        """How many rows are sealed, by the parts' footers: a part may be put aside after the run has ended.

        Raises:
            RunDamagedError: a part is torn.
        """
        return parts.count_rows(self.folder)

    def trials(self) -> pd.DataFrame:
        """All that is sealed, a row each (trial, stage, rung), in that order; metrics are ``metric.NAME``.

        Missing numbers are NaN, missing ``parent`` and ``window`` are ``pandas.NA``.

        Raises:
            RunDamagedError: a part is torn.
        """
        import pandas as pd

        table = self._table()
        frame: pd.DataFrame = table.to_pandas()
        for name in ("parent", "window"):  # pandas would make floats of integers with gaps
            frame[name] = table[name].to_pandas(integer_object_nulls=True).astype(pd.Int64Dtype())
        return frame

    def rows(self) -> Iterator[Row]:
        """The same as `Row`.

        Raises:
            RunDamagedError: a part is torn.
        """
        return table_to_rows(self._table())

    def best(self, n: int = 1) -> list[Row]:
        """The best candidates by the first objective, the best first; equal ones by trial number.

        Every equivalence key stands here once, and failures never.

        Raises:
            RunDamagedError: a part is torn.
        """
        import pyarrow.compute as pc

        table = self._table()
        ok = pc.and_(pc.equal(table["status"], Status.OK.value), pc.is_valid(table["objective"]))
        table = table.filter(ok)
        objective = parse_objective(self.manifest.objectives[0]) if self.manifest.objectives else None
        fewer_first = objective is not None and objective.direction is Direction.MIN
        order = [("objective", "ascending" if fewer_first else "descending")]
        ranked = pc.sort_indices(table, sort_keys=[*order, *((name, "ascending") for name in ORDER)])
        keys = table["key"].take(ranked).to_pylist()
        first: dict[str, int] = {}
        for place, key in enumerate(keys):
            first.setdefault(key, place)
            if len(first) >= n:
                break
        return list(table_to_rows(table.take(ranked.take(list(first.values())[:n])))) if first else []

    def _table(self) -> pa.Table:
        return parts.read_parts(self.folder, parts.schema_of(self.manifest))


@dataclass(frozen=True, slots=True)
class DamagedRun:
    """A run that cannot be read, and why."""

    folder: Path
    error: RunError

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def reason(self) -> str:
        """What is wrong, and what to do."""
        return str(self.error)


def read_run(folder: Path) -> Run:
    """The run in ``folder``.

    Raises:
        RunNotFoundError, RunDamagedError, RunTooNewError: it cannot be read.
    """
    return Run(folder, read_manifest(folder))


def open_run(run: str | Path, *, root: Path = Path("runs")) -> Run:
    """A run by its folder, its name in ``root``, the only beginning of one, or ``"last"``.

    Raises:
        UsageError: ``run`` or ``root`` is an address, such as ``s3://…``.
        RunNotFoundError: there is none, or several begin so.
        RunDamagedError, RunTooNewError: it cannot be read.
    """
    files.check_local(root)
    files.check_local(run)
    if run == LAST:
        return _last(root)
    name = str(run)
    path = Path(run)
    is_name = isinstance(run, str) and name == path.name != ""
    if is_name and (root / name).is_dir():
        return read_run(root / name)
    if path.name == files.MANIFEST and path.is_file():
        return read_run(path.parent)
    if name and path.is_dir():
        return read_run(path)
    place = path.parent if path.name and not is_name else root
    names = [folder.name for folder in _folders(place)]
    begun = [other for other in names if is_name and other.startswith(name)]
    if len(begun) == 1:
        return read_run(root / begun[0])
    if begun:
        raise RunNotFoundError(f"{name!r} is the beginning of {len(begun)} runs: {', '.join(begun[:6])}.")
    raise RunNotFoundError(f"there is no run {name!r}: {_guess(path.name, names, place)}")


def list_runs(root: Path) -> list[Run | DamagedRun]:
    """All runs in ``root``, the oldest first, those that cannot be read last. None if there is no such
    folder.

    Raises:
        UsageError: ``root`` is an address, such as ``s3://…``.
        RunError: the folder cannot be read.
    """
    files.check_local(root)
    found: list[Run] = []
    damaged: list[DamagedRun] = []
    for folder in _folders(root):
        try:
            found.append(read_run(folder))
        except RunError as error:
            if (folder / files.MANIFEST).exists() or holder_of(folder) is None:  # else it is being made
                damaged.append(DamagedRun(folder, error))
    return [*sorted(found, key=lambda run: (run.manifest.created_at, run.id)), *damaged]


def new_run_id(root: Path, space: str, proxies: Sequence[str], now: datetime) -> str:
    """A name for a run that no folder in ``root`` bears: when, what, and six digits against those who
    start at the same second. Names sort by time.

    Raises:
        UsageError: ``root`` is an address, such as ``s3://…``.
    """
    files.check_local(root)
    what = "-".join(_slug(name) for name in (space, *proxies))[:60].strip("-")
    while True:
        name = f"{now:%Y%m%d-%H%M%S}-{what}-{secrets.token_hex(3)}"
        if not (root / name).exists():
            return name


def _slug(name: str) -> str:
    """``path/to/file.py:MySpace`` is ``myspace``."""
    last = re.split(r"[/:]", name)[-1].lower()
    return re.sub(r"[^a-z0-9]+", "_", last).strip("_") or "x"


def _folders(root: Path) -> list[Path]:
    try:
        if not root.is_dir():
            return []
        folders = [path for path in root.iterdir() if not path.name.startswith(".") and path.is_dir()]
    except OSError as error:
        raise RunError(f"the folder of runs {str(root)!r} cannot be read: {error.strerror}.") from error
    return sorted(f for f in folders if (f / files.MANIFEST).exists() or (f / files.TRIALS).is_dir())


def _last(root: Path) -> Run:
    runs = [run for run in list_runs(root) if isinstance(run, Run)]
    if not runs:
        raise RunNotFoundError(
            f"there is no run in {str(root)!r} yet.", hint="Begin one: automl search --help"
        )
    return runs[-1]


def _guess(name: str, names: list[str], root: Path) -> str:
    if not names:
        return f"there are none in {str(root)!r}."
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    newest = ", ".join(names[:-7:-1])
    return f"in {str(root)!r} there are {len(names)}, the newest: {newest}."
