"""Which invocation work belongs to."""

import asyncio
import contextvars
import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from weakref import ref

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
import trio

from pytest_cfworkers import Invocation, attribution
from pytest_cfworkers.attribution import anything_runs, belonging_to, current, uncounted
from pytest_cfworkers.metering.account import account_here
from tests.unit.handing_over import WAYS, Work


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


def test_what_an_ended_invocation_has_left_behind_in_a_thread_counts_for_nobody() -> None:
    with Invocation():
        context = contextvars.copy_context()
    assert in_thread(current, context) is None
    with Invocation():
        assert in_thread(current, context.copy()) is None


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


def test_a_pause_is_that_of_the_block_and_not_of_work_that_was_handed_over_outside_of_it() -> None:
    """Whether the thread knows the context of its sender, or what handed the work over alone."""
    asked = threading.Event()

    def work() -> object:
        asked.wait()
        return current()

    with ThreadPoolExecutor(2) as pool, Invocation() as invocation:
        handed = [pool.submit(work), pool.submit(contextvars.copy_context().run, work)]
        with invocation.paused():
            asked.set()
            assert [future.result() for future in handed] == [invocation] * 2
            assert pool.submit(current).result() is None


def test_a_pause_in_a_thread_is_its_own() -> None:
    def arrange() -> object:
        with invocation.paused():
            paused.set()
            asked.wait()
            return current()

    paused, asked = threading.Event(), threading.Event()
    with ThreadPoolExecutor(2) as pool, Invocation() as invocation:
        arranging = pool.submit(arrange)
        paused.wait()
        found = [pool.submit(current).result(), current()]
        asked.set()
        assert found == [invocation] * 2
        assert arranging.result() is None


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


# threads


@contextmanager
def one_that_began_later() -> Iterator[Invocation]:
    """Let another invocation begin, to which no work here belongs."""
    other = Invocation()
    other.start()
    try:
        yield other
    finally:
        other.finish()


def bare_thread(work: Work) -> None:
    thread = threading.Thread(target=work, args=(5,))
    thread.start()
    thread.join()


def thread_of_a_thread(work: Work) -> None:
    bare_thread(lambda _: bare_thread(work))


def loop_of_a_thread(work: Work) -> None:
    async def main() -> None:
        work(5)

    bare_thread(lambda _: asyncio.run(main()))


EVERY_WAY = (*WAYS, bare_thread, thread_of_a_thread, loop_of_a_thread)


@pytest.mark.parametrize("hand_over", EVERY_WAY)
def test_a_thread_works_for_who_handed_work_to_it_whichever_began_last(hand_over: Callable[[Work], None]) -> None:
    found = []
    with Invocation() as sender, one_that_began_later():
        hand_over(lambda _: found.append(current()))
    assert set(found) == {sender}


@pytest.mark.parametrize("hand_over", EVERY_WAY)
def test_a_thread_works_for_nobody_where_its_sender_does_not_count(hand_over: Callable[[Work], None]) -> None:
    found = []
    with Invocation(), uncounted():
        hand_over(lambda _: found.append(current()))
    assert set(found) == {None}


def test_concurrent_invocations_that_share_a_pool_keep_apart() -> None:
    async def run(turn: asyncio.Barrier) -> bool:
        loop = asyncio.get_running_loop()
        with Invocation() as own:
            await turn.wait()
            return [await loop.run_in_executor(None, current) for _ in range(3)] == [own] * 3

    async def main() -> list[bool]:
        turn = asyncio.Barrier(3)
        return await asyncio.gather(*(run(turn) for _ in range(3)))

    assert asyncio.run(main()) == [True] * 3


def test_a_task_that_a_thread_starts_in_another_loop_belongs_to_the_sender_of_the_thread() -> None:
    found = []

    async def ask() -> None:
        found.append(current())

    async def main() -> Invocation:
        loop = asyncio.get_running_loop()

        def work(_: float) -> None:
            asyncio.run_coroutine_threadsafe(ask(), loop).result()

        with Invocation() as sender, one_that_began_later():
            await loop.run_in_executor(None, work, 5)
            await asyncio.to_thread(bare_thread, work)
        return sender

    sender = asyncio.run(main())
    assert found == [sender] * 2


