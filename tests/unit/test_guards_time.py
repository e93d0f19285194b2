"""Wall and CPU time, by clocks that the test turns."""

import pytest

from pytest_cfworkers.guards.time import TimeGuard
from tests.unit.turning import Clock


@pytest.fixture
def wall() -> Clock:
    return Clock(1_000.0)


@pytest.fixture
def cpu() -> Clock:
    return Clock(7.0)


def test_nothing_is_used_before_the_start(wall: Clock, cpu: Clock) -> None:
    guard = TimeGuard(wall, cpu)
    assert (guard.wall_ms, guard.elapsed_ms, guard.cpu_ms) == (0.0, 0.0, 0.0)


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


def test_time_in_a_pause_is_no_wall_time_but_passes(wall: Clock, cpu: Clock) -> None:
    guard = TimeGuard(wall, cpu)
    guard.start()
    wall.now += 1.0
    guard.pause()
    wall.now += 10.0
    assert (guard.wall_ms, guard.elapsed_ms) == (1_000.0, 11_000.0)
    guard.resume()
    wall.now += 2.0
    assert (guard.wall_ms, guard.elapsed_ms) == (3_000.0, 13_000.0)


def test_pauses_one_after_another_add_up(wall: Clock, cpu: Clock) -> None:
    guard = TimeGuard(wall, cpu)
    guard.start()
    for paused_s in (1.0, 2.0):
        guard.pause()
        wall.now += paused_s
        guard.resume()
        wall.now += 10.0
    assert (guard.wall_ms, guard.elapsed_ms) == (20_000.0, 23_000.0)


def test_pauses_that_overlap_are_one(wall: Clock, cpu: Clock) -> None:
    guard = TimeGuard(wall, cpu)
    guard.start()
    guard.pause()
    wall.now += 1.0
    guard.pause()
    wall.now += 1.0
    guard.resume()
    wall.now += 1.0
    guard.resume()
    wall.now += 5.0
    assert guard.wall_ms == 5_000.0


def test_what_is_paused_before_the_start_takes_nothing_from_what_comes_after_it(wall: Clock, cpu: Clock) -> None:
    guard = TimeGuard(wall, cpu)
    guard.pause()
    wall.now += 1.0
    guard.resume()
    guard.pause()
    wall.now += 1.0
    assert (guard.wall_ms, guard.elapsed_ms) == (0.0, 0.0)
    guard.start()
    wall.now += 2.0
    guard.resume()
    wall.now += 4.0
    assert (guard.wall_ms, guard.elapsed_ms) == (4_000.0, 6_000.0)


def test_a_pause_that_outlives_the_end_takes_nothing_from_what_was_before_it(wall: Clock, cpu: Clock) -> None:
    guard = TimeGuard(wall, cpu)
    guard.start()
    wall.now += 4.0
    guard.pause()
    wall.now += 1.0
    guard.stop()
    wall.now += 60.0
    guard.resume()
    assert (guard.wall_ms, guard.elapsed_ms) == (4_000.0, 5_000.0)
    guard.pause()
    wall.now += 60.0
    guard.resume()
    assert (guard.wall_ms, guard.elapsed_ms) == (4_000.0, 5_000.0)


def test_a_guard_that_is_stopped_in_a_pause_counts_what_was_before_it(wall: Clock, cpu: Clock) -> None:
    guard = TimeGuard(wall, cpu)
    guard.start()
    wall.now += 1.0
    guard.pause()
    wall.now += 2.0
    guard.stop()
    wall.now += 4.0
    assert (guard.wall_ms, guard.elapsed_ms) == (1_000.0, 3_000.0)
