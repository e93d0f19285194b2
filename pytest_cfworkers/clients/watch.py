"""Watching every client: while the block lasts, each request of each client passes a guard.

`Client._send_single_request` is the one place that every hop of every request passes, whatever transport or
mock lies below it. It and `_transport_for_url` are private; this is the only file that knows them.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from pytest_cfworkers import attribution
from pytest_cfworkers.clients import dialects
from pytest_cfworkers.clients.departure import inside, passage, send, send_async
from pytest_cfworkers.clients.dialect import Dialect
from pytest_cfworkers.clients.interception import Interceptions

_SEND: Final = "_send_single_request"

_STEPS_FROM_SEND: Final = 4
"""Calls from `Client.send` to the test whether it loads: authentication, redirects, the request, the test."""

_clients: Final = Interceptions()
_watching: Final[list[bool]] = []
"""One for each `watch` that lasts: the last to end restores, also where they are nested or in threads."""


@contextmanager
def watch(*, incoming: bool = True) -> Iterator[None]:
    """Guard every request of every client of a known library.

    Args:
        incoming: Whether requests into an app under test are events for that app.
    """
    restore()  # what somebody has put back since
    _watching.append(True)
    inside.active = True
    for dialect in dialects.installed():
        _clients.replace(dialect.module.Client, _SEND, _sync(dialect, incoming=incoming))
        _clients.replace(dialect.module.AsyncClient, _SEND, _async(dialect, incoming=incoming))
    try:
        yield
    finally:
        _watching.pop()
        restore()


def restore() -> None:
    """Put back what `watch` replaced, unless one lasts. To be called again where something was patched over it."""
    if _watching:
        return
    inside.active = False
    inside.restore()
    _clients.restore()


def _sync(dialect: Dialect, *, incoming: bool) -> Callable[..., Any]:
    client = dialect.module.Client
    original = getattr(client, _SEND)
    loads = _loader(client)

    def _send_single_request(self: Any, request: Any) -> Any:
        invocation = attribution.current()
        if invocation is None:
            return original(self, request)
        transport = self._transport_for_url(request.url)
        way = passage(invocation, dialect, transport, request, incoming=incoming, loads=loads())
        return send(way, partial(original, self), request)

    return _send_single_request


def _async(dialect: Dialect, *, incoming: bool) -> Callable[..., Any]:
    client = dialect.module.AsyncClient
    original = getattr(client, _SEND)
    loads = _loader(client)

    async def _send_single_request(self: Any, request: Any) -> Any:
        invocation = attribution.current()
        if invocation is None:
            return await original(self, request)
        transport = self._transport_for_url(request.url)
        way = passage(invocation, dialect, transport, request, incoming=incoming, loads=loads())
        return await send_async(way, partial(original, self), request)

    return _send_single_request


def _loader(client: Any) -> Callable[[], bool]:
    """Make the test whether a client reads the body before it hands out the response: `send` without `stream`."""
    sends, requests = client.send.__code__, client.request.__code__

    def loads() -> bool:
        frame = sys._getframe(_STEPS_FROM_SEND)  # noqa: SLF001 - the documented way to walk raw frames
        if frame.f_code is not sends:
            return False
        caller = frame.f_back
        return (caller is not None and caller.f_code is requests) or frame.f_locals["stream"] is False

    return loads
