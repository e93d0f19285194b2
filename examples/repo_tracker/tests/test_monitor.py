"""Where the time goes, and what takes too long."""

import asyncio

import pytest

from repo_tracker.monitor import Checkpoint, OperationTimeoutError, PerformanceMonitor
from tests.kit.clock import Clock


async def test_checkpoints_tell_when_and_how_long_since_the_one_before(clock: Clock) -> None:
    monitor = PerformanceMonitor("refresh", clock=clock)
    await clock.sleep(2.0)
    monitor.checkpoint("fetched")
    await clock.sleep(0.5)
    monitor.checkpoint("saved")
    report = monitor.report()
    assert report.checkpoints == (
        Checkpoint(name="fetched", at=2.0, since_previous=2.0),
        Checkpoint(name="saved", at=2.5, since_previous=0.5),
    )
    assert (report.operation, report.seconds) == ("refresh", 2.5)
    assert report.slowest == report.checkpoints[0]


async def test_without_checkpoints_nothing_is_slowest() -> None:
    assert PerformanceMonitor("refresh").report().slowest is None


async def test_what_takes_too_long_is_cancelled_and_named() -> None:
    monitor, cancelled = PerformanceMonitor("refresh"), []

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(OperationTimeoutError, match=r"^saving did not finish within 0\.001 s$") as caught:
        await monitor.with_timeout("saving", never, 0.001)
    assert cancelled == [True]
    assert (caught.value.operation, caught.value.seconds, caught.value.transient) == ("saving", 0.001, True)
    assert monitor.report().checkpoints == ()


async def test_what_is_in_time_returns_its_result_and_is_a_checkpoint() -> None:
    monitor = PerformanceMonitor("refresh")

    async def quick() -> str:
        return "done"

    assert await monitor.with_timeout("saving", quick, 60.0) == "done"
    assert [checkpoint.name for checkpoint in monitor.report().checkpoints] == ["saving"]


async def test_a_timeout_from_inside_is_not_ours() -> None:
    async def own() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await PerformanceMonitor("refresh").with_timeout("saving", own, 60.0)


async def test_a_cancellation_from_outside_stays_one() -> None:
    task = asyncio.ensure_future(PerformanceMonitor("refresh").with_timeout("saving", asyncio.Event().wait, 60.0))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