def test_a_thread_that_nobody_handed_work_to_falls_to_the_one_that_runs() -> None:
    """Such as a server that a fixture has started, with or without a loop."""
    asked, found = threading.Event(), []

    async def serve() -> None:
        await asyncio.to_thread(asked.wait)
        found.append(current())

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    with Invocation() as running:
        asked.set()
        thread.join()
        assert found == [running]


def test_a_thread_that_an_ended_invocation_has_started_counts_for_nobody() -> None:
    asked, found = threading.Event(), []

    def poll() -> None:
        asked.wait()
        found.append(current())

    with Invocation():
        thread = threading.Thread(target=poll)
        thread.start()
    with Invocation():
        asked.set()
        thread.join()
    assert found == [None]


def test_a_pool_that_outlives_an_invocation_works_for_the_next_one_and_keeps_nothing() -> None:
    with ThreadPoolExecutor(1) as pool:
        with Invocation() as first:
            assert pool.submit(current).result() is first
        with Invocation() as second:
            assert pool.submit(current).result() is second
        assert pool.submit(current).result() is None
        gone = ref(first)
        del first
        gc.collect()
        assert gone() is None


def test_a_thread_is_gone_when_it_has_ended_as_any_thread_is() -> None:
    gc.disable()
    try:
        with Invocation():
            thread = threading.Thread(target=current)
            thread.start()
            thread.join()
            gone = ref(thread)
            del thread
            assert gone() is None
    finally:
        gc.enable()


def test_a_thread_that_cannot_be_started_is_as_it_was() -> None:
    def run() -> None:
        found.append(current())

    found: list[object] = []
    plain, changed = threading.Thread(), threading.Thread()
    changed.run = run  # type: ignore[method-assign]
    with Invocation() as invocation:
        for thread in (plain, changed):
            thread.start()
            thread.join()
            before = vars(thread).get("run")
            with pytest.raises(RuntimeError, match="once"):
                thread.start()
            assert vars(thread).get("run") is before
    assert found == [invocation]


def test_a_thread_that_is_started_by_what_somebody_has_put_back_later_is_like_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Invocation():
        ours = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", ours)
    asked, found = threading.Event(), []

    def serve() -> None:
        asked.wait()
        found.append(current())

    thread = threading.Thread(target=serve)
    thread.start()
    with Invocation() as running:
        asked.set()
        thread.join()
    assert found == [running]


# tasks of others


def in_asyncio(main: Callable[[], Any]) -> None:
    asyncio.run(main())


@pytest.mark.parametrize("run", [in_asyncio, trio.run], ids=["asyncio", "trio"])
def test_a_task_that_was_started_before_counts_for_nobody(run: Callable[..., None]) -> None:
    """Neither does what it hands to threads. Such as what a fixture started in the loop of the test."""
    found: list[object] = []

    async def poll(began: anyio.Event, polled: anyio.Event) -> None:
        await began.wait()
        found.append(current())
        found.append(await anyio.to_thread.run_sync(current))
        found.append(in_thread(current))
        polled.set()

    async def main() -> None:
        began, polled = anyio.Event(), anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(poll, began, polled)
            await anyio.lowlevel.checkpoint()
            with Invocation() as invocation:
                began.set()
                await polled.wait()
                assert current() is invocation

    run(main)
    assert found == [None] * 3


def test_a_task_with_a_context_of_its_own_belongs_to_who_starts_it() -> None:
    """Also where the context was used in another invocation, which has ended."""

    async def ask() -> tuple[Invocation | None, object]:
        return current(), account_here()

    async def main() -> None:
        loop, context = asyncio.get_running_loop(), contextvars.Context()
        for _ in range(2):
            with Invocation() as own, one_that_began_later():
                tasks = [asyncio.create_task(ask(), context=context), loop.create_task(ask(), context=context)]
                async with asyncio.TaskGroup() as group:
                    tasks.append(group.create_task(ask(), context=contextvars.Context()))
                assert await asyncio.gather(*tasks) == [(own, own.account)] * 3

    asyncio.run(main())


def test_a_context_that_knows_its_invocation_is_let_be() -> None:
    async def ask() -> Invocation | None:
        return current()

    async def main() -> None:
        with Invocation() as first:
            context = contextvars.copy_context()
            with Invocation():
                assert await asyncio.create_task(ask(), context=context) is first

    asyncio.run(main())


