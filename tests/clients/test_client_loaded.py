"""A mock's response is handed out as the mock made it; that it is read or closed is seen all the same."""

import copy
import gc
import pickle
from typing import Any

import pytest

from tests.clients.kit import Kit, guarded, rules, settled


def answering(kit: Kit, response: Any) -> Any:
    async def handle(_: Any) -> Any:
        return response

    return kit.mock(handle)


async def opened(kit: Kit, response: Any) -> Any:
    async with kit.client(answering(kit, response)) as client:
        return await kit.opened(client, "http://mock/")


async def read(kit: Kit, response: Any) -> Any:
    return await kit.read(response)


async def close(kit: Kit, response: Any) -> Any:
    return await kit.close(response)


async def read_in_parts(kit: Kit, response: Any) -> Any:
    assert [part async for part in kit.parts(response, "iter_bytes", 3)] == [b"hel", b"lo"]


async def read_lines(kit: Kit, response: Any) -> Any:
    assert [part async for part in kit.parts(response, "iter_lines")] == ["hello"]


async def close_unless_closed(kit: Kit, response: Any) -> Any:
    """Of a response that says that it is closed, nothing is left to close."""
    if not response.is_closed:
        await kit.close(response)


@pytest.mark.parametrize("end", [read, close, read_in_parts, read_lines, close_unless_closed])
def test_a_loaded_response_that_is_read_or_closed_gives_its_place_back(kit: Kit, end: Any) -> None:
    async def scenario() -> None:
        response = await opened(kit, kit.library.Response(200, text="hello"))
        (holder,) = invocation.connections.holders
        await end(kit, response)
        assert holder.state == "closed"
        assert type(response) is kit.library.Response
        assert response.text == "hello"

    with guarded() as invocation:
        kit.run(scenario)
    assert rules(invocation) == []


def test_a_loaded_response_stays_the_object_that_the_mock_made(kit: Kit) -> None:
    """Streamed, its content may be asked for at once: what passes without the guard passes with it."""
    made = kit.library.Response(200, json={"name": "one"})

    async def scenario() -> None:
        response = await opened(kit, made)
        assert response is made
        assert response.json() == {"name": "one"}
        assert made.request.url == "http://mock/"
        await kit.close(response)

    with guarded() as invocation:
        kit.run(scenario)
    assert rules(invocation) == []


def test_asking_for_the_content_of_a_streamed_response_does_not_read_it(kit: Kit) -> None:
    """Over a network there would be none yet."""

    async def scenario() -> Any:
        response = await opened(kit, kit.library.Response(200, text="hello"))
        assert response.text == "hello"
        return response

    with guarded() as invocation:
        kit.run(scenario)
    assert rules(invocation) == ["unread-body"]


def test_a_loaded_response_that_is_left_in_the_middle_is_unread(kit: Kit) -> None:
    async def scenario() -> Any:
        response = await opened(kit, kit.library.Response(200, text="hello"))
        parts = kit.parts(response, "iter_bytes", 1)
        assert await anext(parts) == b"h"
        await parts.aclose()  # type: ignore[attr-defined]
        return response

    with guarded() as invocation:
        kit.run(scenario)
    assert rules(invocation) == ["unread-body"]


def test_a_loaded_response_that_nobody_holds_gives_its_place_back_unread(kit: Kit) -> None:
    async def scenario() -> None:
        await opened(kit, kit.library.Response(200, text="hello"))
        gc.collect()
        assert invocation.connections.holders == ()

    with guarded() as invocation:
        kit.run(scenario)
    assert rules(invocation) == ["unread-body"]


def test_a_loaded_response_whose_place_was_taken_cannot_be_read(kit: Kit) -> None:
    async def scenario() -> None:
        held = [await opened(kit, kit.library.Response(200, text="hello")) for _ in range(7)]
        with pytest.raises(kit.library.ReadError, match="Response closed due to connection limit"):
            await kit.read(held[0])
        for response in held[1:]:
            assert await kit.read(response) == b"hello"

    with guarded() as invocation:
        kit.run(scenario)
    assert rules(invocation) == ["connections"]


def test_copies_of_a_loaded_response_are_nobodys(kit: Kit) -> None:
    async def scenario() -> None:
        response = await opened(kit, kit.library.Response(200, text="hello"))
        for copied in (copy.copy(response), pickle.loads(pickle.dumps(response))):  # noqa: S301 - our own
            assert type(copied) is kit.library.Response
            assert copied.text == "hello"
            assert copied.read() == b"hello"
        assert len(invocation.connections.holders) == 1
        await kit.close(response)

    with guarded() as invocation:
        kit.run(scenario)
    assert rules(invocation) == []


def test_one_object_for_many_requests_is_watched_for_each(kit: Kit) -> None:
    made = kit.library.Response(200, text="hello")

    async def scenario() -> list[Any]:
        held = [await opened(kit, made) for _ in range(4)]
        assert held[0] is made
        assert {response.text for response in held} == {"hello"}
        for response in held[::2]:
            await kit.read(response)
        return held

    with guarded() as invocation:
        kit.run(scenario)
    assert rules(invocation) == ["unread-body"]
    assert invocation.violations[0].observed == 2


def test_a_transport_may_look_at_the_content_of_what_a_mock_in_it_answers(kit: Kit) -> None:
    library: Any = kit.library

    class Looking(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[misc]
        def __init__(self) -> None:
            self.inner = answering(kit, library.Response(200, json={"error": None}))

        def handle_request(self, request: Any) -> Any:
            response = self.inner.handle_request(request)
            assert response.json() == {"error": None}
            return response

        async def handle_async_request(self, request: Any) -> Any:
            response = await self.inner.handle_async_request(request)
            assert response.json() == {"error": None}
            return response

    async def scenario() -> None:
        async with kit.client(Looking()) as client:
            assert (await settled(client.get("http://mock/"))).json() == {"error": None}

    with guarded() as invocation:
        kit.run(scenario)
    assert rules(invocation) == []
    assert invocation.statistics().subrequests == 1
