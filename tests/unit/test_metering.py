"""Whose CPU time it is: tasks that take turns, threads that work was handed to, and what belongs to nobody."""

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from pytest_cfworkers import Invocation, Limits, guard_app
from pytest_cfworkers.attribution import uncounted
from pytest_cfworkers.clients.watch import watch
from pytest_cfworkers.metering.replaced import Replaced
from pytest_cfworkers.timing_keys import timed
from tests.unit.handing_over import WAYS, Work
from tests.unit.turning import Clock, Processor


@pytest.fixture
def processor() -> Processor:
    return Processor()


def opened(processor: Processor, name: str = "") -> Invocation:
    return Invocation(Limits.none(), clock=Clock(), cpu_clock=processor, name=name)


def cpu(invocation: Invocation) -> float:
    """Return the seconds of CPU that an invocation has used."""
    return round(invocation.statistics().cpu_ms / 1_000, 6)


# one thread


def test_work_in_the_block_counts_and_work_around_it_does_not(processor: Processor) -> None:
    processor.work(1)
    with opened(processor) as invocation:
        processor.work(2)
        assert cpu(invocation) == 2
        processor.work(3)
    processor.work(4)
    assert cpu(invocation) == 5


def test_an_inner_invocation_has_its_work_and_the_outer_one_the_rest(processor: Processor) -> None:
    with opened(processor) as outer:
        processor.work(1)
        with opened(processor) as inner:
            processor.work(10)
        processor.work(2)
    assert (cpu(outer), cpu(inner)) == (3, 10)


def test_what_is_done_while_paused_counts_for_nobody(processor: Processor) -> None:
    with opened(processor) as invocation:
        processor.work(1)
        with invocation.paused():
            processor.work(10)
        processor.work(2)
    assert cpu(invocation) == 3


def test_a_pause_counts_as_no_wall_time_also_where_pauses_overlap() -> None:
    clock = Clock()
    with Invocation(Limits.none(), clock=clock, cpu_clock=Clock()) as invocation:
        clock.now += 1
        with invocation.paused():
            clock.now += 10
            assert invocation.statistics().wall_ms == 1_000
            with invocation.paused():
                clock.now += 10
        clock.now += 2
    assert invocation.statistics().wall_ms == 3_000
    assert invocation.times.guard.elapsed_ms == 23_000


def test_an_invocation_without_a_block_has_the_work_of_its_thread_until_it_ends(processor: Processor) -> None:
    with opened(processor) as outer:
        child = outer.child("GET /")
        child.start()
        processor.work(1)
        child.finish()
        processor.work(2)
    assert (cpu(outer), cpu(child)) == (2, 1)


# tasks