def test_a_task_that_a_fixtures_task_starts_in_a_context_of_its_own_counts_for_nobody() -> None:
    async def ask() -> Invocation | None:
        return current()

    async def main() -> None:
        began = asyncio.Event()

        async def poll() -> list[object]:
            await began.wait()
            contexts = contextvars.Context(), contextvars.copy_context()
            return [await asyncio.create_task(ask(), context=context) for context in contexts]

        polling = asyncio.create_task(poll())
        with Invocation() as running:
            began.set()
            assert await polling == [None] * 2
            with running.paused():
                assert await asyncio.create_task(ask(), context=contextvars.Context()) is None

    asyncio.run(main())


def test_what_such_a_task_hands_to_a_pool_of_asyncio_counts_for_nobody() -> None:
    async def main() -> list[object]:
        began = asyncio.Event()

        async def poll() -> list[object]:
            await began.wait()
            loop = asyncio.get_running_loop()
            return [await asyncio.to_thread(current), await loop.run_in_executor(None, current)]

        polling = asyncio.create_task(poll())
        with Invocation():
            began.set()
            return await polling

    assert asyncio.run(main()) == [None] * 2


@pytest.mark.parametrize("run", [in_asyncio, trio.run], ids=["asyncio", "trio"])
def test_a_task_that_an_ended_invocation_has_left_behind_counts_for_nobody(run: Callable[..., None]) -> None:
    found: list[object] = []

    async def poll(asked: anyio.Event, polled: anyio.Event) -> None:
        await asked.wait()
        found.append(current())
        polled.set()

    async def main() -> None:
        asked, polled = anyio.Event(), anyio.Event()
        async with anyio.create_task_group() as tasks:
            with Invocation():
                tasks.start_soon(poll, asked, polled)
                await anyio.lowlevel.checkpoint()
            with Invocation():
                asked.set()
                await polled.wait()

    run(main)
    assert found == [None]


def test_a_loop_that_a_synchronous_test_runs_works_for_it_though_its_context_is_older() -> None:
    async def ask() -> Invocation | None:
        return current()

    with asyncio.Runner() as runner:
        runner.get_loop()  # the runner takes a copy of the context here
        with Invocation() as invocation:
            assert runner.run(ask()) is invocation


# handing over


def test_the_latest_is_the_one_that_began_last_unless_it_is_paused() -> None:
    assert attribution.latest() is None
    with Invocation(), Invocation() as last:
        assert attribution.latest() is last
        with last.paused():
            assert attribution.latest() is None


def test_what_is_handed_over_gets_its_arguments_and_hides_its_frames() -> None:
    def fail(*, number: int) -> None:
        raise LookupError(number)

    with Invocation(), ThreadPoolExecutor(1) as pool, pytest.raises(LookupError) as caught:
        pool.submit(fail, number=7).result()
    assert caught.value.args == (7,)
    ours = [entry.frame for entry in caught.traceback if attribution.__name__ == entry.frame.f_globals["__name__"]]
    assert ours
    assert all(frame.f_locals["__tracebackhide__"] is True for frame in ours)


def test_what_works_in_a_thread_for_another_puts_back_for_whom_it_worked() -> None:
    """A pool may run what it is handed at once, in the thread that hands it over."""
    handed: dict[str, Callable[[], object]] = {}
    found: list[object] = []

    def work() -> None:
        found.append(current())
        assert handed["of the later"]() is later
        found.append(contextvars.Context().run(current))  # which only the thread can tell

    with Invocation() as earlier:
        handed["work"] = attribution._hand_over(work, True)
        with Invocation() as later:
            handed["of the later"] = attribution._hand_over(current, True)
            in_thread(handed["work"])
        before = account_here()
        handed["of the later"]()
        assert account_here() is before is earlier.account
    assert found == [earlier, earlier]


@pytest.mark.parametrize("is_sent", [False, True])
def test_a_request_is_being_sent_until_it_is(is_sent: bool) -> None:
    assert attribution.sending() is None
    request = SimpleNamespace(is_sent=is_sent)
    token = attribution.underway.set(request)
    try:
        assert attribution.sending() is (None if is_sent else request)
    finally:
        attribution.underway.reset(token)
