"""Engines that evaluate in a child process: for a time limit, and after a run that ended badly."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from automl.core.contracts import Outcome, Status
from automl.core.engine.messages import decode_error, decode_evaluation, encode_work
from automl.core.engine.work import Engine, Evaluation, Work
from automl.core.errors import AutomlError
from automl.core.settings import Settings

MOST_DEATHS = 3
"""How often a process may die with one candidate before the candidate is given up."""

_START_SECONDS = 300.0
"""How long a child may take to import its plugins and be ready."""


class IsolatedEngine:
    """Evaluates one candidate at a time in a child process, which is replaced when it dies or hangs.

    Args:
        settings: what the child makes its workbench from; ``settings.timeout`` limits each evaluation.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._queue: list[Work] = []
        self._child: _Child | None = None

    def room(self) -> int:
        """How many more candidates it takes now."""
        return 1 - len(self._queue)

    def submit(self, work: Work) -> None:
        """Take a candidate in."""
        self._queue.append(work)

    def collect(self) -> Sequence[Evaluation]:
        """Evaluate what was submitted."""
        batch, self._queue = self._queue, []
        return [self._evaluate(work) for work in batch]

    def close(self) -> None:
        """End the child process."""
        if self._child is not None:
            self._child.end()
            self._child = None

    def _evaluate(self, work: Work) -> Evaluation:
        endings: list[str] = []
        while len(endings) < MOST_DEATHS:
            child = self._child = self._child or _Child(self._settings)
            started, clock = datetime.now(UTC), monotonic()
            try:
                return decode_evaluation(child.ask(encode_work(work), self._settings.timeout))
            except TimeoutError:
                self.close()
                reason = f"no result after {self._settings.timeout:g} s"
                return self._failed(work, Status.TIMEOUT, reason, started, monotonic() - clock)
            except EOFError:
                endings.append(child.end())
                self._child = None
        return self._failed(
            work, Status.CRASHED, f"its process died {MOST_DEATHS} times: {endings[-1]}", started, 0.0
        )

    def _failed(
        self, work: Work, status: Status, reason: str, started: datetime, seconds: float
    ) -> Evaluation:
        outcome = Outcome.failed(status, reason, seconds=seconds)
        return Evaluation(work.number, outcome, started, socket.gethostname(), self._settings.device)


class CautiousEngine:
    """Evaluates in a child process until what may have ended the last run is behind, then in this one.

    Of a run that ended badly, what was not sealed is at most ``seconds`` of evaluations, and one that was
    still running: whatever killed it is among them.
    """

    def __init__(self, isolated: Engine, inline: Engine, *, seconds: float) -> None:
        self._now, self._later = isolated, inline
        self._seconds_left = seconds

    def room(self) -> int:
        """How many more candidates it takes now."""
        return self._now.room()

    def submit(self, work: Work) -> None:
        """Take a candidate in."""
        self._now.submit(work)

    def collect(self) -> Sequence[Evaluation]:
        """Evaluate what was submitted."""
        evaluations = self._now.collect()
        if self._now is not self._later:
            self._seconds_left -= sum(evaluation.outcome.seconds for evaluation in evaluations)
            if evaluations and self._seconds_left <= 0:
                self._now.close()
                self._now = self._later
        return evaluations

    def close(self) -> None:
        """End all that was started."""
        self._now.close()
        self._later.close()


class _Child:
    """The driver's end of one child process."""

    def __init__(self, settings: Settings) -> None:
        child_reads, self._write = os.pipe()
        self._read, child_writes = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "automl.core.engine.child", str(child_reads), str(child_writes)],
            pass_fds=(child_reads, child_writes),
            stdin=subprocess.DEVNULL,
            stdout=sys.__stderr__ or subprocess.DEVNULL,  # what a plugin prints is no data of ours
        )
        os.close(child_reads)
        os.close(child_writes)
        self._pending = b""
        try:
            self.ask(settings.model_dump(mode="json"), _START_SECONDS)
        except AutomlError:
            self.end()
            raise
        except (EOFError, TimeoutError) as error:
            raise AutomlError(
                f"the child process for evaluations did not start: {self.end()}.",
                hint="See what there is with: automl doctor",
            ) from error

    def ask(self, message: dict[str, Any], seconds: float | None) -> dict[str, Any]:
        """Send a message and wait for the answer.

        Raises:
            TimeoutError: no answer came in time.
            EOFError: the process ended.
            AutomlError: what ended the evaluation in the child ends it here.
        """
        try:
            data = (json.dumps(message) + "\n").encode()
            while data:
                data = data[os.write(self._write, data) :]
        except BrokenPipeError:
            raise EOFError from None
        answer: dict[str, Any] = json.loads(self._read_line(seconds))
        if "error" in answer:
            raise decode_error(answer)
        return answer

    def _read_line(self, seconds: float | None) -> bytes:
        deadline = None if seconds is None else monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._read, selectors.EVENT_READ)
            while b"\n" not in self._pending:
                left = None if deadline is None else max(deadline - monotonic(), 0.0)
                if not selector.select(left):
                    raise TimeoutError
                chunk = os.read(self._read, 1 << 16)
                if not chunk:
                    raise EOFError
                self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def end(self) -> str:
        """End the process, if it has not ended by itself, and say how it ended."""
        for pipe in (self._write, self._read):
            os.close(pipe)
        try:
            code = self._process.wait(0.2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if code >= 0:
            return f"it exited with code {code}"
        name = signal.Signals(-code).name
        more = ", perhaps because memory ran out" if name == "SIGKILL" else ""
        return f"it was ended by {name}{more}"
