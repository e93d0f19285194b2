"""However a request ends, its place comes back; and only a body that is left unread is called unread."""

import gc
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from pytest_cfworkers import Limits
from tests.clients.kit import Kit, guarded, rules, settled, until, until_async
from tests.clients.loopback import Loopback

# httpx leaves the generators of a body that is broken off to the collector, and trio says so.
pytestmark = pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")

ROUNDS = 7
"""More rounds than there are places: a place that does not come back shows."""

Ending = Callable[[Kit, Any, str], Awaitable[None]]


async def read(_: Kit, client: Any, url: str) -> None:
    assert (await settled(client.get(f"{url}/plain"))).text == "hello"


async def error_status(kit: Kit, client: Any, url: str) -> None:
    response = await settled(client.get(f"{url}/status/500"))
    with pytest.raises(kit.library.HTTPStatusError):
        response.raise_for_status()


async def transport_error(kit: Kit, client: Any, url: str) -> None:
    with pytest.raises(kit.library.TransportError):
        await settled(client.get(f"{url}/hang-up"))


async def reset(kit: Kit, client: Any, url: str) -> None:
    with pytest.raises(kit.library.TransportError):
        await settled(client.get(f"{url}/reset"))


async def nonsense(kit: Kit, client: Any, url: str) -> None:
    with pytest.raises(kit.library.RemoteProtocolError):
        await settled(client.get(f"{url}/nonsense"))


async def truncated(kit: Kit, client: Any, url: str) -> None:
    with pytest.raises(kit.library.RemoteProtocolError):
        await settled(client.get(f"{url}/truncated"))


async def connect_failure(kit: Kit, client: Any, _: str) -> None:
    with pytest.raises(kit.library.ConnectError):
        await settled(client.get("http://127.0.0.1:1/"))


async def timeout_for_headers(kit: Kit, client: Any, url: str) -> None:
    with pytest.raises(kit.library.ReadTimeout):
        await settled(client.get(f"{url}/slow-headers", timeout=kit.library.Timeout(5, read=0.01)))


async def timeout_for_body(kit: Kit, client: Any, url: str) -> None:
    response = await kit.opened(client, f"{url}/slow-body")
    response.request.extensions["timeout"]["read"] = 0.01  # for the body alone: headers may be late on a busy machine
    with pytest.raises(kit.library.ReadTimeout):
        await kit.read(response)


async def closed_early(kit: Kit, client: Any, url: str) -> None:
    await kit.close(await kit.opened(client, f"{url}/large"))


async def broken_off(kit: Kit, client: Any, url: str) -> None:
    response = await kit.opened(client, f"{url}/large")
    parts = kit.parts(response)
    assert await anext(parts)
    await parts.aclose()  # type: ignore[attr-defined]  # an asynchronous generator
    await kit.close(response)


async def undecodable(kit: Kit, client: Any, url: str) -> None:
    with pytest.raises(kit.library.DecodingError):
        await settled(client.get(f"{url}/not-gzip"))


async def iterated(kit: Kit, client: Any, url: str) -> None:
    response = await kit.opened(client, f"{url}/chunked")
    assert b"".join([part async for part in kit.parts(response)]) == b"one two three"


async def raw(kit: Kit, client: Any, url: str) -> None:
    response = await kit.opened(client, f"{url}/gzip")
    assert [part async for part in kit.parts(response, "iter_raw")]


async def nothing_to_read(kit: Kit, client: Any, url: str) -> None:
    """Not read and not closed, but there is nothing to read."""
    for path, method in (("status/204", "GET"), ("status/304", "GET"), ("empty", "GET"), ("plain", "HEAD")):
        await kit.opened(client, f"{url}/{path}", method=method)


async def endless_redirects(kit: Kit, client: Any, url: str) -> None:
    with pytest.raises(kit.library.TooManyRedirects):
        await settled(client.get(f"{url}/loop", follow_redirects=True))


