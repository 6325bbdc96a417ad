"""Writing a run: rows are buffered for at most a second, then sealed as a part that no kill can take."""

from __future__ import annotations

import errno
import shlex
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from automl.core.contracts import Source
from automl.core.errors import LeaseLostError, RunError, StoreWriteError, UsageError
from automl.core.store import files, parts
from automl.core.store.lease import Lease
from automl.core.store.manifest import Manifest, RunState, read_manifest, write_manifest
from automl.core.store.row import Row

SEAL_SECONDS = 1.0
"""How much cheap work a kill may cost."""

DEAR_SECONDS = 1.0
"""A trial that took longer than this is sealed at once."""

SEAL_ROWS = 4096

_FULL = {errno.ENOSPC, errno.EDQUOT}


def create_run(folder: Path, manifest: Manifest) -> RunWriter:
    """Make a run's folder, and become its writer.

    Raises:
        UsageError: the folder exists and is not empty, or is an address, such as ``s3://…``.
        RunBusyError: another process is making the same run.
        StoreWriteError: the folder cannot be written.
    """
    files.check_local(folder)
    manifest = manifest.changed(state=RunState.RUNNING, reason="", ended_at=None, trials=None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_empty(folder)
        lease = Lease.acquire(folder)
        try:
            with lease.owned():
                _check_empty(folder)
                _begin(folder, manifest)
            return RunWriter(folder, manifest, lease, sealed_parts=0, sealed_rows=0)
        except BaseException:
            lease.release()
            raise
    except OSError as error:
        raise StoreWriteError(
            f"run folder {str(folder)!r} cannot be made: {_reason(error)}.", hint="Choose another folder."
        ) from error


def reopen_run(folder: Path) -> RunWriter:
    """Become the writer of a run that ended or whose writer was killed, and remove what that one left
    unfinished.

    Raises:
        RunNotFoundError, RunDamagedError, RunTooNewError: the run cannot be read.
        RunBusyError: another process is writing it.
        StoreWriteError: the folder cannot be written.
    """
    read_manifest(folder)  # before anything is touched
    try:
        lease = Lease.acquire(folder)
        try:
            with lease.owned():
                files.tidy(folder)
            paths = parts.list_parts(folder)
            rows = parts.count_rows(folder)
            with lease.owned():
                manifest = read_manifest(folder).changed(
                    state=RunState.RUNNING, reason="", ended_at=None, trials=None
                )
                write_manifest(folder, manifest)
            last = files.part_number(paths[-1]) if paths else 0
            return RunWriter(folder, manifest, lease, sealed_parts=last, sealed_rows=rows)
        except BaseException:
            lease.release()
            raise
    except OSError as error:
        raise StoreWriteError(
            f"run folder {str(folder)!r} cannot be written: {_reason(error)}.", hint=_advice(error, folder)
        ) from error


class RunWriter:
    """The one writer of a run. Made by `create_run` or `reopen_run`; serves one thread.

    As a context manager it seals what is buffered and gives the lease back, whatever happens. `finish`
    says before that how the run ended; without it, the run counts as interrupted.

    Attributes:
        folder: the run's folder.
        manifest: what stands in ``run.json``.
        rows_sealed: how many rows are on the disk, those of earlier writers included.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, lease: Lease, *, sealed_parts: int, sealed_rows: int
    ) -> None:
        self.folder, self.manifest, self.rows_sealed = folder, manifest, sealed_rows
        self._lease: Lease | None = lease
        self._schema = parts.schema_of(manifest)
        self._metrics = frozenset(manifest.metric_names)
        self._rows: list[Row] = []
        self._last_part = sealed_parts
        self._attempted = 0  # how many of the rows the part under way holds
        self._urgent = False
        self._sealed_at = monotonic()

    def append(self, row: Row) -> None:
        """Take a row. It is sealed within a second, if `poll` is called when there is nothing to append.

        Raises:
            ValueError: a metric was not declared in the manifest, or the time has no time zone.
            LeaseLostError, StoreWriteError: sealing failed; the row stays buffered.
        """
        if not self._metrics.issuperset(row.metrics):
            unknown = sorted(set(row.metrics) - self._metrics)
            raise ValueError(f"metrics {unknown} are not among those declared: {sorted(self._metrics)}")
        if row.started_at.tzinfo is None:
            raise ValueError(f"started_at {row.started_at!r} has no time zone: use datetime.now(UTC)")
        self._rows.append(row)
        if row.seconds > DEAR_SECONDS and row.source is Source.EVALUATED:
            self._urgent = True
        self.poll()

    def poll(self) -> None:
        """Seal what is buffered, if it is time.

        Raises:
            LeaseLostError, StoreWriteError: see `seal`.
        """
        if self.due():
            self.seal()

    def due(self) -> bool:
        """Whether it is time to seal: a dear row, many rows, or a second since the last time."""
        rows = len(self._rows)
        return rows > 0 and (
            self._urgent or rows >= SEAL_ROWS or monotonic() - self._sealed_at >= SEAL_SECONDS
        )

    def seal(self) -> None:
        """Write what is buffered as a part. When this returns, it survives a kill and a loss of power.

        Raises:
            LeaseLostError: another process has become the run's writer; nothing was written.
            StoreWriteError: the folder cannot be written. The rows stay buffered, and a later call
                tries again.
        """
        lease = self._held()
        path = self.folder / files.TRIALS / files.part_name(self._last_part + 1)
        if self._attempted and path.exists():
            # An exception (Ctrl-C, a failing disk) came after the part had its name.
            path = self._settle(path)
        if not self._rows:
            return
        content = parts.encode_part(self._rows, self._schema)
        self._attempted = len(self._rows)
        try:
            temporary = files.write_temporary(path.parent, content)
            try:
                with lease.owned():
                    files.publish(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            if isinstance(error, FileExistsError):
                self._attempted = 0  # a stranger's file bears the name: it holds none of these rows
            raise StoreWriteError(
                f"{_reason(error)}: {self.rows_sealed} rows are sealed in "
                f"{str(self.folder)!r}, the last {len(self._rows)} are not.",
                hint=_advice(error, self.folder),
            ) from error
        self._settle(path)

    def update(self, **changes: Any) -> None:
        """Change fields of the manifest: notes, settings of a run that goes on further.

        Raises:
            ValueError: a value is none that the field takes, or the field is fixed.
            LeaseLostError, StoreWriteError: see `seal`.
        """
        if fixed := {"id", "schema_version", "metrics", "state"} & set(changes):
            raise ValueError(f"{sorted(fixed)} of a run cannot be changed")
        self._write(self.manifest.changed(**changes))

    def note(self, text: str) -> None:
        """Add a line to the manifest's notes, if it does not stand there.

        Raises:
            LeaseLostError, StoreWriteError: see `seal`.
        """
        if text not in self.manifest.notes:
            self._write(self.manifest.changed(notes=(*self.manifest.notes, text)))

    def finish(self, state: RunState | str, reason: str = "") -> None:
        """Seal what is buffered, write how and why the run ended, and give the lease back.

        Raises:
            LeaseLostError, StoreWriteError: see `seal`. The run then counts as interrupted.
        """
        state = RunState(state)
        if state is RunState.RUNNING:
            raise ValueError("a run does not end in the state 'running'")
        self.seal()
        self._write(
            self.manifest.changed(
                state=state, reason=reason, ended_at=datetime.now(UTC), trials=self.rows_sealed
            )
        )
        self.abandon()

    def abandon(self) -> None:
        """Give the lease back without a word on how the run ended; what is not sealed is dropped."""
        lease, self._lease = self._lease, None
        self._rows.clear()
        if lease is not None:
            lease.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lease is None:
            return
        try:
            if not isinstance(error, LeaseLostError | StoreWriteError):
                self.seal()
        except RunError:
            if error is None:
                raise
        finally:
            self.abandon()

    def _settle(self, path: Path) -> Path:
        """Forget the rows that the part at ``path`` holds. Returns where the next part goes."""
        following = path.with_name(files.part_name(self._last_part + 2))
        now = monotonic()
        rest, sealed = self._rows[self._attempted :], self.rows_sealed + self._attempted
        # No call among these assignments: an interrupt comes before all of them or after.
        self._rows, self.rows_sealed, self._attempted = rest, sealed, 0
        self._last_part += 1
        self._urgent, self._sealed_at = False, now
        return following

    def _write(self, manifest: Manifest) -> None:
        lease = self._held()
        try:
            with lease.owned():
                write_manifest(self.folder, manifest)
        except OSError as error:
            raise StoreWriteError(
                f"{_reason(error)}: {str(self.folder / files.MANIFEST)!r} cannot be "
                f"written; {self.rows_sealed} rows are sealed.",
                hint=_advice(error, self.folder),
            ) from error
        self.manifest = manifest

    def _held(self) -> Lease:
        if self._lease is None:
            raise ValueError(f"the writer of run {self.manifest.id!r} is closed")
        return self._lease


def _begin(folder: Path, manifest: Manifest) -> None:
    trials = folder / files.TRIALS
    trials.mkdir()
    try:
        write_manifest(folder, manifest)
        files.sync_folder(folder.parent)
    except OSError:
        trials.rmdir()  # else it would look like a damaged run
        raise


def _check_empty(folder: Path) -> None:
    if any(not path.name.startswith(".") for path in folder.iterdir()):
        raise UsageError(
            f"run folder {str(folder)!r} exists and is not empty.",
            hint=f"Choose another, or go on with what is there: automl resume {shlex.quote(str(folder))}",
        )


def _reason(error: OSError) -> str:
    if error.errno in _FULL:
        return "the disk is full"
    return error.strerror or str(error)


def _advice(error: OSError, folder: Path) -> str:
    first = "Make room" if error.errno in _FULL else "Make the folder writable"
    return f"{first}, then go on with: automl resume {shlex.quote(str(folder))}"
