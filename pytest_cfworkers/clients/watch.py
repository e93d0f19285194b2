"""Watching every client: while the block lasts, each request of each client passes a guard.

`Client._send_single_request` is the one place that every hop of every request passes, whatever transport or
mock lies below it. It and `_transport_for_url` are private; this is the only file that knows them.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType, MethodType
from typing import Any, Final

from pytest_cfworkers import attribution
from pytest_cfworkers.callsite import capture
from pytest_cfworkers.clients import dialects
from pytest_cfworkers.clients.departure import inside, passage, send, send_async
from pytest_cfworkers.clients.dialect import Dialect
from pytest_cfworkers.clients.interception import Interceptions

_SEND: Final = "_send_single_request"

_STEPS_FROM_SEND: Final = 4
"""Calls from `Client.send` to the look for it: authentication, redirects, the request, the look."""

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
        for client, through in ((dialect.module.Client, send), (dialect.module.AsyncClient, send_async)):
            _clients.replace(client, _SEND, _watched(client, dialect, through, incoming=incoming))
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


def _watched(client: Any, dialect: Dialect, send_through: Callable[..., Any], *, incoming: bool) -> Callable[..., Any]:
    """Make what takes the place of the method of a client class.

    Args:
        client: The class.
        dialect: Its library.
        send_through: `send`, or `send_async` for a client whose method is to be awaited: its coroutine is returned.
        incoming: Whether requests into an app under test are events for that app.
    """
    original = getattr(client, _SEND)
    sends, requests = client.send.__code__, client.request.__code__

    def _send_single_request(self: Any, request: Any) -> Any:
        invocation = attribution.current()
        if invocation is None:
            return original(self, request)
        frame, loads = _sender(sends, requests)
        transport = self._transport_for_url(request.url)
        way = passage(invocation, dialect, transport, request, capture(frame), incoming, loads)
        return send_through(way, MethodType(original, self), request)

    return _send_single_request


def _sender(sends: CodeType, requests: CodeType) -> tuple[FrameType | None, bool]:
    """Look at the frame of `Client.send` that led here.

    Returns:
        The frame, None where it is not where it always is; and whether the client is known to read the body before
        it hands out the response: `send` without `stream`.
    """
    try:
        frame = sys._getframe(_STEPS_FROM_SEND)  # noqa: SLF001 - the documented way to walk raw frames
    except ValueError:
        return None, False
    if frame.f_code is not sends:
        return None, False
    caller = frame.f_back
    return frame, (caller is not None and caller.f_code is requests) or frame.f_locals["stream"] is False