async def refused_redirect(kit: Kit, client: Any, url: str) -> None:
    with pytest.raises(kit.library.RemoteProtocolError):
        await settled(client.get(f"{url}/away", follow_redirects=True))


async def refused_scheme(kit: Kit, client: Any, _: str) -> None:
    """Never sent, so it is no subrequest."""
    with pytest.raises(kit.library.UnsupportedProtocol):
        await settled(client.get("ftp://127.0.0.1/file"))


async def redirects_not_followed(_: Kit, client: Any, url: str) -> None:
    assert (await settled(client.get(f"{url}/redirect/1"))).next_request is not None


ENDINGS: tuple[tuple[Ending, int], ...] = (
    *((ending, 1) for ending in (read, error_status, transport_error, reset, nonsense, truncated, connect_failure)),
    *((ending, 1) for ending in (timeout_for_headers, timeout_for_body, closed_early, broken_off, undecodable)),
    *((ending, 1) for ending in (iterated, raw, refused_redirect, redirects_not_followed)),
    (refused_scheme, 0),
    (nothing_to_read, 4),
    (endless_redirects, 4),
)
"""Each with the number of its subrequests; clients follow three redirects."""


@pytest.mark.parametrize("model", ["body", "headers"])
@pytest.mark.parametrize(("ending", "subrequests"), ENDINGS, ids=[ending.__name__ for ending, _ in ENDINGS])
def test_the_place_comes_back(kit: Kit, server: Loopback, ending: Ending, subrequests: int, model: str) -> None:
    async def scenario() -> None:
        async with kit.client(timeout=5, max_redirects=3) as client:
            for _ in range(ROUNDS):
                await ending(kit, client, server.url)
                assert invocation.connections.holders == ()

    with guarded(Limits.plan().replace(connection_model=model)) as invocation:
        kit.run(scenario)
    statistics = invocation.statistics()
    assert rules(invocation) == []
    assert statistics.peak_connections == 1
    assert statistics.subrequests == subrequests * ROUNDS
    assert statistics.unread_bodies == 0


def test_the_place_of_a_cancelled_request_comes_back(async_kit: Kit, server: Loopback) -> None:
    async def scenario() -> None:
        async with async_kit.client(timeout=None) as client:
            for number in range(ROUNDS):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(client.get, f"{server.url}/slow-headers")
                    await anyio.to_thread.run_sync(until, lambda number=number: len(server.seen) == number + 1)
                    tasks.cancel_scope.cancel()
                assert invocation.connections.holders == ()

    with guarded() as invocation:
        async_kit.run(scenario)
    assert rules(invocation) == []
    assert invocation.statistics().subrequests == ROUNDS


def test_the_place_of_a_cancelled_reader_comes_back(async_kit: Kit, server: Loopback) -> None:
    async def read_slowly(client: Any, started: anyio.Event) -> None:
        async with client.stream("GET", f"{server.url}/slow-body") as response:
            parts = response.aiter_bytes()
            await anext(parts)
            started.set()
            await anext(parts)

    async def scenario() -> None:
        async with async_kit.client(timeout=None) as client:
            for _ in range(ROUNDS):
                started = anyio.Event()
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(read_slowly, client, started)
                    await started.wait()
                    tasks.cancel_scope.cancel()
                assert invocation.connections.holders == ()

    with guarded() as invocation:
        async_kit.run(scenario)
    assert rules(invocation) == []


def test_the_place_of_a_response_that_nobody_holds_comes_back_and_its_body_was_unread(kit: Kit) -> None:
    async def handle(_: Any) -> Any:
        return kit.library.Response(200, stream=kit.body(b"one"))

    async def scenario() -> None:
        async with kit.client(kit.mock(handle)) as client:
            for _ in range(6):
                await kit.opened(client, "http://mock/")
            gc.collect()
            assert invocation.connections.holders == ()
            assert (await settled(client.get("http://mock/"))).text == "one"

    with guarded() as invocation:
        kit.run(scenario)
    assert rules(invocation) == ["unread-body"]
    assert invocation.violations[0].observed == 6
    assert invocation.statistics().evicted == 0