def in_asyncio(main: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await main()

    asyncio.run(run())


@pytest.mark.parametrize("run", [in_asyncio, trio.run], ids=["asyncio", "trio"])
def test_invocations_that_take_turns_have_their_own_work_each(run: Callable[..., None], processor: Processor) -> None:
    found: dict[str, float] = {}

    async def handle(name: str, seconds: float) -> None:
        with opened(processor, name) as invocation:
            for _ in range(3):
                processor.work(seconds)
                await anyio.lowlevel.checkpoint()
        found[name] = cpu(invocation)

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for seconds in (1, 10, 100):
                tasks.start_soon(handle, f"task {seconds}", seconds)

    with opened(processor) as around:
        processor.work(0.5)
        run(main)
        processor.work(0.25)
    assert found == {"task 1": 3, "task 10": 30, "task 100": 300}
    assert cpu(around) == 0.75


@pytest.mark.parametrize("run", [in_asyncio, trio.run], ids=["asyncio", "trio"])
def test_the_tasks_of_an_invocation_count_for_it(run: Callable[..., None], processor: Processor) -> None:
    invocation = opened(processor)

    async def work() -> None:
        await anyio.lowlevel.checkpoint()
        processor.work(1)

    async def main() -> None:
        with invocation:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(work)
                tasks.start_soon(work)

    run(main)
    assert cpu(invocation) == 2


def test_a_task_that_was_started_before_counts_for_nobody(processor: Processor) -> None:
    """Such as a server that a fixture started in the same loop."""
    invocation = opened(processor)

    async def main() -> None:
        asked, answered = asyncio.Event(), asyncio.Event()

        async def serve() -> None:
            await asked.wait()
            processor.work(100)
            answered.set()

        server = asyncio.create_task(serve())
        await asyncio.sleep(0)
        with invocation:
            processor.work(1)
            asked.set()
            await answered.wait()
            processor.work(2)
        await server

    asyncio.run(main())
    assert cpu(invocation) == 3


def test_a_paused_task_counts_for_nobody_while_the_others_go_on(processor: Processor) -> None:
    async def arrange() -> None:
        with uncounted():
            for _ in range(2):
                processor.work(100)
                await asyncio.sleep(0)

    async def work() -> None:
        for _ in range(2):
            processor.work(1)
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(arrange(), work())

    with opened(processor) as invocation:
        asyncio.run(main())
    assert cpu(invocation) == 2


# threads


@pytest.mark.parametrize("hand_over", WAYS)
def test_work_that_is_handed_to_a_thread_counts(hand_over: Callable[[Work], None], processor: Processor) -> None:
    with opened(processor) as invocation:
        processor.work(1)
        hand_over(processor.work)
    assert cpu(invocation) == 6


def test_a_thread_of_ones_own_counts_for_nobody(processor: Processor) -> None:
    """It may as well be a server that the test has started."""
    with opened(processor) as invocation:
        processor.work(1)
        thread = threading.Thread(target=processor.work, args=(5,))
        thread.start()
        thread.join()
    assert cpu(invocation) == 1


def test_two_threads_that_end_at_once_lose_nothing(processor: Processor) -> None:
    together = threading.Barrier(4)

    def work() -> None:
        processor.work(1)
        together.wait()

    with opened(processor) as invocation, ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(work)
    assert cpu(invocation) == 4


# requests into an app


def test_requests_into_an_app_that_take_turns_have_their_own_work_each(processor: Processor) -> None:
    async def app(scope: dict[str, str], receive: object, send: object) -> None:  # noqa: ARG001 - ASGI
        for _ in range(2):
            processor.work(float(scope["path"]))
            await asyncio.sleep(0)

    async def main() -> None:
        handle = guard_app(app)
        await asyncio.gather(*(handle({"type": "http", "path": path}, None, None) for path in ("1", "10", "100")))

    invocation = Invocation(timed(Limits.none(), p50_ms=1), clock=Clock(), cpu_clock=processor, enforce=False)
    with invocation:
        asyncio.run(main())
        processor.work(0.5)
    assert cpu(invocation) == 0.5
    assert invocation.worst().cpu_ms == 200_000
    assert [name for name, _ in invocation.times.opened] == ["http 1", "http 10", "http 100"]


@pytest.mark.parametrize("path", ["/coroutine", "/function"])
def test_a_request_through_a_test_client_has_its_work_in_whatever_thread(path: str, processor: Processor) -> None:
    async def coroutine(_: Request) -> Response:
        processor.work(2)
        await asyncio.sleep(0)
        processor.work(2)
        return Response()

    def function(_: Request) -> Response:  # which Starlette hands to a thread
        processor.work(4)
        return Response()

    app = Starlette(routes=[Route("/coroutine", coroutine), Route("/function", function)])
    with watch(), opened(processor) as invocation:
        processor.work(1)
        TestClient(app).get(path)
    assert cpu(invocation) == 1
    assert invocation.worst().cpu_ms == 4_000


# certificates


def test_certificates_are_told_apart_and_count(processor: Processor, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: ssl.SSLContext, __: str) -> None:
        processor.work(3)

    def load_default(context: ssl.SSLContext) -> None:
        processor.work(1)
        context.load_verify_locations("")

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", load, raising=False)
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", load_default)
    with opened(processor) as invocation:
        processor.work(0.5)
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_default_certs()
    assert (cpu(invocation), invocation.account.certificates) == (4.5, 4)


# what is replaced


def test_nothing_is_replaced_before_and_after() -> None:
    places = [
        (asyncio.Handle, "_run"),
        (asyncio.BaseEventLoop, "create_task"),
        (threading.Thread, "start"),
        (ThreadPoolExecutor, "submit"),
        (ThreadPool, "map"),
        (anyio.to_thread, "get_async_backend"),
        (trio._threads, "start_thread_soon"),
        (ssl.SSLContext, "load_verify_locations"),
        (ssl.SSLContext, "load_default_certs"),
    ]
    before = [vars(owner).get(name) for owner, name in places]
    with Invocation(Limits.none()), Invocation(Limits.none()):
        assert all(vars(owner)[name] is not original for (owner, name), original in zip(places, before, strict=True))
    assert [vars(owner).get(name) for owner, name in places] == before


def test_what_somebody_else_has_replaced_since_is_left_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        """Somebody's class."""

        def name(self) -> str:
            return "original"

    class Derived(Library):
        """One that inherits."""

    replaced = Replaced()
    replaced(Library, "name", lambda original: lambda self: f"ours over {original(self)}")
    replaced(Derived, "name", lambda original: lambda self: f"also {original(self)}")
    assert (Library().name(), Derived().name()) == ("ours over original", "also ours over original")
    ours = Library.name
    monkeypatch.setattr(Library, "name", lambda self: f"theirs over {ours(self)}")
    replaced.restore()
    assert Library().name() == "theirs over ours over original"
    assert "name" not in vars(Derived)


def layered(name: str) -> Callable[[Any], Any]:
    """Make a method that says its own name and then what it replaced says."""

    def make(original: Any) -> Any:
        return lambda self: [name, *original(self)]

    return make


@pytest.mark.parametrize("first_ended", ["a", "b"])
def test_two_that_replace_the_same_put_it_back_in_any_order(first_ended: str) -> None:
    class Thing:
        def say(self) -> list[str]:
            return []

    original = Thing.say
    both = {"a": Replaced(), "b": Replaced()}
    for _ in range(3):  # what is left behind must not be replaced again and again
        for name, replaced in both.items():
            replaced(Thing, "say", layered(name))
        assert Thing().say() == ["b", "a"]
        both[first_ended].restore()
        both["b" if first_ended == "a" else "a"].restore()
        assert Thing.say is original


def test_what_somebody_puts_back_later_is_not_replaced_on_top() -> None:
    class Thing:
        def say(self) -> list[str]:
            return []

    original, replaced = Thing.say, Replaced()
    replaced(Thing, "say", layered("ours"))
    ours = Thing.say
    setattr(Thing, "say", lambda _: ["theirs"])  # noqa: B010 - as monkeypatch does
    replaced.restore()
    assert Thing().say() == ["theirs"]
    setattr(Thing, "say", ours)  # noqa: B010
    replaced(Thing, "say", layered("ours anew"))
    assert Thing().say() == ["ours anew"]
    replaced.restore()
    assert Thing.say is original


def test_a_thread_starts_as_ever_after_invocations_that_measure_all() -> None:
    start = threading.Thread.start
    for _ in range(3):
        with Invocation(Limits.none().replace(memory="64 MB", cpu_ms=5_000)):
            thread = threading.Thread(target=int)
            thread.start()
            thread.join()
    assert threading.Thread.start is start
