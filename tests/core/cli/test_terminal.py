"""What it looks like on a terminal: it fits, it is bold where it may be, and progress moves."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from automl.core.cli.progress import SearchProgress
from automl.core.store import open_run
from tests.core.cli.tool import CELLS, PARTS, TOOL, Tool, only_run

BOLD = "\x1b[1m"
CODES = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")


def on_terminal(
    *arguments: object, columns: int = 80, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run the tool on a terminal of its own: the exit code, and all that was written to it."""
    process, terminal = pty.fork()
    if process == 0:
        # The size is set before the tool starts, and by the child: there is no moment without it.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        # Python's view of the environment, which lacks the COLUMNS that readline sets behind its back.
        variables = {**os.environ, "TERM": "xterm-256color", **(environment or {})}
        os.execve(TOOL, [str(TOOL), *map(str, arguments)], variables)
    written = b""
    while True:
        try:
            chunk = os.read(terminal, 1 << 16)
        except OSError:  # Linux's way to say that the other end is closed
            break
        if not chunk:
            break
        written += chunk
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status), written.decode().replace("\r\n", "\n")


@pytest.fixture
def cells(tool: Tool) -> Path:
    """A run whose candidates are as long as NAS-Bench-201's, under four metrics."""
    assert tool("search", *CELLS, "--trials", "40", "--quiet").code == 0
    return only_run()


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 200])
def test_tables_fit_the_terminal(cells: Path, columns: int) -> None:
    best = open_run(cells).best(10)
    code, shown = on_terminal("show", cells, columns=columns)
    assert code == 0
    lines = CODES.sub("", shown).splitlines()
    assert max(map(len, lines)) <= columns
    # Every candidate is there whole, in its column, and no other column is folded.
    at = next(line.index("candidate") for line in lines if line.startswith("rank"))
    table = lines[next(n for n, line in enumerate(lines) if line.startswith("----")) + 1 :]
    table = table[: table.index("")] if "" in table else table
    assert "".join(line[at:] for line in table) == "".join(row.candidate for row in best)
    assert len(table) == (20 if columns == 80 else 10)
    assert [line.split()[1] for line in table if line[:at].strip()] == [str(row.trial) for row in best]
    assert all(line[at - 1] == " " for line in table)
    assert ("No room for " in shown) == (columns == 80)


@pytest.mark.slow
def test_what_is_bold_and_what_is_not(cells: Path) -> None:
    _, shown = on_terminal("show", cells)
    assert f"{BOLD}Run {cells.name}\x1b[0m" in shown
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        _, plain = on_terminal("show", cells, environment={name: value})
        assert "\x1b" not in plain
        assert plain == re.sub(r" +$", "", CODES.sub("", shown), flags=re.MULTILINE)


def test_without_a_terminal_a_row_is_a_line(tool: Tool, cells: Path) -> None:
    result = tool("show", cells)
    assert "\x1b" not in result.out
    _, _, table = result.out.partition("Best by")
    rows = table.splitlines()[4:]
    assert [row.split()[-1] for row in rows] == [row.candidate for row in open_run(cells).best(10)]
    assert "No room" not in result.err


def test_a_width_that_is_asked_for(tool: Tool, cells: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    for command in (["show", cells], ["runs"], ["plugins"], ["show", cells, "--trial", "3"]):
        longest = max(map(len, tool(*command).out.splitlines()))
        assert longest <= max(60, len(cells.name) + 30)  # what is to be copied is never folded


@pytest.mark.slow
def test_progress_moves_and_leaves_no_trace(place: Path) -> None:
    pause = f"proxy.{PARTS}:Convolutions.pause=0.01"
    code, written = on_terminal("search", *CELLS, "--trials", "120", "--strategy", "random", "--set", pause)
    assert code == 0
    drawn = [CODES.sub("", text) for text in written.partition("Best by")[0].split("\r")]
    bars = [text for text in drawn if "/120" in text]
    assert len(bars) > 5
    assert all(len(bar.rstrip("\n")) <= 80 for bar in bars)
    counts = [int(match[1]) for bar in bars if (match := re.search(r"(\d+)/120", bar))]
    assert counts == sorted(counts)
    assert counts[0] < 60 < counts[-1]
    assert re.search(r" [\d.]+/s  [\d.]+ s left  best convolutions [\d.]+", bars[-1])
    assert f"run {only_run().name} in runs" in written
    code, quiet = on_terminal("search", *CELLS, "--trials", "20", "--quiet")
    assert code == 0
    assert quiet.startswith(BOLD + "Best by")


@contextmanager
def as_in_a_log() -> Iterator[SearchProgress]:
    with SearchProgress() as progress:
        yield progress


def test_progress_without_a_terminal_is_a_line_now_and_then(
    cells: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("automl.core.cli.progress._SECONDS_BETWEEN_LINES", 0.0)
    run = open_run(cells)
    with as_in_a_log() as progress:
        progress.begin(run)
        for row in run.rows():
            progress.see(row)
    begun, *lines = capsys.readouterr().err.splitlines()
    assert begun == f"run {run.id} in runs"
    assert len(lines) == 40
    # Those that were there already count.
    assert re.fullmatch(r"41/40  best convolutions [\d.]+", lines[0])  # one result tells no rate
    assert all(re.search(r"/s  [\d.]+ s left  best convolutions ", line) for line in lines[1:])


def test_no_terminal_here() -> None:
    """The tests in this process rest on it."""
    assert not sys.stdout.isatty()
