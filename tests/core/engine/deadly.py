"""An evaluator that ends, hangs or disturbs its process in the way its options say."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from automl.core.contracts import EvaluationContext, Evaluator, Metric, Options, Subject
from automl.core.errors import DataError

FOREVER = 3600


class TornError(DataError):
    """An error of the plugin's own."""


class DeadlyOptions(Options):
    """Options of `Deadly`."""

    how: str = "exit"
    """The method that the word ``a`` runs into."""
    notes: str = ""
    """The file that has a line for every evaluation of that word: the process, and what it started."""
    times: int = 1000
    """After so many it behaves."""


class Deadly(Evaluator):
    """The length of a word; but ``a`` is deadly."""

    name = "deadly"
    view = None
    metrics = (Metric("length"),)
    Options = DeadlyOptions
    options: DeadlyOptions

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        if subject.candidate == "a" and len(noted(self.options.notes)) < self.options.times:
            getattr(self, self.options.how)()
        return {"length": len(subject.candidate)}

    def note(self, number: int) -> None:
        with Path(self.options.notes).open("a") as notes:
            notes.write(f"{number}\n")

    def exit(self) -> None:
        self.note(os.getpid())
        os._exit(3)

    def segfault(self) -> None:
        self.note(os.getpid())
        os.kill(os.getpid(), signal.SIGSEGV)

    def kill(self) -> None:
        self.note(os.getpid())
        os.kill(os.getpid(), signal.SIGKILL)

    def unknown_signal(self) -> None:
        self.note(os.getpid())
        os.kill(os.getpid(), signal.SIGRTMIN + 3)

    def hang(self) -> None:
        self.note(os.getpid())
        time.sleep(FOREVER)

    def hang_in_c(self) -> None:
        """Not even another thread of Python runs meanwhile."""
        self.note(os.getpid())
        ctypes.PyDLL(None).sleep(FOREVER)

    def hang_with_family(self) -> None:
        """Hang, and have started a process that hangs as well."""
        self.note(subprocess.Popen(["sleep", str(FOREVER)]).pid)
        time.sleep(FOREVER)

    def die_with_heir(self) -> None:
        """Die, and leave a process that still holds the connection to the driver."""
        heir = os.fork()
        if heir == 0:
            time.sleep(FOREVER)
        self.note(heir)
        os._exit(4)

    def print_much(self) -> None:
        print('{"ready": true}', flush=True)  # noqa: T201 - what is tested
        os.write(1, b'{"number": 0, "status": "ok"}\n')

    def raise_own_error(self) -> None:
        raise TornError("image 7 is torn.", hint="Mend it.")

    def interrupt_the_driver(self) -> None:
        self.note(os.getpid())
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(FOREVER)

    def suspend_the_driver(self) -> None:
        """What a terminal does at Ctrl-Z; the child is in no hurry to answer then, but does."""
        os.kill(os.getppid(), signal.SIGSTOP)
        self.note(os.getppid())

    def interrupt_all(self) -> None:
        """What a terminal does at Ctrl-C, and goes on afterwards."""
        self.note(os.getpid())
        os.killpg(os.getpgid(os.getppid()), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)

    def quit(self) -> None:
        sys.exit("no more")


def noted(notes: str) -> list[int]:
    """The process numbers that stand in the file ``notes``."""
    path = Path(notes)
    return [int(line) for line in path.read_text().split()] if notes and path.exists() else []
