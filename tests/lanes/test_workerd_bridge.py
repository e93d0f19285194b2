"""The life of the runtime: it serves many at once, dies with its process, and its end comes with its log."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import anyio
import pytest

from pytest_cfworkers.lanes import process
from pytest_cfworkers.lanes.bridge import Bridge
from pytest_cfworkers.lanes.errors import RuntimeFailed, RuntimeTimeout
from pytest_cfworkers.lanes.lane import WorkerdLane

FOREVER = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c"
ENDLESS = {"database": "endless", "calls": [["prepare", [FOREVER]], ["first", []]]}
SELECT_ONE = {"calls": [["prepare", ["SELECT 1 AS one"]], ["first", ["one"]]]}

pytestmark = pytest.mark.usefixtures("installed")
needs_pidfd = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for a process that is no child: Linux")
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="kills with a signal")


def kill(lane: WorkerdLane) -> None:
    """Let the runtime crash."""
    pid = lane.bridge.process.runtime_pid
    assert pid is not None
    os.kill(pid, signal.SIGABRT)


def wait_for_end(pid: int, seconds: float = 15) -> bool:
    """Whether a process, which need not be a child, ends in time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def test_twenty_statements_are_under_way_at_once_and_each_gets_its_own_answer(lane: WorkerdLane, backend: str) -> None:
    async def main() -> list[int]:
        database = lane.fresh_database()
        answers = [0] * 20

        async def ask(number: int) -> None:
            answers[number] = await database.prepare("SELECT ? AS n").bind(number).first("n")

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(ask, number)
        return answers

    assert anyio.run(main, backend=backend) == list(range(20))


def test_calls_do_not_wait_for_each_other(lane: WorkerdLane) -> None:
    bridge = lane.bridge
    futures = [bridge.start_call({"database": f"parallel {n}", **SELECT_ONE}) for n in range(20)]
    assert [future.result(30) for future in reversed(futures)] == [{"ok": 1}] * 20


def test_gather_from_asyncio_and_blocking_calls_mix(lane: WorkerdLane) -> None:
    async def main() -> list[int]:
        database = lane.fresh_database()
        session = database.withSession("first-primary")
        assert session.getBookmark() is None
        results = await asyncio.gather(*(session.prepare("SELECT ?").bind(n).raw() for n in range(5)))
        assert isinstance(session.getBookmark(), str)
        return [rows[0][0] for rows in results]

    assert asyncio.run(main()) == [0, 1, 2, 3, 4]


@needs_signals
def test_a_crash_of_the_runtime_is_told_with_its_log_and_the_next_database_works() -> None:
    async def main() -> None:
        with WorkerdLane() as lane:
            database = lane.fresh_database()
            assert await database.prepare("SELECT 1 AS one").first("one") == 1
            kill(lane)
            with pytest.raises(RuntimeFailed, match="The Workers runtime ended") as caught:
                await database.prepare("SELECT 1").first()
            assert "Received signal #6" in caught.value.log
            assert caught.value.log in str(caught.value)
            with pytest.raises(RuntimeFailed, match="The Workers runtime ended"):
                await database.prepare("SELECT 1").first()
            assert await lane.fresh_database().prepare("SELECT 1 AS one").first("one") == 1

    anyio.run(main)


@needs_signals
def test_a_runtime_that_died_after_the_last_call_is_told_once_when_a_database_is_released() -> None:
    async def main() -> None:
        with WorkerdLane() as lane:
            first, second = lane.fresh_database(), lane.fresh_database()
            await first.exec("CREATE TABLE t (a)")
            kill(lane)
            with pytest.raises(RuntimeFailed, match="The Workers runtime ended"):
                lane.release(first)
            lane.release(second)
            assert await lane.fresh_database().prepare("SELECT 1 AS one").first("one") == 1

    anyio.run(main)


