"""The lease: one writer, and a dead one is in nobody's way."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import time
from datetime import UTC, datetime, timedelta
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest

from automl.core.errors import LeaseLostError, RunBusyError
from automl.core.store import create_run, lease, open_run, reopen_run
from automl.core.store.lease import HEARTBEAT_SECONDS, TTL_SECONDS, Lease, holder_of
from tests.core.store.processes import context, ended, sleep_while_holding, started, take_when_told
from tests.core.store.samples import manifest, row


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that has ended."""
    folder = tmp_path / "run"
    create_run(folder, manifest()).finish("finished")
    return folder


def lease_of(folder: Path) -> dict[str, Any]:
    content = json.loads((folder / ".lease.json").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def write_lease(folder: Path, **changes: Any) -> None:
    """The lease of a writer on another machine, alive, with other values where they are given."""
    content = {
        "owner": "somebody",
        "host": "elsewhere",
        "pid": os.getpid(),
        "place": "another boot",
        "started": 1,
        "heartbeat": datetime.now(UTC).isoformat(),
    }
    (folder / ".lease.json").write_text(json.dumps({**content, **changes}), encoding="utf-8")


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def test_a_second_writer_is_told_who_writes_and_what_to_do(run: Path) -> None:
    with reopen_run(run):
        with pytest.raises(RunBusyError) as caught:
            reopen_run(run)
        holder = open_run(run).busy()
        assert holder is not None
        assert (holder.pid, holder.host) == (os.getpid(), socket.gethostname())
    message = str(caught.value)
    assert f"process {os.getpid()} on {socket.gethostname()}" in message
    assert "(last heartbeat " in message
    assert "Wait until it ends" in message
    assert open_run(run).busy() is None
    reopen_run(run).finish("finished")


def test_a_run_being_made_is_busy(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    held = Lease.acquire(folder)
    with pytest.raises(RunBusyError):
        create_run(folder, manifest())
    held.release()
    create_run(folder, manifest()).finish("finished")


def test_a_writer_elsewhere_is_respected_while_its_heart_beats(run: Path) -> None:
    write_lease(run, heartbeat=ago(TTL_SECONDS - 20))
    with pytest.raises(RunBusyError, match=r"on elsewhere \(last heartbeat 1\d s ago\).*remove .*lease.json"):
        reopen_run(run)
    assert lease_of(run)["owner"] == "somebody"


def test_a_writer_elsewhere_whose_clock_is_ahead_is_respected(run: Path) -> None:
    write_lease(run, heartbeat=ago(-3600))
    with pytest.raises(RunBusyError, match="last heartbeat 0 s ago"):
        reopen_run(run)


def test_a_writer_elsewhere_that_fell_silent_is_succeeded(run: Path) -> None:
    write_lease(run, heartbeat=ago(TTL_SECONDS + 1))
    assert open_run(run).busy() is None
    with reopen_run(run):
        assert lease_of(run)["host"] == socket.gethostname()


def test_a_process_that_took_the_number_of_a_dead_one_is_not_taken_for_it(run: Path) -> None:
    with reopen_run(run):
        mine = lease_of(run)
    write_lease(run, **{**mine, "heartbeat": ago(0)})
    assert holder_of(run) is not None, "this process is alive"
    write_lease(run, **{**mine, "heartbeat": ago(0), "started": mine["started"] - 1})
    assert holder_of(run) is None, "an earlier process of this number is not"


def test_the_same_number_in_another_container_is_another_process(run: Path) -> None:
    with reopen_run(run):
        mine = lease_of(run)
    write_lease(run, **{**mine, "heartbeat": ago(0), "pid": 2**22 + 1})
    assert holder_of(run) is None, "no such process here"
    write_lease(run, **{**mine, "heartbeat": ago(0), "pid": 2**22 + 1, "place": "elsewhere"})
    assert holder_of(run) is not None, "nothing is known of processes there"


def test_a_dead_process_that_nobody_has_buried_is_dead(run: Path) -> None:
    with reopen_run(run):
        mine = lease_of(run)
    here, there = Pipe()
    process = started(sleep_while_holding, run, there)
    pid = here.recv()
    os.kill(pid, signal.SIGKILL)
    stat = Path(f"/proc/{pid}/stat")
    deadline = time.monotonic() + 20
    while stat.exists() and " Z " not in stat.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert lease_of(run)["place"] == mine["place"]
    assert holder_of(run) is None
    assert ended(process) == -signal.SIGKILL


def test_a_torn_lease_is_nobodys(run: Path) -> None:
    (run / ".lease.json").write_bytes(b'{"owner": "some')
    assert holder_of(run) is None
    reopen_run(run).finish("finished")


def test_the_heart_beats(run: Path) -> None:
    held = Lease.acquire(run, every=0.02)
    first = lease_of(run)
    deadline = time.monotonic() + 20
    while lease_of(run)["heartbeat"] == first["heartbeat"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert lease_of(run)["owner"] == first["owner"]
    held.release()
    assert not (run / ".lease.json").exists()
    assert TTL_SECONDS > 3 * HEARTBEAT_SECONDS, "one or two lost beats are no death"


def test_the_heart_does_not_win_back_a_lost_lease(run: Path) -> None:
    held = Lease.acquire(run, every=0.02)
    write_lease(run)
    time.sleep(0.2)
    assert lease_of(run)["owner"] == "somebody"
    held.release()
    assert lease_of(run)["owner"] == "somebody"


def test_a_writer_that_lost_its_lease_writes_nothing(run: Path) -> None:
    before = (run / "run.json").read_bytes()
    writer = reopen_run(run)
    opened = (run / "run.json").read_bytes()
    assert opened != before
    writer.append(row(0))
    write_lease(run)
    for use in (writer.seal, lambda: writer.note("still here"), lambda: writer.finish("finished")):
        with pytest.raises(LeaseLostError, match=r"taken over by process \d+ on elsewhere"):
            use()
    with pytest.raises(LeaseLostError), writer:
        writer.seal()
    assert (run / "run.json").read_bytes() == opened
    assert list((run / "trials").iterdir()) == []
    assert lease_of(run)["owner"] == "somebody"


def test_a_lease_that_was_removed_is_lost(run: Path) -> None:
    writer = reopen_run(run)
    (run / ".lease.json").unlink()
    with pytest.raises(LeaseLostError, match="was taken over"):
        writer.append(row(0, seconds=2.0))
    writer.abandon()
    assert list((run / "trials").iterdir()) == []


def test_a_forked_child_does_not_hold_the_lease(run: Path) -> None:
    with reopen_run(run) as writer:
        writer.append(row(0))
        writer.seal()
        process = os.fork()
        if process == 0:
            code = 1
            try:
                writer.append(row(1))
                writer.seal()
            except LeaseLostError:
                writer.abandon()
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
        assert lease_of(run)["pid"] == os.getpid()
        writer.append(row(2))
        writer.finish("finished")
    assert [row.trial for row in open_run(run).rows()] == [0, 2]


def test_nobody_takes_a_lease_while_somebody_looks_at_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_PATIENCE_SECONDS", 0.05)
    with (run / ".lease.lock").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        with pytest.raises(RunBusyError, match="is being taken by another process"):
            reopen_run(run)
        assert not (run / ".lease.json").exists()
    reopen_run(run).finish("finished")


@pytest.mark.slow
def test_of_many_that_race_for_it_one_wins(run: Path) -> None:
    for _ in range(3):
        start = context().Event()
        pipes = [Pipe() for _ in range(6)]
        processes = [started(take_when_told, run, start, there) for _, there in pipes]
        start.set()
        answers = [here.recv() for here, _ in pipes]
        assert answers.count("won") == 1, answers
        winner = answers.index("won")
        pid = processes[winner].pid
        assert all(f"process {pid} " in answer for answer in answers if answer != "won"), answers
        os.kill(pid or 0, signal.SIGKILL)  # the next round begins where a writer was killed
        codes = [ended(process) for process in processes]
        assert codes[winner] == -signal.SIGKILL
        assert sorted(codes)[1:] == [0] * 5


@pytest.mark.slow
def test_a_writer_that_was_overtaken_while_it_slept_stops(run: Path) -> None:
    here, there = Pipe()
    process = started(sleep_while_holding, run, there)
    pid = here.recv()
    os.kill(pid, signal.SIGSTOP)
    write_lease(run, **{**lease_of(run), "heartbeat": ago(TTL_SECONDS + 1)})
    with reopen_run(run) as writer:
        os.kill(pid, signal.SIGCONT)
        here.send("go on")
        assert f"taken over by process {os.getpid()}" in here.recv()
        assert ended(process) == 0
        writer.append(row(0))
        writer.finish("finished")
    assert [row.trial for row in open_run(run).rows()] == [0]
