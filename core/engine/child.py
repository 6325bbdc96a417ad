"""The child process: evaluates what it is sent, and may hang or die without harm to the search.

Its driver (`automl.core.engine.process`) hands it one end of a connection. Messages are lines of JSON. First
the settings, answered by ``{"ready": true}`` or ``{"error": …}``; then candidates, one a line, each answered
by its outcome. It ends when the connection does.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sys
import traceback
from typing import TYPE_CHECKING, Any, TextIO

from automl.core.engine.messages import decode_work, encode_error, encode_evaluation
from automl.core.errors import AutomlError

if TYPE_CHECKING:
    from automl.core.engine.workbench import Workbench

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Serve until the connection ends. Arguments: its file descriptor, and the driver's process number."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides what an interrupt ends
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # it may print, though not in the terminal's foreground
    _die_with(int(sys.argv[2]))
    with (
        socket.socket(fileno=int(sys.argv[1])) as connection,
        connection.makefile("r", encoding="utf-8") as read,
        connection.makefile("w", encoding="utf-8") as write,
    ):
        connection.set_inheritable(False)
        serve(read, write)


def serve(read: TextIO, write: TextIO) -> None:
    """Answer the messages of one driver."""

    def answer(message: dict[str, Any]) -> None:
        write.write(json.dumps(message) + "\n")
        write.flush()

    settings = read.readline()
    if not settings:
        return  # the driver has gone
    try:
        workbench = _workbench(json.loads(settings))
    except Exception as error:  # noqa: BLE001 - whatever it is, the driver has to tell it
        answer(_ending(error))
        return
    answer({"ready": True})
    for line in read:
        try:
            [evaluation] = workbench.evaluate([decode_work(json.loads(line))])
        except Exception as error:  # noqa: BLE001 - whatever it is, the driver has to tell it
            answer(_ending(error))
        else:
            answer(encode_evaluation(evaluation))


def _workbench(settings: dict[str, Any]) -> Workbench:
    from automl.core.engine.workbench import Workbench
    from automl.core.registry import load_registry
    from automl.core.settings import settings_from

    workbench = Workbench(settings_from(settings), load_registry())
    workbench.warm_up()
    return workbench


def _ending(error: Exception) -> dict[str, Any]:
    """An error that ends the search, as a message. One that should not have happened is shown in full."""
    if not isinstance(error, AutomlError):
        traceback.print_exception(error)
        error = AutomlError(f"the child process for evaluations failed: {type(error).__name__}: {error}")
    return encode_error(error)


def _die_with(driver: int) -> None:
    """A driver that is killed takes its child along, even one that hangs (Linux; elsewhere it ends itself
    when the connection does).

    Strictly, the child dies with the thread of the driver's that started it. Where that ends earlier, a child
    that has nothing to do is replaced unnoticed.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != driver:  # it died before the line above
            sys.exit(1)
