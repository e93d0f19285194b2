"""The stopwatch: phases by clocks that the test turns, and operations that take too long."""

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import trio
import trio.testing

from pytest_cfworkers import Invocation, Limits, LimitsError, OperationTimeout, Timer
from pytest_cfworkers.report.timeline import Timeline
from tests.unit.turning import Clock, Processor

BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


def run(backend: str, function: Callable[[], Any]) -> object:
    return anyio.run(function, backend=backend)


def test_the_report_tells_total_cpu_and_each_phase() -> None:
    wall, cpu = Clock(100.0), Clock(7.0)
    timer = Timer(clock=wall, cpu_clock=cpu)
    wall.now, cpu.now = 102.0, 7.5
    timer.checkpoint("listed")
    wall.now, cpu.now = 103.0, 7.75
    timer.checkpoint("read")
    wall.now, cpu.now = 107.0, 8.0
    report = timer.report()
    assert (report.total_ms, report.cpu_ms) == (7_000.0, 1_000.0)
    phases = [(phase.name, phase.at_ms, phase.wall_ms, phase.cpu_ms) for phase in report.checkpoints]
    assert phases == [("listed", 2_000.0, 2_000.0, 500.0), ("read", 3_000.0, 1_000.0, 250.0)]


def test_the_report_prints_as_a_table() -> None:
    wall = Clock()
    timer = Timer(clock=wall, cpu_clock=Clock())
    wall.now = 1.5
    timer.checkpoint("listed")
    wall.now = 1.75
    table = """
        listed       1,500.0 ms           0.0 ms of CPU
        total        1,750.0 ms           0.0 ms of CPU"""
    assert str(timer.report()) == dedent(table).lstrip("\n")


def test_a_report_is_a_record_of_its_moment() -> None:
    wall = Clock()
    timer = Timer(clock=wall, cpu_clock=Clock())
    before = timer.report()
    wall.now = 5.0
    timer.checkpoint("later")
    assert (before.total_ms, before.checkpoints) == (0.0, ())
    with pytest.raises(AttributeError):
        before.total_ms = 1.0  # type: ignore[misc]


def test_a_name_may_come_again() -> None:
    timer = Timer(clock=Clock(), cpu_clock=Clock())
    timer.checkpoint("page")
    timer.checkpoint("page")
    assert [phase.name for phase in timer.report().checkpoints] == ["page", "page"]


def test_following_an_invocation_starts_anew_with_its_clocks_and_tells_its_timeline() -> None:
    wall, cpu = Clock(50.0), Clock(5.0)
    timer = Timer(clock=Clock(), cpu_clock=Clock())
    timer.checkpoint("before")
    with Invocation(Limits.none(), clock=wall, cpu_clock=cpu) as invocation:
        timer.follow(invocation)
        wall.now, cpu.now = 51.0, 5.25
        timer.checkpoint("listed")
        with invocation.paused():
            wall.now = 60.0
        timer.checkpoint("arranged")
    report = timer.report()
    assert [(phase.name, phase.at_ms) for phase in report.checkpoints] == [("listed", 1_000.0), ("arranged", 1_000.0)]
    assert report.cpu_ms == 250.0
    assert Timeline.of(invocation).checkpoints == (("listed", 1_000.0), ("arranged", 10_000.0))


def test_a_checkpoint_in_another_thread_takes_nothing_back() -> None:
    processor = Processor()
    timer = Timer(clock=Clock(), cpu_clock=Clock())

    def work() -> None:
        timer.checkpoint("handed over")
        processor.work(2)
        timer.checkpoint("in the thread")

    with Invocation(Limits.none(), clock=Clock(), cpu_clock=processor) as invocation, ThreadPoolExecutor(1) as pool:
        timer.follow(invocation)
        processor.work(5)
        timer.checkpoint("before")
        processor.work(1)
        pool.submit(work).result()
        processor.work(3)
        timer.checkpoint("after")
    phases = [(phase.name, phase.cpu_ms) for phase in timer.report().checkpoints]
    assert phases == [("before", 5_000), ("handed over", 1_000), ("in the thread", 2_000), ("after", 3_000)]


