"""Responses: read or closed, capped, and never silently an error."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from contextlib import aclosing

import httpx
import pytest

from repo_tracker.responses import (
    MAX_HOPS,
    BodyFormatError,
    BodyTooLargeError,
    StatusError,
    fetch_json,
    fetch_with_cleanup,
    stream_capped,
)

URL = "https://api.example/thing"


class Body(httpx.AsyncByteStream):
    """A body that notes how much of it was read, and whether it was closed."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts
        self.read = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.read += 1
            yield part

    async def aclose(self) -> None:
        self.closed = True


def client(*responses: httpx.Response) -> httpx.AsyncClient:
    """Return a client that gets each response in turn."""
    left = iter(responses)
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda _: next(left)))


async def test_the_response_that_is_handed_on_is_open_and_unread() -> None:
    body = Body(b"part")
    async with client(httpx.Response(200, stream=body)) as http, aclosing(await fetch_with_cleanup(http, URL)):
        assert (body.read, body.closed) == (0, False)
    assert body.closed


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (Body(b'{"message": "API rate limit exceeded"}'), "API rate limit exceeded"),
        (Body(b"<html>"), "Forbidden"),
        (Body(b"[]"), "Forbidden"),
        (Body(b"[" * 4000), "Forbidden"),
        (Body(b"x" * 5000, b"never"), "Forbidden"),
    ],
)
async def test_an_error_is_closed_and_says_status_reason_and_address(body: Body, reason: str) -> None:
    async with client(httpx.Response(403, stream=body, headers={"retry-after": "7"})) as http:
        with pytest.raises(StatusError, match=f"^403 {reason} from {URL}$") as caught:
            await fetch_with_cleanup(http, URL)
    assert body.closed
    assert body.read <= 1
    assert (caught.value.status, caught.value.headers["retry-after"], caught.value.transient) == (403, "7", False)


async def test_an_error_of_the_server_is_transient_and_expected_ones_are_none() -> None:
    async with client(httpx.Response(503), httpx.Response(304)) as http:
        with pytest.raises(StatusError) as caught:
            await fetch_json(http, URL)
        assert caught.value.transient
        response = await fetch_with_cleanup(http, URL, expected=(304,))
        await response.aclose()


def moved(body: Body | None = None) -> httpx.Response:
    return httpx.Response(301, headers={"location": "/new"}, stream=body or Body(b"moved"))


async def test_a_redirect_is_told_before_it_is_followed_and_its_body_is_not_read() -> None:
    body, hops = Body(b"x" * 1000, b"never"), []
    async with client(moved(body), moved(), httpx.Response(404)) as http:
        with pytest.raises(StatusError, match=r"404 Not Found from https://api\.example/new"):
            await fetch_with_cleanup(http, URL, redirected=lambda: hops.append(body.closed))
    assert hops == [True, True]
    assert body.read == 0


async def test_a_redirect_that_nobody_wants_to_pay_for_is_not_followed() -> None:
    def refuse() -> None:
        raise LookupError

    body = Body(b"moved")
    async with client(moved(body)) as http:
        with pytest.raises(LookupError):
            await fetch_with_cleanup(http, URL, redirected=refuse)
    assert body.closed


async def test_a_circle_of_redirects_ends() -> None:
    bodies = [Body(b"moved") for _ in range(MAX_HOPS + 1)]
    async with client(*map(moved, bodies)) as http:
        with pytest.raises(StatusError, match="301 Moved Permanently"):
            await fetch_with_cleanup(http, URL)
    assert all(body.closed for body in bodies)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "Tue, 24 Nov 2026 12:01:30 GMT", "date": "Tue, 24 Nov 2026 12:00:00 GMT"}, 90.0),
        ({"retry-after": "Tue, 24 Nov 2026 12:00:00 GMT", "date": "Tue, 24 Nov 2026 12:01:30 GMT"}, 0.0),
        ({"retry-after": "Tue, 24 Nov 2026 12:01:30 GMT"}, None),
        ({"retry-after": "Tue, 24 Nov 2026 12:01:30 -0000", "date": "Tue, 24 Nov 2026 12:00:00 GMT"}, None),
    ],
)
def test_how_long_to_wait_is_a_number_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert StatusError(status=503, reason="x", url=URL, headers=headers).retry_after == seconds