@needs_signals
def test_an_end_that_a_call_has_told_is_not_told_again() -> None:
    async def main() -> None:
        with WorkerdLane() as lane:
            database = lane.fresh_database()
            await database.exec("CREATE TABLE t (a)")
            kill(lane)
            with pytest.raises(RuntimeFailed, match="The Workers runtime ended"):
                await database.exec("SELECT 1")
            lane.release(database)

    anyio.run(main)


def test_a_call_without_an_answer_ends_the_runtime_and_says_after_how_long() -> None:
    async def main() -> None:
        with WorkerdLane(call_seconds=2) as lane:
            runtime = lane.bridge.process.runtime_pid
            assert runtime is not None
            with pytest.raises(RuntimeTimeout, match="did not answer within 2 s and was stopped"):
                await lane.fresh_database().prepare(FOREVER).first()
            if hasattr(os, "pidfd_open"):
                assert wait_for_end(runtime), "it still computes"
            assert await lane.fresh_database().prepare("SELECT 1 AS one").first("one") == 1

    anyio.run(main)


@needs_pidfd
@pytest.mark.parametrize("work", ["", f"bridge.start_call({ENDLESS!r});"], ids=["idle", "busy"])
def test_the_runtime_dies_with_its_parent_even_in_the_middle_of_a_statement(work: str) -> None:
    program = (
        "import sys; from pytest_cfworkers.lanes.bridge import Bridge;"
        "bridge = Bridge(); process = bridge.process;"
        f"{work}"
        "print(process.pid, process.runtime_pid, process.storage, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        node, runtime, storage = parent.stdout.readline().split()
        parent.kill()
    assert wait_for_end(int(node))
    assert wait_for_end(int(runtime))
    assert not Path(storage).exists()


@needs_pidfd
def test_a_killed_bridge_takes_the_runtime_with_it() -> None:
    bridge = Bridge()
    runtime = bridge.process.runtime_pid
    assert runtime is not None
    os.kill(bridge.process.pid, signal.SIGKILL)
    with pytest.raises(RuntimeFailed, match="bridge to the Workers runtime ended"):
        bridge.call_blocking({"database": "any", **SELECT_ONE})
    assert wait_for_end(runtime)
    bridge.close()


@needs_pidfd
def test_closing_ends_both_processes_and_removes_the_databases() -> None:
    bridge = Bridge()
    assert bridge.call_blocking({"database": "any", **SELECT_ONE}) == {"ok": 1}
    runtime = bridge.process.runtime_pid
    assert runtime is not None
    bridge.close()
    bridge.close()
    assert wait_for_end(bridge.process.pid)
    assert wait_for_end(runtime)
    assert not bridge.process.storage.exists()
    with pytest.raises(RuntimeFailed, match="was closed"):
        bridge.call_blocking({"database": "any", **SELECT_ONE})


def test_the_port_of_the_runtime_refuses_everybody_else(lane: WorkerdLane) -> None:
    url = lane.bridge.url
    assert url.startswith("http://127.0.0.1:")
    for headers in ({}, {"x-bridge-token": "0" * 64}, {"Upgrade": "websocket", "Connection": "Upgrade"}):
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - a loopback address
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(request, timeout=10)  # noqa: S310


def test_what_changes_the_runtime_is_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_OPTIONS", "--no-such-option")
    monkeypatch.setenv("MINIFLARE_WORKERD_PATH", "/no/such/runtime")
    bridge = Bridge()
    try:
        assert bridge.versions["workerd"] == "1.20261117.1"
    finally:
        bridge.close()


def test_a_runtime_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_cfworkers.lanes.process.find_installation", lambda: tmp_path)
    with pytest.raises(RuntimeFailed, match="did not start: Cannot find module 'miniflare'"):
        Bridge()


@pytest.mark.parametrize(("free", "expected"), [(2**31, "memory"), (2**26, None)])
def test_databases_live_in_memory_where_there_is_room(
    free: int, expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "memory"
    memory.mkdir()
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(process, "_MEMORY", memory)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    assert process._fastest_folder() == (expected and memory)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert process._fastest_folder() is None
