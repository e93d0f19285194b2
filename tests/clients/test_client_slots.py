"""Who gets one of the six places, who waits for one, and who must give one up."""

import asyncio
import gc
import sys
import threading
from typing import Any

import anyio
import pytest
import trio

from pytest_cfworkers import Limits
from tests.clients.kit import Kit, guarded, rules, run_by_hand, settled, until, until_async

BODY = Limits.plan("paid")
HEADERS = BODY.replace(connection_model="headers")

# httpx leaves the generators of a body that is broken off to the collector, and trio says so.
pytestmark = pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")


class Held:
    """A mock whose answers wait until each is let go, by path."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self.gates = {f"/{number}": kit.gate() for number in range(10)}
        self.arrived: list[str] = []

    async def handle(self, request: Any) -> Any:
        self.arrived.append(request.url.path)
        await self.gates[request.url.path].wait()
        return self._kit.library.Response(200, text="hello")

    def let_go(self, number: int) -> None:
        self.gates[f"/{number}"].open()


def test_twenty_mocked_at_once_peak_at_twenty(async_kit: Kit) -> None:
    """A mock answers without suspending, so without a checkpoint each would be over before the next begins."""

    async def scenario() -> None:
        async with async_kit.client(async_kit.mock()) as client:
            await async_kit.gather(*[lambda: client.get("http://mock/")] * 20)

    with guarded() as invocation:
        async_kit.run(scenario)
    assert invocation.statistics().peak_connections == 20
    assert rules(invocation) == ["connections"]
    assert invocation.violations[0].observed == 20


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.11 has no eager tasks")
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_twenty_in_eager_tasks_peak_at_twenty(library: str) -> None:
    """An eager task runs before the next one is made, so nothing is ready yet when it could give way."""
    kit = Kit(pytest.importorskip(library), "asyncio")

    async def scenario() -> None:
        asyncio.get_running_loop().set_task_factory(getattr(asyncio, "eager_task_factory"))  # noqa: B009 - 3.12
        async with kit.client(kit.mock()) as client:
            await asyncio.gather(*(client.get("http://mock/") for _ in range(20)))

    with guarded() as invocation:
        kit.run(scenario)
    assert invocation.statistics().peak_connections == 20


def test_twenty_in_threads_peak_at_twenty(sync_kit: Kit) -> None:
    held = Held(sync_kit)

    async def scenario() -> None:
        async with sync_kit.client(sync_kit.mock(held.handle)) as client:
            threads = [threading.Thread(target=client.get, args=("http://mock/0",)) for _ in range(20)]
            for thread in threads:
                thread.start()
            until(lambda: invocation.statistics().connections == 20)
            held.let_go(0)
            for thread in threads:
                thread.join()

    with guarded() as invocation:
        sync_kit.run(scenario)
    assert invocation.statistics().peak_connections == 20
    assert invocation.statistics().queued == 14
    assert held.arrived == ["/0"] * 20


def test_one_after_another_peak_at_one(kit: Kit) -> None:
    async def scenario() -> None:
        async with kit.client(kit.mock()) as client:
            for _ in range(20):
                await settled(client.get("http://mock/"))

    with guarded() as invocation:
        kit.run(scenario)
    assert invocation.statistics().peak_connections == 1
    assert invocation.statistics().subrequests == 20
    assert rules(invocation) == []


def test_six_at_once_are_fine(async_kit: Kit) -> None:
    async def scenario() -> None:
        async with async_kit.client(async_kit.mock()) as client:
            await async_kit.gather(*[lambda: client.get("http://mock/")] * 6)

    with guarded() as invocation:
        async_kit.run(scenario)
    assert invocation.statistics().peak_connections == 6
    assert rules(invocation) == []


def test_the_seventh_waits_and_the_queue_is_first_in_first_out(kit: Kit) -> None:
    held = Held(kit)
    responses: list[Any] = []

    async def scenario() -> None:
        async with kit.client(kit.mock(held.handle)) as client:

            async def send(number: int) -> None:
                await kit.until(lambda: invocation.statistics().connections == number)
                responses.append(await settled(client.get(f"http://mock/{number}")))

            async def direct() -> None:
                await kit.until(lambda: len(invocation.connections.queue) == 3 and len(held.arrived) == 6)
                for arrived, number in enumerate((4, 0, 2), start=7):
                    held.let_go(number)
                    await kit.until(lambda arrived=arrived: len(held.arrived) == arrived)  # type: ignore[misc]
                for number in range(10):
                    held.let_go(number)

            await kit.gather(direct, *[lambda number=number: send(number) for number in range(9)])

    with guarded() as invocation:
        kit.run(scenario)
    assert held.arrived[6:] == ["/6", "/7", "/8"]
    assert [response.status_code for response in responses] == [200] * 9
    assert rules(invocation) == ["connections"]
    assert invocation.statistics().queued == 3


def test_when_only_recorded_nobody_waits(kit: Kit) -> None:
    """`enforce=False` watches and changes no outcome: seven unread bodies stay readable."""

    async def scenario() -> list[bytes]:
        async with kit.client(kit.mock()) as client:
            opened = [await kit.opened(client, "http://mock/") for _ in range(7)]
            return [await kit.read(response) for response in opened]

    with guarded(enforce=False) as invocation:
        assert kit.run(scenario) == [b"hello"] * 7
    assert invocation.statistics().queued == 0
    assert rules(invocation) == ["connections"]


def test_the_least_recently_used_unread_body_is_evicted(kit: Kit) -> None:
    """The first body was used last of all, so the second one goes; its next read says why."""

    async def scenario() -> None:
        async def handle(_: Any) -> Any:
            return kit.library.Response(200, stream=kit.body(b"one", b"two"))

        async with kit.client(kit.mock(handle)) as client:
            opened = [await kit.opened(client, "http://mock/") for _ in range(6)]
            first = kit.parts(opened[0])
            assert await anext(first) == b"one"
            seventh = await settled(client.get("http://mock/seven"))
            assert seventh.content == b"onetwo"
            with pytest.raises(kit.library.ReadError, match=r"^Response closed due to connection limit$") as caught:
                await kit.read(opened[1])
            assert caught.value.request.url == "http://mock/"
            assert [part async for part in first] == [b"two"]
            for response in opened[2:]:
                assert await kit.read(response) == b"onetwo"
            await kit.close(opened[1])

    with guarded() as invocation:
        kit.run(scenario)
    assert invocation.statistics().evicted == 1
    assert rules(invocation) == ["connections"]


def test_a_body_that_is_evicted_half_read_ends_there(kit: Kit) -> None:
    closed: list[str] = []

    async def handle(request: Any) -> Any:
        path = request.url.path
        return kit.library.Response(200, stream=kit.body(b"one", b"two", closed=lambda: closed.append(path)))

    async def scenario() -> None:
        async with kit.client(kit.mock(handle)) as client:
            responses = [await kit.opened(client, f"http://mock/{number}") for number in range(6)]
            bodies = [kit.parts(response) for response in responses]
            assert [await anext(body) for body in bodies] == [b"one"] * 6
            await settled(client.get("http://mock/seven"))
            assert closed == ["/0", "/seven"]
            with pytest.raises(kit.library.ReadError, match="connection limit"):
                await anext(bodies[0])
            for response in responses:
                await kit.close(response)
            for body in bodies:
                await body.aclose()  # type: ignore[attr-defined]  # asynchronous generators

    with guarded() as invocation:
        kit.run(scenario)
    assert invocation.statistics().evicted == 1
    gc.collect(1)


def test_a_body_over_the_network_is_evicted(kit: Kit, server: Any) -> None:
    async def scenario() -> None:
        async with kit.client(timeout=10) as client:
            opened = [await kit.opened(client, f"{server.url}/large") for _ in range(6)]
            assert (await settled(client.get(f"{server.url}/plain"))).text == "hello"
            with pytest.raises(kit.library.ReadError, match="Response closed due to connection limit"):
                await kit.read(opened[0])
            for response in opened:
                await kit.close(response)

    with guarded() as invocation:
        kit.run(scenario)
    assert rules(invocation) == ["connections"]


def test_headers_free_the_place_in_the_model_of_that_name(kit: Kit) -> None:
    async def scenario() -> None:
        async with kit.client(kit.mock()) as client:
            opened = [await kit.opened(client, "http://mock/") for _ in range(20)]
            for response in opened:
                assert await kit.read(response) == b"hello"

    with guarded(HEADERS) as invocation:
        kit.run(scenario)
    assert invocation.statistics().peak_connections == 1
    assert rules(invocation) == []


def test_waiting_for_headers_holds_the_place_in_either_model(kit: Kit) -> None:
    held = Held(kit)

    async def scenario() -> None:
        async with kit.client(kit.mock(held.handle)) as client:

            async def direct() -> None:
                await kit.until(lambda: invocation.statistics().connections == 7)
                held.let_go(0)

            await kit.gather(direct, *[lambda: settled(client.get("http://mock/0"))] * 7)

    with guarded(HEADERS) as invocation:
        kit.run(scenario)
    assert invocation.statistics().peak_connections == 7
    assert rules(invocation) == ["connections"]


def test_a_pool_timeout_ends_the_wait(kit: Kit) -> None:
    held = Held(kit)

    async def scenario() -> None:
        timeout = kit.library.Timeout(10, pool=0.05)
        async with kit.client(kit.mock(held.handle), timeout=timeout) as client:

            async def seventh() -> None:
                await kit.until(lambda: len(held.arrived) == 6)
                with pytest.raises(kit.library.PoolTimeout) as caught:
                    await settled(client.get("http://mock/1"))
                assert caught.value.request.url == "http://mock/1"
                held.let_go(0)

            await kit.gather(seventh, *[lambda: settled(client.get("http://mock/0"))] * 6)

    with guarded() as invocation:
        kit.run(scenario)
    assert rules(invocation) == ["connections", "queued-timeout"]
    assert "/1" not in held.arrived
    assert invocation.connections.queue == ()


@pytest.mark.parametrize("how", ["timeout", "wait_for", "timeout around gather", "fail_after", "move_on_after"])
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("mode", ["asyncio", "trio"])
def test_a_deadline_around_a_request_that_waits_is_its_timeout(mode: Any, library: str, how: str) -> None:
    kit = Kit(pytest.importorskip(library), mode)
    if mode == "trio" and how not in {"fail_after", "move_on_after"}:
        pytest.skip("asyncio's own")
    held = Held(kit)

    async def seventh(client: Any) -> None:
        await until_async(lambda: len(held.arrived) == 6)
        if how == "timeout":
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.get("http://mock/1")
        elif how == "timeout around gather":
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await asyncio.gather(client.get("http://mock/1"))
        elif how == "wait_for":
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.get("http://mock/1"), 0.05)
        elif mode == "trio":
            with trio.move_on_after(0.05) if how == "move_on_after" else pytest.raises(trio.TooSlowError):
                with trio.fail_after(0.05 if how == "fail_after" else 9):
                    await client.get("http://mock/1")
        else:
            with anyio.move_on_after(0.05) if how == "move_on_after" else pytest.raises(TimeoutError):
                with anyio.fail_after(0.05 if how == "fail_after" else 9):
                    await client.get("http://mock/1")
        held.let_go(0)

    async def scenario() -> None:
        async with kit.client(kit.mock(held.handle), timeout=None) as client:
            await kit.gather(lambda: seventh(client), *[lambda: client.get("http://mock/0")] * 6)

    with guarded() as invocation:
        kit.run(scenario)
    assert rules(invocation) == ["connections", "queued-timeout"]


def test_a_cancelled_wait_is_no_timeout(async_kit: Kit) -> None:
    held = Held(async_kit)

    async def scenario() -> None:
        async with async_kit.client(async_kit.mock(held.handle)) as client, anyio.create_task_group() as tasks:
            for _ in range(6):
                tasks.start_soon(client.get, "http://mock/0")
            await until_async(lambda: len(held.arrived) == 6)
            async with anyio.create_task_group() as inner:
                inner.start_soon(client.get, "http://mock/1")
                await until_async(lambda: len(invocation.connections.queue) == 1)
                inner.cancel_scope.cancel()
            assert invocation.connections.queue == ()
            held.let_go(0)

    with guarded() as invocation:
        async_kit.run(scenario)
    assert rules(invocation) == ["connections"]


def test_one_thread_that_holds_every_place_waiting_for_headers_is_let_through(sync_kit: Kit) -> None:
    """A handler that itself sends, seven deep: nobody else could free a place, so the test must go on."""
    client: Any = None

    def handle(request: Any) -> Any:
        deeper = int(request.url.path[1:]) - 1
        if deeper:
            run_by_hand(settled(client.get(f"http://mock/{deeper}")))
        return sync_kit.library.Response(200, text="hello")

    async def scenario() -> None:
        nonlocal client
        async with sync_kit.client(sync_kit.library.MockTransport(handle)) as client:
            assert client.get("http://mock/9").text == "hello"

    with guarded() as invocation:
        sync_kit.run(scenario)
    assert invocation.connections.holders == ()


def test_a_limit_that_is_off_lets_all_through(async_kit: Kit) -> None:
    async def scenario() -> None:
        async with async_kit.client(async_kit.mock()) as client:
            await async_kit.gather(*[lambda: client.get("http://mock/")] * 30)

    with guarded(BODY.replace(connections=None)) as invocation:
        async_kit.run(scenario)
    assert invocation.statistics().peak_connections == 30
    assert invocation.statistics().queued == 0
    assert rules(invocation) == []