# operations


@BACKENDS
def test_an_operation_in_time_returns_what_it_returns(backend: str) -> None:
    async def read() -> str:
        await anyio.lowlevel.checkpoint()
        return "page"

    async def main() -> str:
        return await Timer().with_timeout(read(), 60_000, "reading the pages")

    assert run(backend, main) == "page"


@BACKENDS
def test_an_operation_that_takes_too_long_is_cancelled_and_named(backend: str) -> None:
    wall, told = Clock(), []

    async def read() -> None:
        try:
            await anyio.sleep_forever()
        except BaseException:
            told.append("cancelled")
            wall.now = 0.9
            raise

    async def main() -> None:
        await Timer(clock=wall).with_timeout(read(), 1, "reading the pages")

    with pytest.raises(OperationTimeout) as caught:
        run(backend, main)
    assert told == ["cancelled"]
    assert str(caught.value) == "reading the pages was cancelled after 900.0 ms; it may take 1 ms"
    assert isinstance(caught.value, TimeoutError)


@BACKENDS
def test_a_timeout_of_the_operations_own_passes_as_it_is(backend: str) -> None:
    error = TimeoutError("the server says so")

    async def read() -> None:
        raise error

    async def main() -> None:
        await Timer().with_timeout(read(), 60_000, "reading the pages")

    with pytest.raises(TimeoutError) as caught:
        run(backend, main)
    assert caught.value is error


async def blocks(advance: Callable[[], None]) -> str:
    """Take long without ever waiting."""
    advance()
    return "page"


async def goes_on(_: Callable[[], None]) -> str:
    """Take no notice of being cancelled."""
    with anyio.CancelScope(shield=True):
        await anyio.sleep(1.5)
    return "page"


@pytest.mark.parametrize("operation", [blocks, goes_on])
def test_an_operation_that_cannot_be_cancelled_took_too_long_all_the_same(operation: Any) -> None:
    loop = trio.testing.MockClock(autojump_threshold=0)

    async def main() -> None:
        await Timer(clock=loop.current_time).with_timeout(operation(lambda: loop.jump(1.5)), 1_000, "reading the pages")

    with pytest.raises(OperationTimeout) as caught:
        trio.run(main, clock=loop)
    assert str(caught.value) == "reading the pages could not be cancelled and took 1,500.0 ms; it may take 1,000 ms"


def test_a_cancellation_from_outside_is_no_timeout_of_the_operation() -> None:
    async def main() -> str:
        with anyio.move_on_after(0):
            await Timer().with_timeout(anyio.sleep_forever(), 60_000, "reading the pages")
        return "went on"

    assert run("asyncio", main) == "went on"


@pytest.mark.parametrize("timeout_ms", [0, -5, True, "800", None, float("nan"), float("inf"), 10**400])
def test_a_timeout_that_is_no_time_is_refused_and_the_operation_not_begun(timeout_ms: Any) -> None:
    async def main() -> None:
        await Timer().with_timeout(anyio.sleep_forever(), timeout_ms, "reading the pages")

    with pytest.raises(LimitsError) as caught:
        run("asyncio", main)
    assert str(caught.value) == f"timeout_ms={timeout_ms!r} is not a time; valid: a positive number of milliseconds"


def test_the_timeout_goes_by_the_clock_of_the_event_loop() -> None:
    """So with a clock that jumps an hour passes at once."""

    async def main() -> None:
        await Timer(clock=Clock()).with_timeout(anyio.sleep(7_200), 3_600_000, "a long poll")

    with pytest.raises(OperationTimeout, match=r"^a long poll was cancelled after 0.0 ms; it may take 3,600,000 ms$"):
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_the_error_survives_pickle() -> None:
    error = OperationTimeout("reading was cancelled")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301
