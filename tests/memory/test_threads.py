"""Whether threads beside the one that is measured have run."""

import sys
import threading
import time
from collections.abc import Callable

import pytest

if sys.platform != "linux":
    pytest.skip("the kernel's figures are Linux's", allow_module_level=True)

from pytest_cfworkers.memory.threads import STARTS, Others
from pytest_cfworkers.memory.ticker import Ticker
from tests.memory.workloads import Keeper, in_child


def started() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()


def idle_after(work: Callable[[Keeper], object]) -> bool:
    """Tell what is said after some work, in a process of two threads."""

    def found() -> bool:
        STARTS.begin()
        with Keeper() as keeper:
            others = Others()
            work(keeper)
            return others.idle

    return bool(in_child(found))


def test_a_thread_that_waits_is_idle() -> None:
    """It has told that it is ready before it comes to wait, so it may not be idle at once."""

    def found() -> bool:
        STARTS.begin()
        with Keeper():
            return any(is_idle_meanwhile() for _ in range(1_000))

    assert in_child(found)


def is_idle_meanwhile() -> bool:
    others = Others()
    time.sleep(0.001)  # lets it have its turn
    assert [str(number) for number in range(10_000)]
    return others.idle


def test_a_thread_that_took_memory_is_not() -> None:
    assert not idle_after(lambda keeper: keeper.use(1))


def test_one_that_was_started_and_has_ended_was_not() -> None:
    assert not idle_after(lambda _: started())


def test_one_that_has_ended_was_not() -> None:
    assert not idle_after(lambda keeper: keeper.end())


def test_a_ticker_takes_nothing() -> None:
    def found() -> bool:
        ticks: list[int] = []
        ticker = Ticker(lambda: ticks.append(sum(range(10_000))))
        ticker.start()
        others = Others()
        while len(ticks) < 3:
            pass
        idle = others.idle
        ticker.stop()
        return idle

    assert in_child(found)


def test_another_thread_than_the_main_one_is_never_alone() -> None:
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(Others().idle))
    thread.start()
    thread.join()
    assert found == [False]
