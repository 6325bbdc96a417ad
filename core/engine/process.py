"""The driver's end of a child process that evaluates; the other end is `automl.core.engine.child`."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from time import monotonic
from typing import Any

from automl.core.engine.messages import decode_error
from automl.core.errors import AutomlError
from automl.core.settings import Settings

_START_SECONDS = 300.0
"""How long a child may take to import its plugins and be ready."""

_END_SECONDS = 10.0
"""How long a child that has hung up may take to end: one that crashed may write a core dump first."""

_LOOK_SECONDS = 0.5
"""How often to look whether the child still runs. Mostly the connection tells; but processes of a plugin's,
forked from the child, may hold it open."""

_START = "import sys; sys.path[:] = sys.argv[3:]; from automl.core.engine.child import main; main()"
"""The child finds the same modules as this process: a plugin may import what lies beside the user's script,
and no file ``random.py`` in the working directory stands in for a module."""


class ChildProcess:
    """A child process that has made its workbench and is ready to evaluate.

    It leads a process group of its own: what is typed at a terminal, Ctrl-C or Ctrl-Z, is the driver's to
    handle, and what a plugin has started in the child ends with it.

    Args:
        settings: what the child makes its workbench from.

    Raises (from making it):
        AutomlError: the child cannot start, with the reason; or what it says is wrong with the settings.
    """

    def __init__(self, settings: Settings) -> None:
        self._arrived = bytearray()
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._connection, theirs = socket.socketpair()
        except OSError as error:
            raise _unstarted(error.strerror or str(error)) from error
        try:
            self._begin(theirs, settings)
        except BaseException:
            self.close()
            raise

    def _begin(self, theirs: socket.socket, settings: Settings) -> None:
        try:
            with theirs:  # the child has its own: with this one open, nobody would see it hang up
                self._process = _started(theirs)
            self.ask(settings.model_dump(mode="json"), _START_SECONDS)
        except EOFError as error:
            raise _unstarted(self.ending()) from error
        except TimeoutError as error:
            raise _unstarted(f"it was not ready after {_START_SECONDS:g} s") from error
        except OSError as error:
            raise _unstarted(error.strerror or str(error)) from error

    @property
    def pid(self) -> int | None:
        """Its process number, if it was started."""
        return None if self._process is None else self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process is not None and self._process.poll() is None

    def ask(self, message: dict[str, Any], seconds: float | None) -> dict[str, Any]:
        """Send a message and wait for the answer.

        Raises:
            TimeoutError: no answer came in time.
            EOFError: the process ended.
            AutomlError: what ended the evaluation in the child ends it here.
        """
        deadline = None if seconds is None else monotonic() + seconds
        try:
            self._connection.settimeout(seconds)
            self._connection.sendall((json.dumps(message) + "\n").encode())
            answer: dict[str, Any] = json.loads(self._line(deadline))
        except ConnectionError:
            raise EOFError from None
        if "error" in answer:
            raise decode_error(answer)
        return answer

    def _line(self, deadline: float | None) -> bytes:
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        while b"\n" not in self._arrived:
            left = _LOOK_SECONDS if deadline is None else min(deadline - monotonic(), _LOOK_SECONDS)
            if poll.poll(1000 * max(left, 0.0)):
                chunk = self._connection.recv(1 << 16)
                if not chunk:
                    raise EOFError
                self._arrived += chunk
                continue
            ended = not self.alive
            late = deadline is not None and monotonic() >= deadline
            # Once more: it may have answered between the two looks, and then died.
            if (ended or late) and not poll.poll(0):
                raise EOFError if ended else TimeoutError
        line, _, self._arrived = self._arrived.partition(b"\n")
        return bytes(line)

    def ending(self) -> str:
        """Wait for its end, which is near, and say how it ended."""
        try:
            code = self._process.wait(_END_SECONDS) if self._process else 0
        except subprocess.TimeoutExpired:
            return "it hung up"
        if code >= 0:
            return f"it exited with code {code}"
        known = {number.value: number.name for number in signal.Signals}
        name = known.get(-code, f"signal {-code}")
        return f"it was ended by {name}{', perhaps because memory ran out' if name == 'SIGKILL' else ''}"

    def close(self) -> None:
        """End it, and what it has started. Calling it again does nothing."""
        self._connection.close()
        if self._process is None:
            return
        with suppress(ProcessLookupError, PermissionError):  # it has ended (which macOS calls a permission)
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):  # the kernel may hold it, in a driver for example
            self._process.wait(_END_SECONDS)


def _started(connection: socket.socket) -> subprocess.Popen[bytes]:
    stderr = sys.__stderr__
    messages = subprocess.DEVNULL if stderr is None or stderr.closed else stderr
    number, driver = str(connection.fileno()), str(os.getpid())
    return subprocess.Popen(
        [sys.executable, "-c", _START, number, driver, *map(str, sys.path)],
        pass_fds=(connection.fileno(),),
        process_group=0,
        stdin=subprocess.DEVNULL,
        stdout=messages,  # what a plugin prints is no data of ours
        stderr=messages,
    )


def _unstarted(reason: str) -> AutomlError:
    return AutomlError(
        f"the child process for evaluations did not start: {reason}.",
        hint="See what there is with: automl doctor",
    )
