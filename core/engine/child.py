"""The child process: evaluates what it is sent, and may hang or die without harm to the search.

Started as ``python -m automl.core.engine.child IN OUT`` with two inherited pipes. Messages are lines of JSON.
First the settings, answered by ``{"ready": true}`` or ``{"error": …}``; then candidates, one a line, each
answered by its outcome. It ends when its input does.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import Any

from automl.core.engine.messages import decode_work, encode_error, encode_evaluation
from automl.core.errors import AutomlError

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Serve until the input ends."""
    from automl.core.engine.workbench import Workbench
    from automl.core.registry import load_registry
    from automl.core.settings import settings_from

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
    _die_with_parent()
    with os.fdopen(int(sys.argv[1]), encoding="utf-8") as read, os.fdopen(int(sys.argv[2]), "w") as write:

        def answer(message: dict[str, Any]) -> None:
            write.write(json.dumps(message) + "\n")
            write.flush()

        try:
            workbench = Workbench(settings_from(json.loads(read.readline())), load_registry())
        except AutomlError as error:
            answer(encode_error(error))
            return
        answer({"ready": True})
        for line in read:
            try:
                [evaluation] = workbench.evaluate([decode_work(json.loads(line))])
            except AutomlError as error:
                answer(encode_error(error))
            else:
                answer(encode_evaluation(evaluation))


def _die_with_parent() -> None:
    """A driver that is killed takes its child along, even one that hangs (Linux; elsewhere it ends itself
    when its input does).
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == 1:  # the driver died before the line above
            sys.exit(1)


if __name__ == "__main__":
    main()
