"""The tool in a process of its own, and what to expect of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOOL = Path(sys.executable).with_name("automl")
PARTS = Path(__file__).with_name("parts.py")
CELLS = ("--space", f"{PARTS}:Cell", "--proxy", f"{PARTS}:Convolutions")
"""What most tests search, and by what."""


@dataclass(frozen=True)
class Result:
    """What a command gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout, which has to be one JSON document and nothing else."""
        return json.loads(self.out)


Tool = Callable[..., Result]


def run(*arguments: object, **environment: str) -> Result:
    """Run the tool as users do."""
    ended = subprocess.run(
        [TOOL, *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return Result(ended.returncode, ended.stdout, ended.stderr)


def begin(*arguments: object) -> subprocess.Popen[str]:
    """Start the tool, and go on. Ctrl-C means what it means in a terminal, also where the tests themselves
    run in the background of a script, which ignores it and passes that on.
    """
    return subprocess.Popen(
        [TOOL, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for_part(runs: Path = Path("runs")) -> Path:
    """The folder of the one run, once a part of it is sealed."""
    for _ in range(3000):
        for part in runs.glob("*/trials/part-*.parquet"):
            return part.parent.parent
        time.sleep(0.01)
    raise AssertionError("no part was sealed within 30 s")


def only_run(runs: Path = Path("runs")) -> Path:
    """The folder of the one run."""
    [folder] = runs.iterdir()
    return folder


def assert_refused(result: Result, code: int, *fragments: str) -> None:
    """One line that says what is wrong, the exit code, and nothing written."""
    assert result.code == code, result.err
    assert result.out == ""
    assert len(result.err.splitlines()) == 1, result.err
    assert result.err.startswith("automl: error: ")
    for fragment in fragments:
        assert fragment in result.err
    assert not Path("runs").exists() or not list(Path("runs").iterdir())
