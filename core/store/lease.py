"""The lease: at most one process writes a run, and one that was killed does not block the next.

``.lease.json`` names the holder and when it was last alive; a thread of the holder renews it. Whoever
takes, renews or relies on it does so under a lock on ``.lease.lock``, so that there is no moment between
looking and acting. The lock alone would not do: shared file systems forget locks, and give no name.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from automl.core.errors import LeaseLostError, RunBusyError
from automl.core.store import files

TTL_SECONDS = 30.0
"""After this long without a heartbeat a holder on another machine counts as dead."""

HEARTBEAT_SECONDS = 5.0
_PATIENCE_SECONDS = 2.0
"""How long to wait for the lock, which is held for milliseconds, before calling the run busy."""

_LEASE, _LOCK = ".lease.json", ".lease.lock"


class Holder(BaseModel):
    """Who holds a lease.

    Attributes:
        owner: drawn anew for every lease.
        host: the machine's name.
        pid: the process.
        place: the boot and the process namespace in which ``pid`` means something; empty if unknown.
        started: when the process started, in clock ticks since the boot, so that another process with
            the same number is not taken for it; nothing if unknown.
        heartbeat: when the holder was last known alive (UTC).
    """

    model_config = ConfigDict(frozen=True)

    owner: str
    host: str
    pid: int
    place: str
    started: int | None
    heartbeat: AwareDatetime

    @property
    def age(self) -> float:
        """Seconds since the last heartbeat."""
        return (datetime.now(UTC) - self.heartbeat).total_seconds()

    @property
    def stale(self) -> bool:
        """Whether the lease is free to take: the process is gone, or has been silent for too long."""
        return self.age > TTL_SECONDS or self._gone()

    def _gone(self) -> bool:
        if (self.host, self.place) != (socket.gethostname(), _place()):
            return False  # nothing can be known of a process elsewhere
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # it is another user's
        state, started = _process(self.pid)
        return state in {"Z", "X"} or (None not in (started, self.started) and started != self.started)


class Lease:
    """The right to write a run, renewed by a thread of its own until it is released."""

    def __init__(self, folder: Path, holder: Holder, every: float) -> None:
        self._folder, self._holder, self._every = folder, holder, every
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease of {folder.name}", daemon=True)
        self._thread.start()

    @classmethod
    def acquire(cls, folder: Path, *, every: float = HEARTBEAT_SECONDS) -> Lease:
        """Take the lease on the run in ``folder``.

        Args:
            folder: the run's folder.
            every: seconds between heartbeats.

        Raises:
            RunBusyError: another process holds it.
            OSError: the folder cannot be written.
        """
        try:
            with _locked(folder, patience=_PATIENCE_SECONDS):
                other = holder_of(folder)
                if other is not None:
                    raise _busy(folder, other)
                _, started = _process(os.getpid())
                holder = Holder(
                    owner=uuid.uuid4().hex,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    place=_place(),
                    started=started,
                    heartbeat=datetime.now(UTC),
                )
                _write(folder, holder)
        except TimeoutError as error:
            raise _busy(folder, _read(folder)) from error
        return cls(folder, holder, every)

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """While this is open, the lease is held and nobody can take it. Keep it short.

        Raises:
            LeaseLostError: somebody else has taken it.
        """
        with _locked(self._folder):
            if not self._is_ours():
                other = _read(self._folder)
                by = f" by process {other.pid} on {other.host}" if other else ""
                raise LeaseLostError(
                    f"run {str(self._folder)!r} was taken over{by}: this process had been silent for more "
                    f"than {TTL_SECONDS:.0f} s, or its lease was removed. It stops, and writes nothing more.",
                    hint="The other process computes again what this one had not yet written.",
                )
            yield

    def release(self) -> None:
        """Give the lease back, if it is still held. Doing so twice does no harm."""
        if os.getpid() != self._holder.pid:
            return  # a forked child holds a copy of this object, not the lease
        self._released.set()
        self._thread.join(timeout=self._every)
        with contextlib.suppress(OSError), _locked(self._folder):
            if self._is_ours():
                (self._folder / _LEASE).unlink()

    def _is_ours(self) -> bool:
        current = _read(self._folder)
        return current is not None and (current.owner, current.pid) == (self._holder.owner, os.getpid())

    def _beat(self) -> None:
        while not self._released.wait(self._every):
            # A full disk, or a network that pauses: the next beat may succeed.
            with contextlib.suppress(OSError), _locked(self._folder):
                if not self._is_ours():
                    return
                _write(self._folder, self._holder.model_copy(update={"heartbeat": datetime.now(UTC)}))


def holder_of(folder: Path) -> Holder | None:
    """Who is writing the run in ``folder``; nobody if the lease is free or stale."""
    holder = _read(folder)
    return None if holder is None or holder.stale else holder


def _read(folder: Path) -> Holder | None:
    try:
        return Holder.model_validate_json(files.read_bytes(folder / _LEASE))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValidationError:
        return None  # torn by a loss of power, which its holder did not survive


def _write(folder: Path, holder: Holder) -> None:
    files.write_atomically(folder / _LEASE, holder.model_dump_json(indent=2).encode(), durable=False)


@contextlib.contextmanager
def _locked(folder: Path, *, patience: float | None = None) -> Iterator[None]:
    """Alone among all processes and threads.

    Raises:
        TimeoutError: the lock was not to be had within ``patience`` seconds.
    """
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(descriptor, patience)
        yield
    finally:
        # Closing is not enough: a child forked in the meantime has the same open file.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _lock(descriptor: int, patience: float | None) -> None:
    deadline = None if patience is None else time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if deadline is None else fcntl.LOCK_NB))
        except BlockingIOError:
            if deadline is None or time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)) from None
            time.sleep(0.01)
        except OSError as error:
            if error.errno not in {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS}:
                raise
            return  # no locks here: of two that take at once, the loser finds out before it writes
        else:
            return


def _busy(folder: Path, holder: Holder | None) -> RunBusyError:
    if holder is None:
        return RunBusyError(f"run {str(folder)!r} is being taken by another process.", hint="Try again.")
    return RunBusyError(
        f"run {str(folder)!r} is being written by process {holder.pid} on {holder.host} "
        f"(last heartbeat {max(holder.age, 0.0):.0f} s ago).",
        hint=f"Wait until it ends, or stop it there. If that machine is gone, the run is free "
        f"{TTL_SECONDS:.0f} s after the last heartbeat; its clock being wrong, remove {folder / _LEASE}.",
    )


@cache
def _place() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""  # not Linux


def _process(pid: int) -> tuple[str, int | None]:
    """A process's state (a letter) and its start in clock ticks since the boot (proc(5), fields 3, 22)."""
    try:
        # The name, in parentheses, may itself hold spaces and parentheses.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return "", None
    return fields[0], int(fields[19])
