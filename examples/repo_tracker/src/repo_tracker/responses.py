"""Responses that are always read or closed, never larger than expected, and never silently an error.

ResponseError                what all of these are
├── StatusError              the status is not one that the caller asked for
├── BodyTooLargeError        the body is larger than the caller allows
└── BodyFormatError          the body is not the JSON that it should be, perhaps because it was cut off
"""

import json
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import aclosing
from typing import Any, Final

import httpx

DEFAULT_MAX_BYTES: Final = 1 << 20
"""A repository is 6 KB, a page of a hundred search results 600 KB."""

_REASON_BYTES: Final = 4096


class ResponseError(Exception):
    """A response that cannot be used.

    Attributes:
        url: What was asked for.
        transient: Whether the same request may succeed later.
    """

    def __init__(self, message: str, *, url: str, transient: bool = False) -> None:
        super().__init__(message)
        self.url = url
        self.transient = transient


class StatusError(ResponseError):
    """A status that the caller did not ask for; transient where the server itself failed.

    Attributes:
        status: The status, such as 404.
        reason: What the server said: the `message` of a JSON body, or else the phrase that belongs to the status.
        headers: The headers of the response.
        hops: How many redirects led to it.
    """

    def __init__(self, *, status: int, reason: str, url: str, headers: Mapping[str, str], hops: int = 0) -> None:
        server_failed = status >= httpx.codes.INTERNAL_SERVER_ERROR
        super().__init__(f"{status} {reason} from {url}", url=url, transient=server_failed)
        self.status = status
        self.reason = reason
        self.headers = headers
        self.hops = hops


class BodyTooLargeError(ResponseError):
    """A body that was not read to its end, because it is larger than allowed."""

    def __init__(self, *, url: str, max_bytes: int) -> None:
        super().__init__(f"the body from {url} is larger than {max_bytes:,} bytes", url=url)


class BodyFormatError(ResponseError):
    """A body that says something else than it should; transient, because it may have been cut off on its way."""

    def __init__(self, *, url: str, problem: str) -> None:
        super().__init__(f"the body from {url} is not what it should be: {problem}", url=url, transient=True)


async def fetch_with_cleanup(
    client: httpx.AsyncClient,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    expected: Collection[int] = (200,),
) -> httpx.Response:
    """Fetch a URL and return the open response, whose body has not been read.

    Whoever gets it reads or closes it: `async with aclosing(response): ...`. A response that is not handed on is
    closed here. Redirects are followed; each hop is a subrequest.

    Args:
        client: The client to send with.
        url: What to fetch; relative to the client's base URL if it has one.
        headers: More headers than the client's own.
        expected: The statuses that are no error.

    Raises:
        StatusError: The status is not among `expected`.
        httpx.TransportError: There was no response.
    """
    request = client.build_request("GET", url, headers=headers)
    response = await client.send(request, stream=True, follow_redirects=True)
    if response.status_code in expected:
        return response
    reason = await _reason(response)  # and close it
    raise StatusError(
        status=response.status_code,
        reason=reason,
        url=str(request.url),
        headers=response.headers,
        hops=len(response.history),
    )


async def fetch_json(
    client: httpx.AsyncClient,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> Any:
    """Fetch a URL whose body is JSON, and close the response in any case.

    Args:
        client: The client to send with.
        url: What to fetch.
        headers: More headers than the client's own.
        max_bytes: The largest body that is taken, in bytes after decompression.

    Returns:
        What the JSON says.

    Raises:
        StatusError: The status is not 200.
        BodyTooLargeError: The body is larger than `max_bytes`.
        BodyFormatError: The body is no JSON.
        httpx.TransportError: There was no response, or its body ended early.
    """
    return await read_json(await fetch_with_cleanup(client, url, headers=headers), max_bytes=max_bytes)


async def read_json(response: httpx.Response, *, max_bytes: int = DEFAULT_MAX_BYTES) -> Any:
    """Read an open response as JSON and close it; see `fetch_json`."""
    body = bytearray()
    async with aclosing(stream_capped(response, max_bytes=max_bytes)) as parts:
        async for part in parts:
            body += part
    try:
        return json.loads(body)
    except ValueError as error:
        raise BodyFormatError(url=str(response.url), problem=str(error)) from error


async def stream_capped(
    response: httpx.Response, *, max_bytes: int = DEFAULT_MAX_BYTES, part_bytes: int = 1 << 16
) -> AsyncGenerator[bytes, None]:
    """Yield the body of an open response in parts, and close it at the end, however that comes about.

    A body that announces itself as too large is closed before any of it is read; one that turns out to be, as soon as
    it does. Iterate it inside of `aclosing`, so that leaving the loop early closes the response at once.

    Args:
        response: An open response.
        max_bytes: The largest body that is taken, in bytes after decompression.
        part_bytes: How large the parts are, in bytes; the last one may be smaller.

    Raises:
        BodyTooLargeError: The body is larger than `max_bytes`.
        httpx.TransportError: The body ended early.
    """
    url = str(response.url)
    async with aclosing(response):
        announced = response.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > max_bytes:
            raise BodyTooLargeError(url=url, max_bytes=max_bytes)
        seen = 0
        async for part in response.aiter_bytes(min(part_bytes, max_bytes + 1)):
            seen += len(part)
            if seen > max_bytes:
                raise BodyTooLargeError(url=url, max_bytes=max_bytes)
            yield part


async def _reason(response: httpx.Response) -> str:
    """Read what an error's body says, if it is short and says it the way GitHub does, and close the response."""
    try:
        said = (await read_json(response, max_bytes=_REASON_BYTES))["message"]
    except (ResponseError, httpx.TransportError, LookupError, TypeError):
        return response.reason_phrase
    return str(said)