@pytest.mark.parametrize("mocked", ["loaded", "streamed", "empty"])
@pytest.mark.parametrize("explicit", [True, False], ids=["GuardedTransport", "watch"])
def test_a_response_that_is_neither_read_nor_closed_is_an_unread_body(kit: Kit, *, mocked: str, explicit: bool) -> None:
    """Also one that a mock has loaded already or says nothing of: over a network there would be something to read.

    The line that sent it is named, and the request without its secrets.
    """
    from pytest_cfworkers.clients import dialects  # noqa: PLC0415 - only where it is asked for

    async def handle(_: Any) -> Any:
        bodies: dict[str, Any] = {"loaded": {"text": "one"}, "streamed": {"stream": kit.body(b"one")}, "empty": {}}
        return kit.library.Response(200, **bodies[mocked])

    async def scenario() -> Any:
        transport: Any = kit.mock(handle)
        if explicit:
            transport = dialects.of(kit.library.Request("GET", "http://any")).guarded(transport)
        async with kit.client(transport) as client:
            request = client.build_request("GET", "http://me:secret@mock/a%0Ab?token=secret#part")
            if kit.asynchronous:
                return await client.send(request, stream=True)
            return client.send(request, stream=True)

    with guarded() as invocation:
        response = kit.run(scenario)
    assert rules(invocation) == ["unread-body"]
    frame = invocation.violations[0].frames[0]
    assert (frame.path, frame.function) == (__file__, "scenario")
    assert frame.source().endswith("client.send(request, stream=True)")
    assert invocation.violations[0].evidence[-1].strip() == "for GET http://mock/a%0Ab"
    assert response.is_closed == (mocked != "streamed")


def test_a_mock_that_answers_with_one_object_is_seen_unread_each_time(kit: Kit) -> None:
    same = kit.library.Response(200, text="always the same object")

    async def handle(_: Any) -> Any:
        return same

    async def scenario() -> list[Any]:
        async with kit.client(kit.mock(handle)) as client:
            return [await kit.opened(client, "http://mock/") for _ in range(4)]

    with guarded() as invocation:
        kit.run(scenario)
    assert invocation.violations[0].observed == 4


def test_a_reset_within_the_body_frees_the_place(kit: Kit, server: Loopback) -> None:
    async def scenario() -> None:
        async with kit.client(timeout=5) as client:
            response = await kit.opened(client, f"{server.url}/reset-body")
            server.gate.set()
            with pytest.raises(kit.library.TransportError):
                await kit.read(response)
            assert invocation.connections.holders == ()

    with guarded() as invocation:
        kit.run(scenario)
    assert rules(invocation) == []


def test_a_body_that_is_broken_off_is_finished_as_the_library_would(async_kit: Kit) -> None:
    """httpx2 closes the generators of a body at once, httpx leaves them to the event loop; so does the guard."""
    finished: list[str] = []
    library: Any = async_kit.library

    class Stream(library.AsyncByteStream):  # type: ignore[misc]
        async def __aiter__(self) -> Any:
            try:
                yield b"one"
                yield b"two"
            finally:
                finished.append("finished")

    async def handle(_: Any) -> Any:
        return library.Response(200, stream=Stream())

    async def scenario() -> list[str]:
        async with async_kit.client(async_kit.mock(handle)) as client:
            response = await async_kit.opened(client, "http://mock/")
            parts = response.aiter_raw()
            assert await anext(parts) == b"one"
            await parts.aclose()
            seen = list(finished)
            await response.aclose()
            await until_async(lambda: True)
            return seen

    without = async_kit.run(scenario)
    finished.clear()
    with guarded():
        within = async_kit.run(scenario)
    if library.__name__ == "httpx2":
        assert within == without == ["finished"]
