"""The pool: never more than its size, first come first served, nothing lost, whoever is cancelled or fails."""

import asyncio
from typing import Literal

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.strategies import integers, lists, sampled_from, tuples

from repo_tracker.connection_pool import ConnectionPool, PoolStatistics


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_six_run_at_once_and_the_others_in_the_order_in_which_they_came() -> None:
    pool, gate, served = ConnectionPool(), asyncio.Event(), []

    async def work(number: int) -> None:
        async with pool.connection():
            served.append(number)
            await gate.wait()

    tasks = [asyncio.ensure_future(work(number)) for number in range(20)]
    await settle()
    assert pool.statistics() == PoolStatistics(size=6, active=6, queued=14, peak=6, served=6)
    gate.set()
    await asyncio.gather(*tasks)
    assert served == list(range(20))
    assert pool.statistics() == PoolStatistics(size=6, active=0, queued=0, peak=6, served=20)


async def test_run_returns_the_result_and_starts_the_work_only_with_a_connection() -> None:
    pool, started = ConnectionPool(1), []

    async def work() -> str:
        started.append(pool.statistics().active)
        return "done"

    async with pool.connection():
        task = asyncio.ensure_future(pool.run(work))
        await settle()
        assert started == []
    assert await task == "done"
    assert started == [1]


async def test_an_error_gives_the_connection_back() -> None:
    pool = ConnectionPool(1)

    async def fail() -> None:
        raise LookupError("no")

    for _ in range(3):
        with pytest.raises(LookupError):
            await pool.run(fail)
    assert pool.statistics().active == 0


async def test_a_connection_handed_over_to_a_task_that_is_cancelled_in_that_moment_goes_to_the_next() -> None:
    pool = ConnectionPool(1)
    async with pool.connection():
        cancelled = asyncio.ensure_future(pool.run(settle))
        following = asyncio.ensure_future(pool.run(settle))
        await settle()
    cancelled.cancel()  # the block has handed over, and the task has not run since
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    await following
    assert pool.statistics().active == 0


async def test_who_is_thrown_away_while_waiting_takes_no_connection_along() -> None:
    pool = ConnectionPool(1)
    async with pool.connection():
        waiting = pool.run(settle)
        asyncio.get_running_loop().call_soon(waiting.send, None)
        await settle()
        assert pool.statistics().queued == 1
        waiting.close()
    async with asyncio.timeout(1):
        await pool.run(settle)


@pytest.mark.parametrize("size", [1, 6])
async def test_who_holds_a_connection_is_refused_a_second_one_and_keeps_the_first(size: int) -> None:
    pool = ConnectionPool(size)
    async with pool.connection():
        with pytest.raises(RuntimeError, match="this task holds a connection of the pool"):
            async with asyncio.timeout(1):
                await pool.run(settle)
        assert pool.statistics().active == 1
    await pool.run(settle)
    assert pool.statistics().active == 0


async def test_nobody_comes_in_between_the_one_who_leaves_and_the_one_who_waits() -> None:
    pool, served = ConnectionPool(1), []

    async def work(name: str) -> None:
        async with pool.connection():
            served.append(name)

    async with pool.connection():
        waiting = asyncio.ensure_future(work("waited"))
        await settle()
    await work("came later")
    await waiting
    assert served == ["waited", "came later"]


def test_a_pool_without_connections_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one connection, not 0"):
        ConnectionPool(0)


Action = tuple[Literal["ask", "leave", "cancel"], int]


class Adversary(RuleBasedStateMachine):
    """Tasks come, leave and are cancelled in any order, also several of them within one turn of the loop."""

    SIZE = 3

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.pool = ConnectionPool(self.SIZE)
        self.tasks: list[asyncio.Task[None]] = []
        self.leaving: dict[int, asyncio.Event] = {}  # who holds a connection, and how they are told to leave
        self.served: list[int] = []

    @rule(actions=lists(tuples(sampled_from(["ask", "leave", "cancel"]), integers(0, 20)), min_size=1, max_size=4))
    def act(self, actions: list[Action]) -> None:
        self.loop.run_until_complete(self._act(actions))

    @invariant()
    def no_more_than_its_size_and_no_fewer_while_somebody_waits(self) -> None:
        statistics = self.pool.statistics()
        waiting = sum(not task.done() for task in self.tasks) - len(self.leaving)
        assert statistics.active == len(self.leaving) <= self.SIZE
        assert statistics.queued == waiting
        assert not waiting or statistics.active == self.SIZE

    @invariant()
    def first_come_first_served(self) -> None:
        waiting = [number for number, task in enumerate(self.tasks) if not task.done() and number not in self.leaving]
        assert not waiting or not self.served or min(waiting) > max(self.served)

    def teardown(self) -> None:
        self.loop.run_until_complete(self._end())
        self.loop.close()
        assert self.pool.statistics().active == 0

    async def _act(self, actions: list[Action]) -> None:
        for action, index in actions:
            held = sorted(self.leaving)
            if action == "ask":
                self.tasks.append(asyncio.ensure_future(self._hold(len(self.tasks))))
            elif action == "cancel" and self.tasks:
                self.tasks[index % len(self.tasks)].cancel()
            elif action == "leave" and held:
                self.leaving[held[index % len(held)]].set()
        await settle()

    async def _hold(self, number: int) -> None:
        async with self.pool.connection():
            self.served.append(number)
            self.leaving[number] = asyncio.Event()
            try:
                await self.leaving[number].wait()
            finally:
                del self.leaving[number]

    async def _end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


TestAdversary = Adversary.TestCase
TestAdversary.settings = settings(max_examples=60, stateful_step_count=20)
