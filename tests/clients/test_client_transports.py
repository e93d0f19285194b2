"""Every transport is seen, whoever made the client; and each hop of a redirect is a subrequest."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import anyio
import pytest

from pytest_cfworkers import Limits
from tests.clients.kit import Kit, guarded, rules, run_by_hand, settled
from tests.clients.loopback import Loopback


def count(invocation: Any) -> int:
    subrequests: int = invocation.statistics().subrequests
    return subrequests


def answering(kit: Kit, response: Any) -> Any:
    """A mock with one answer."""

    async def handle(_: Any) -> Any:
        return response

    return kit.mock(handle)


def by_hand(parts: Any) -> Any:
    """An iterator over an asynchronous one that never suspends."""
    while True:
        try:
            yield run_by_hand(anext(parts))
        except StopAsyncIteration:
            return


def test_a_transport_of_a_class_of_its_own(kit: Kit) -> None:
    async def handle(_: Any) -> Any:
        return kit.library.Response(200, text="own")

    async def scenario() -> None:
        async with kit.client(kit.transport(handle)) as client:
            assert (await settled(client.get("http://mock/"))).text == "own"

    with guarded() as invocation:
        kit.run(scenario)
    assert count(invocation) == 1


def test_mounted_transports(kit: Kit) -> None:
    async def scenario() -> None:
        async with kit.client(kit.mock(), mounts={"all://mounted": kit.mock(), "all://none": None}) as client:
            await settled(client.get("http://mounted/"))
            await settled(client.get("http://other/"))

    with guarded() as invocation:
        kit.run(scenario)
    assert count(invocation) == 2


@pytest.mark.parametrize("method", ["get", "head", "options", "delete", "post", "put", "patch"])
def test_top_level_functions(sync_kit: Kit, server: Loopback, method: str) -> None:
    send = getattr(sync_kit.library, method)
    with guarded() as invocation:
        assert send(f"{server.url}/plain", trust_env=False, verify=False).status_code == 200
    assert count(invocation) == 1
    assert invocation.connections.closed[0].site.frames[0].path == __file__


def test_the_top_level_stream(sync_kit: Kit, server: Loopback) -> None:
    with guarded() as invocation:
        with sync_kit.library.stream("GET", f"{server.url}/chunked", trust_env=False, verify=False) as response:
            assert invocation.connections.holders
            assert response.read() == b"one two three"
        assert invocation.connections.holders == ()
    assert rules(invocation) == []


def test_each_hop_of_a_redirect_is_a_subrequest(kit: Kit, server: Loopback) -> None:
    async def scenario() -> None:
        async with kit.client(follow_redirects=True) as client:
            assert (await settled(client.get(f"{server.url}/redirect/3"))).text == "hello"

    with guarded(Limits.plan().replace(subrequests=3)) as invocation:
        kit.run(scenario)
    assert count(invocation) == len(server.seen) == 4
    assert rules(invocation) == ["subrequests"]
    assert invocation.statistics().peak_connections == 1


def test_each_step_of_an_authentication_is_a_subrequest(kit: Kit, server: Loopback) -> None:
    async def scenario() -> None:
        async with kit.client(auth=kit.library.DigestAuth("user", "password")) as client:
            assert (await settled(client.get(f"{server.url}/basic"))).text == "welcome"

    with guarded() as invocation:
        kit.run(scenario)
    assert count(invocation) == len(server.seen) == 2


def test_settings_of_the_client_do_not_change_the_count(async_kit: Kit, server: Loopback) -> None:
    """`httpx.Limits` pools sockets; on Workers each request is a fetch all the same."""

    async def scenario() -> None:
        limits = async_kit.library.Limits(max_connections=2)
        async with async_kit.client(limits=limits, timeout=10) as client:
            await async_kit.gather(*[lambda: client.get(f"{server.url}/plain")] * 9)

    with guarded() as invocation:
        async_kit.run(scenario)
    assert invocation.statistics().peak_connections == 9
    assert len(server.seen) == 9


def test_a_streamed_upload_is_sent_once(kit: Kit, server: Loopback) -> None:
    async def scenario() -> None:
        async def parts() -> Any:
            yield b"some "
            yield b"parts"

        async with kit.client() as client:
            content = parts() if kit.asynchronous else iter([b"some ", b"parts"])
            await settled(client.post(f"{server.url}/echo", content=content))

    with guarded() as invocation:
        kit.run(scenario)
    assert server.bodies == [b"some parts"]
    assert count(invocation) == 1


@pytest.mark.parametrize("bottom", ["network", "mock", "custom"])
@pytest.mark.parametrize("times", [1, 5])
def test_a_request_that_an_upload_is_made_of_counts_beside_it(
    kit: Kit, server: Loopback, bottom: str, times: int
) -> None:
    """One stream is piped into another: while the upload asks for its parts, both are open."""

    async def handle(request: Any) -> Any:
        seen = await request.aread() if kit.asynchronous else request.read()
        return kit.library.Response(200, content=seen)

    transports: dict[str, Callable[[], Any]] = {
        "network": lambda: None,
        "mock": lambda: kit.mock(handle),
        "custom": lambda: kit.transport(handle),
    }
    gates = [kit.gate() for _ in range(times)]

    async def copied(client: Any, number: int) -> None:
        source = kit.library.Response(200, stream=kit.body(b"one ", b"two"))
        async with kit.client(answering(kit, source)) as other:

            async def parts() -> AsyncIterator[bytes]:
                response = await kit.opened(other, "http://source/")
                gates[number].open()
                for gate in gates:
                    await gate.wait()
                async for part in kit.parts(response):
                    yield part

            content = parts() if kit.asynchronous else by_hand(parts())
            request = client.build_request("PUT", f"{server.url}/echo", content=content)
            stream = request.stream
            assert (await settled(client.send(request))).status_code == 200
            assert request.stream is stream or bottom != "network"

    async def scenario() -> None:
        async with kit.client(transports[bottom]()) as client:
            await kit.gather(*[partial(copied, client, number) for number in range(times)])

    with guarded(Limits.plan().replace(connections=20)) as invocation:
        kit.run(scenario)
    assert count(invocation) == 2 * times
    assert invocation.statistics().peak_connections == 2 * times
    assert rules(invocation) == []


def test_an_upload_that_waits_for_a_request_does_not_keep_its_place_from_it(kit: Kit) -> None:
    """The request is let beyond the limit: it would wait for ever for what waits for it."""

    async def handle(request: Any) -> Any:
        return kit.library.Response(200, content=await request.aread() if kit.asynchronous else request.read())

    async def scenario() -> None:
        async with kit.client(kit.mock(handle)) as client, kit.client(kit.mock()) as other:

            async def parts() -> AsyncIterator[bytes]:
                yield (await settled(other.get("http://source/"))).content

            content = parts() if kit.asynchronous else by_hand(parts())
            assert (await settled(client.put("http://mock/", content=content))).text == "hello"

    with guarded(Limits.plan().replace(connections=1)) as invocation:
        kit.run(scenario)
    assert count(invocation) == 2
    assert rules(invocation) == ["connections"]
    assert invocation.statistics().queued == 0


def test_what_making_a_body_has_started_and_left_behind_waits_as_others_do(async_kit: Kit) -> None:
    async def handle(request: Any) -> Any:
        return async_kit.library.Response(200, content=await request.aread())

    async def scenario() -> None:
        gate = async_kit.gate()

        async def work() -> None:
            await gate.wait()
            async with async_kit.client(async_kit.mock()) as client:
                await async_kit.gather(*[lambda: client.get("http://mock/")] * 7)

        async def parts() -> AsyncIterator[bytes]:
            tasks.start_soon(work)
            yield b"all of it"

        async with anyio.create_task_group() as tasks, async_kit.client(async_kit.mock(handle)) as client:
            await client.put("http://mock/", content=parts())
            gate.open()

    with guarded() as invocation:
        async_kit.run(scenario)
    assert count(invocation) == 1 + 7
    assert invocation.statistics().queued == 1


def test_a_transport_sees_the_stream_of_an_upload_as_it_is(kit: Kit) -> None:
    library: Any = kit.library

    async def handle(request: Any) -> Any:
        assert isinstance(request.stream, library.AsyncByteStream) is kit.asynchronous
        assert isinstance(request.stream, library.SyncByteStream) is not kit.asynchronous
        assert request.stream.note == "of the user's own"
        return library.Response(200)

    class Stream(library.AsyncByteStream if kit.asynchronous else library.SyncByteStream):  # type: ignore[misc]
        note = "of the user's own"

    async def scenario() -> None:
        async with kit.client(kit.transport(handle)) as client:
            request = library.Request("PUT", "http://mock/", stream=Stream())
            await settled(client.send(request))
            assert type(request.stream) is Stream

    with guarded() as invocation:
        kit.run(scenario)
    assert count(invocation) == 1


def test_nothing_is_counted_outside_of_an_invocation_or_while_it_is_paused(kit: Kit) -> None:
    async def scenario() -> None:
        async with kit.client(kit.mock()) as client:
            await settled(client.get("http://mock/"))

    with guarded() as invocation:
        with invocation.paused():
            kit.run(scenario)
        kit.run(scenario)
    kit.run(scenario)
    assert count(invocation) == 1


def test_secrets_of_a_url_are_not_told(kit: Kit) -> None:
    async def scenario() -> None:
        async with kit.client(kit.mock()) as client:
            await settled(client.get("http://user:secret@mock/path?token=secret#secret"))

    with guarded() as invocation:
        kit.run(scenario)
    assert str(invocation.connections.closed[0].label) == "GET http://mock/path"
