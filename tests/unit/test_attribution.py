"""Which invocation work belongs to."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import cast

import pytest
import trio

from pytest_cfworkers import Invocation, attribution
from pytest_cfworkers.attribution import anything_runs, belonging_to, current, uncounted


def in_thread(function: Callable[[], object], context: contextvars.Context | None = None) -> object:
    """Return what a function returns in a thread, whose context is a new one unless it is given."""
    found: list[object] = []
    run = (context or contextvars.Context()).run
    thread = threading.Thread(target=lambda: found.append(run(function)))
    thread.start()
    thread.join()
    return found[0]


def test_outside_of_an_invocation_work_belongs_to_nobody() -> None:
    assert current() is None
    assert in_thread(current) is None


def test_inside_it_belongs_to_the_invocation_and_afterwards_to_nobody() -> None:
    with Invocation() as invocation:
        assert current() is invocation
    assert current() is None


def test_of_two_nested_ones_the_inner_one_has_the_work() -> None:
    with Invocation() as outer:
        with Invocation() as inner:
            assert current() is inner
        assert current() is outer


def test_a_thread_has_its_work_in_the_invocation_that_runs() -> None:
    with Invocation() as invocation:
        assert in_thread(current) is invocation


def test_a_thread_that_knows_only_an_ended_invocation_falls_to_the_one_that_runs() -> None:
    with Invocation():
        context = contextvars.copy_context()
    assert in_thread(current, context) is None
    with Invocation() as running:
        assert in_thread(current, context.copy()) is running


def test_a_thread_that_knows_its_invocation_stays_with_it() -> None:
    with Invocation() as first:
        context = contextvars.copy_context()
        with Invocation():
            assert in_thread(current, context) is first


def test_concurrent_invocations_of_asyncio_keep_apart_and_their_tasks_inherit() -> None:
    async def run(turn: asyncio.Barrier) -> bool:
        with Invocation() as own:
            await turn.wait()
            task = asyncio.create_task(ask())
            return current() is own and await task is own

    async def ask() -> Invocation | None:
        await asyncio.sleep(0)
        return current()

    async def main() -> list[bool]:
        turn = asyncio.Barrier(3)
        return await asyncio.gather(*(run(turn) for _ in range(3)))

    assert asyncio.run(main()) == [True] * 3


def test_concurrent_invocations_of_trio_keep_apart_and_their_tasks_inherit() -> None:
    right: list[bool] = []

    async def ask(own: Invocation) -> None:
        await trio.lowlevel.checkpoint()
        right.append(current() is own)

    async def run() -> None:
        with Invocation() as own:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask, own)
                nursery.start_soon(ask, own)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(run)

    trio.run(main)
    assert right == [True] * 6


def test_what_is_uncounted_belongs_to_nobody_here_and_in_its_tasks() -> None:
    async def main() -> Invocation | None:
        async def ask() -> Invocation | None:
            return current()

        with uncounted():
            return await asyncio.create_task(ask())

    with Invocation() as invocation:
        assert asyncio.run(main()) is None
        with uncounted():
            assert current() is None
        assert current() is invocation


def test_while_it_is_paused_threads_without_a_context_belong_to_nobody() -> None:
    with Invocation() as invocation:
        with invocation.paused():
            with invocation.paused():
                assert in_thread(current) is None
            assert in_thread(current) is None
            assert current() is None
        assert in_thread(current) is invocation


def test_a_failure_ends_the_pause() -> None:
    with Invocation() as invocation:
        with pytest.raises(LookupError), invocation.paused():
            raise LookupError
        assert current() is invocation
        assert in_thread(current) is invocation


def test_work_may_be_given_to_an_invocation_by_hand() -> None:
    with Invocation() as outer:
        child = outer.child("GET /")
        child.start()
        with belonging_to(child):
            assert current() is child
        assert current() is outer
        child.finish()
    assert current() is None


def test_an_invocation_may_be_left_in_another_context_than_it_was_entered_in() -> None:
    """As an asynchronous fixture does."""
    invocation = Invocation()
    contextvars.copy_context().run(invocation.__enter__)
    assert current() is invocation  # no context knows it, but it runs
    invocation.__exit__(None, None, None)
    assert current() is None


def test_the_last_one_that_began_and_still_runs_has_the_work_of_nobody() -> None:
    with ExitStack() as stack:
        invocations = [Invocation() for _ in range(3)]
        for invocation in invocations:
            invocation.start()
            stack.callback(invocation.finish)
        assert current() is invocations[2]
        invocations[1].finish()
        assert current() is invocations[2]
        invocations[2].finish()
        assert current() is invocations[0]
    assert attribution.current() is None


def test_those_that_run_are_told_the_oldest_first() -> None:
    assert not anything_runs()
    with Invocation() as outer, Invocation() as inner:
        assert attribution.running() == (outer, inner)
        assert anything_runs()
    assert attribution.running() == ()


def test_work_belongs_to_nobody_where_another_thread_ends_the_invocation_meanwhile() -> None:
    last = Invocation()
    last.start()

    class Ended:
        """The invocation that a context still knows; at this very moment the last one that runs ends."""

        account = last.account

        @property
        def running(self) -> bool:
            last.finish()
            return False

    with belonging_to(cast("Invocation", Ended())):
        assert current() is None
