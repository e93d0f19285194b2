"""Responses that are always read or closed, never larger than expected, and never silently an error.

ResponseError                what all of these are
├── StatusError              the status is not one that the caller asked for
├── BodyTooLargeError        the body is larger than the caller allows
└── BodyFormatError          the body is not the JSON that it should be, perhaps because it was cut off
"""

import json
import zlib
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import aclosing
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

DEFAULT_MAX_BYTES: Final = 1 << 20
"""A repository is 6 KB, a page of a hundred search results 600 KB."""

MAX_HOPS: Final = 5
"""Redirects that are followed one after the other. A renamed repository is one, and a circle would never end."""

_REASON_BYTES: Final = 4096
_DIGITS: Final = 15


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
    """

    def __init__(self, *, status: int, reason: str, url: str, headers: Mapping[str, str]) -> None:
        server_failed = status >= httpx.codes.INTERNAL_SERVER_ERROR
        super().__init__(f"{status} {reason} from {url}", url=url, transient=server_failed)
        self.status = status
        self.reason = reason
        self.headers = headers

    @property
    def retry_after(self) -> float | None:
        """How long the server asks to be left alone, in seconds; None where it does not say.

        `Retry-After` is a number of seconds, or a date, which is held against the date of the response itself.
        """
        said = self.headers.get("retry-after", "")
        if said.isdecimal() and len(said) <= _DIGITS:
            return float(said)
        try:
            quiet = parsedate_to_datetime(said) - parsedate_to_datetime(self.headers.get("date", ""))
        except (ValueError, TypeError):  # no date, or one of them without a zone
            return None
        return max(quiet.total_seconds(), 0.0)


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
    redirected: Callable[[], object] = lambda: None,
) -> httpx.Response:
    """Fetch a URL and return the open response, whose body has not been read.

    Whoever gets it reads or closes it: `async with aclosing(response): ...`. A response that is not handed on is
    closed here. Redirects are followed here as well: httpx would read their bodies, however large they are.

    Args:
        client: The client to send with.
        url: What to fetch; relative to the client's base URL if it has one.
        headers: More headers than the client's own.
        expected: The statuses that are no error.
        redirected: Called before each hop of a redirect, which is a subrequest; an error of it is the end.

    Raises:
        StatusError: The status is not among `expected`, or there were more than `MAX_HOPS` redirects.
        httpx.TransportError: There was no response.
    """
    request = client.build_request("GET", url, headers={"accept-encoding": "gzip", **(headers or {})})
    for hops_left in reversed(range(MAX_HOPS + 1)):
        response = await client.send(request, stream=True, follow_redirects=False)
        if response.status_code in expected:
            return response
        if response.next_request is None or not hops_left:
            break
        await response.aclose()
        redirected()
        request = response.next_request
    reason = await _reason(response)  # and close it
    raise StatusError(status=response.status_code, reason=reason, url=str(response.url), headers=response.headers)


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
    except (ValueError, RecursionError) as error:
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
        part_bytes: How large the parts are at most, in bytes.

    Raises:
        BodyTooLargeError: The body is larger than `max_bytes`.
        BodyFormatError: The body is compressed in a way that was not asked for, or is not what its header says.
        httpx.TransportError: The body ended early.
    """
    url = str(response.url)
    async with aclosing(response):
        announced = response.headers.get("content-length", "")
        if announced.isdecimal() and float(announced) > max_bytes:
            raise BodyTooLargeError(url=url, max_bytes=max_bytes)
        seen = 0
        async with aclosing(_decompressed(response, min(part_bytes, max_bytes + 1))) as parts:
            async for part in parts:
                seen += len(part)
                if seen > max_bytes:
                    raise BodyTooLargeError(url=url, max_bytes=max_bytes)
                yield part


async def _decompressed(response: httpx.Response, part_bytes: int) -> AsyncGenerator[bytes, None]:
    """Yield a body as it was before compression, never more than a part at once.

    httpx decompresses all of what it reads at once, and 64 KB of gzip may be 64 MB of zeros. On Workers there is
    nothing to do: `fetch` decompresses.
    """
    encoding = response.headers.get("content-encoding", "identity")
    if encoding == "identity" or response.is_stream_consumed:  # the latter is a mock's, whose body is there already
        async for part in response.aiter_bytes(part_bytes):
            yield part
        return
    if encoding != "gzip":
        raise BodyFormatError(url=str(response.url), problem=f"it is compressed by {encoding}, not by gzip")
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        async for rest in response.aiter_raw():
            while rest:
                yield decompressor.decompress(rest, part_bytes)
                rest = decompressor.unconsumed_tail  # noqa: PLW2901 - what there was no room for
        yield decompressor.flush()
    except zlib.error as error:
        raise BodyFormatError(url=str(response.url), problem=str(error)) from error
    if not decompressor.eof:
        raise BodyFormatError(url=str(response.url), problem="it ends in the middle")


async def _reason(response: httpx.Response) -> str:
    """Read what an error's body says, if it is short and says it the way GitHub does, and close the response."""
    try:
        said = (await read_json(response, max_bytes=_REASON_BYTES))["message"]
    except (ResponseError, httpx.TransportError, LookupError, TypeError):
        return response.reason_phrase
    return str(said)