async def test_json_is_read_and_closed() -> None:
    body = Body(b'{"a"', b": 1}")
    async with client(httpx.Response(200, stream=body)) as http:
        assert await fetch_json(http, URL) == {"a": 1}
    assert body.closed


async def test_a_body_that_was_cut_off_is_transient() -> None:
    async with client(httpx.Response(200, content=b'{"a": ')) as http:
        with pytest.raises(BodyFormatError, match=r"is not what it should be: Expecting value") as caught:
            await fetch_json(http, URL)
    assert caught.value.transient


async def test_a_body_that_announces_too_much_is_closed_before_it_is_read() -> None:
    body = Body(b"never")
    async with client(httpx.Response(200, stream=body, headers={"content-length": "2000000"})) as http:
        with pytest.raises(BodyTooLargeError, match="larger than 1,048,576 bytes"):
            await fetch_json(http, URL)
    assert (body.read, body.closed) == (0, True)


async def test_a_body_that_turns_out_too_large_is_closed_at_once() -> None:
    body = Body(*[b"x" * 1000] * 100)
    async with client(httpx.Response(200, stream=body)) as http:
        with pytest.raises(BodyTooLargeError):
            await fetch_json(http, URL, max_bytes=5000)
    assert body.closed
    assert body.read < 100


async def test_a_length_beyond_all_numbers_is_too_much() -> None:
    async with client(httpx.Response(200, stream=Body(b"x"), headers={"content-length": "9" * 5000})) as http:
        with pytest.raises(BodyTooLargeError):
            await fetch_json(http, URL)


GZIP = {"content-encoding": "gzip"}


async def test_a_compressed_body_is_decompressed() -> None:
    packed = gzip.compress(b'{"a": "' + b"b" * 300_000 + b'"}')
    parts = [packed[start : start + 100] for start in range(0, len(packed), 100)]
    async with client(httpx.Response(200, stream=Body(*parts), headers=GZIP)) as http:
        assert await fetch_json(http, URL) == {"a": "b" * 300_000}


@pytest.mark.cf_limits(memory="8 MB")  # a hundred megabytes, if it were decompressed as it comes
async def test_a_small_body_that_becomes_a_large_one_is_closed_before_it_is_large() -> None:
    packer = zlib.compressobj(wbits=31)
    body = Body(b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(100)), packer.flush()]))
    async with client(httpx.Response(200, stream=body, headers=GZIP)) as http:
        with pytest.raises(BodyTooLargeError):
            await fetch_json(http, URL)
    assert body.closed


@pytest.mark.parametrize(
    ("packed", "encoding", "problem"),
    [
        (gzip.compress(b"{}")[:-4], "gzip", "it ends in the middle"),
        (b"no gzip", "gzip", "incorrect header check"),
        (b"{}", "br", "it is compressed by br, not by gzip"),
    ],
)
async def test_a_body_that_is_not_what_its_header_says_is_refused(packed: bytes, encoding: str, problem: str) -> None:
    body = Body(packed)
    async with client(httpx.Response(200, stream=body, headers={"content-encoding": encoding})) as http:
        with pytest.raises(BodyFormatError, match=problem):
            await fetch_json(http, URL)
    assert body.closed


async def test_leaving_a_stream_early_closes_the_response() -> None:
    body = Body(*[b"x" * 1000] * 100)
    async with client(httpx.Response(200, stream=body)) as http:
        response = await fetch_with_cleanup(http, URL)
        async with aclosing(stream_capped(response, part_bytes=1000)) as parts:
            assert await anext(parts) == b"x" * 1000
    assert body.closed


async def test_a_cancelled_read_closes_the_response() -> None:
    never = asyncio.Event()

    class Slow(Body):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"{"
            await never.wait()

    body = Slow()
    async with client(httpx.Response(200, stream=body)) as http:
        reading = asyncio.ensure_future(fetch_json(http, URL))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    assert body.closed
