"""Wall and CPU time, by clocks that the test turns."""

import pytest

from pytest_cfworkers.guards.time import TimeGuard


class Clock:
    """A clock that stands until it is turned."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Clock:
    return Clock(1_000.0)


@pytest.fixture
def cpu() -> Clock:
    return Clock(7.0)


def test_nothing_is_used_before_the_start(wall: Clock, cpu: Clock) -> None:
    guard = TimeGuard(wall, cpu)
    assert (guard.wall_ms, guard.cpu_ms) == (0.0, 0.0)


def test_while_it_runs_the_time_up_to_now_is_used(wall: Clock, cpu: Clock) -> None:
    guard = TimeGuard(wall, cpu)
    guard.start()
    wall.now += 2.0
    cpu.now += 0.5
    assert (guard.wall_ms, guard.cpu_ms) == (2_000.0, 500.0)
    wall.now += 1.0
    assert guard.wall_ms == 3_000.0


def test_after_the_end_nothing_more_is_used(wall: Clock, cpu: Clock) -> None:
    guard = TimeGuard(wall, cpu)
    guard.start()
    wall.now += 2.0
    cpu.now += 0.5
    guard.stop()
    wall.now += 60.0
    cpu.now += 60.0
    assert (guard.wall_ms, guard.cpu_ms) == (2_000.0, 500.0)
    assert (guard.started_at, guard.stopped_at) == (1_000.0, 1_002.0)


def test_a_clock_that_starts_at_zero_is_as_good_as_any() -> None:
    wall, cpu = Clock(0.0), Clock(0.0)
    guard = TimeGuard(wall, cpu)
    guard.start()
    guard.stop()
    wall.now = cpu.now = 5.0
    assert (guard.wall_ms, guard.cpu_ms) == (0.0, 0.0)
