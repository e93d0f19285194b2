"""httpx over JavaScript's `fetch`: what Workers send is what was asked for.

The transport that httpx has on Pyodide leaves the User-Agent out, without which GitHub refuses every request, and lets
`fetch` follow redirects, which nobody can count then.
https://github.com/cloudflare/workers-py/issues/68 (open, checked 2026-11-24)
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from typing import Any, TypeVar

import httpx

T = TypeVar("T")


def transport() -> httpx.AsyncBaseTransport | None:
    """Return what a client should send with: `fetch` on Workers, and None for httpx's own everywhere else."""
    return FetchTransport() if sys.platform == "emscripten" else None


class FetchTransport(httpx.AsyncBaseTransport):
    """Send requests by `fetch`, with all their headers, one hop each, and hand on bodies as they arrive.

    Of httpx's timeouts `read` is kept: for the headers of a response, and for each part of its body.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request.

        Raises:
            httpx.ConnectError: There was no response.
            httpx.ReadTimeout: It took too long.
        """
        import js  # noqa: PLC0415 - only under Pyodide
        from pyodide.ffi import JsException, to_js  # noqa: PLC0415

        seconds = request.extensions.get("timeout", {}).get("read")
        stop = js.AbortController.new()
        options = {
            "method": request.method,
            "headers": [list(pair) for pair in request.headers.multi_items()],
            "body": await request.aread() or None,
            "redirect": "manual",
            "signal": stop.signal,
        }
        asked = js.fetch(str(request.url), to_js(options, dict_converter=js.Object.fromEntries))
        try:
            answer = await _in_time(asked, seconds, request)
        except JsException as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except BaseException:
            stop.abort()  # or it would go on, and hold its connection
            raise
        # `fetch` has decompressed the body already; httpx must not try it again.
        headers = [(name, value) for name, value in answer.headers if name.lower() != "content-encoding"]
        stream = _Body(answer.body.getReader(), seconds, request) if answer.body else None
        return httpx.Response(answer.status, headers=headers, stream=stream)


class _Body(httpx.AsyncByteStream):
    """The body of a response, read part by part."""

    def __init__(self, reader: Any, seconds: float | None, request: httpx.Request) -> None:
        self._reader = reader
        self._seconds = seconds
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        from pyodide.ffi import JsException  # noqa: PLC0415

        while True:
            try:
                part = await _in_time(self._reader.read(), self._seconds, self._request)
            except JsException as error:
                raise httpx.ReadError(str(error), request=self._request) from error
            if part.done:
                return
            yield part.value.to_bytes()

    async def aclose(self) -> None:
        from pyodide.ffi import JsException  # noqa: PLC0415

        with suppress(JsException):  # the network failed, so there is nothing to cancel
            await self._reader.cancel()


async def _in_time(promise: Awaitable[T], seconds: float | None, request: httpx.Request) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await promise
    except TimeoutError as error:
        raise httpx.ReadTimeout(f"no answer within {seconds:g} s", request=request) from error
