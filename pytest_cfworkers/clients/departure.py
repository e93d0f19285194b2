"""How a request leaves through a transport: as an outgoing request, into an app under test, or further inside."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from types import MethodType
from typing import Any, Final, Protocol

from pytest_cfworkers import attribution
from pytest_cfworkers.callsite import Site, capture
from pytest_cfworkers.clients import dialects
from pytest_cfworkers.clients.app import GuardedApp
from pytest_cfworkers.clients.dialect import Dialect
from pytest_cfworkers.clients.incoming import Event
from pytest_cfworkers.clients.innermost import SENDS, Kind, bound_sends, kind_of, layers
from pytest_cfworkers.clients.interception import Interceptions
from pytest_cfworkers.clients.lifecycle import Exchange
from pytest_cfworkers.invocation import Invocation

Send = Callable[[Any], Any]
AsyncSend = Callable[[Any], Awaitable[Any]]

inside: Final = Interceptions()
"""The transports inside of others that are guarded in place."""

_looked_through: Final[ContextVar[bool]] = ContextVar("pytest_cfworkers_looked_through", default=False)
"""Whether a transport is sending that is not counted itself, but by what it sends through."""


class Passage(Protocol):
    """What watches one request from its start to the end of its response."""

    def must_wait(self, asynchronous: bool) -> bool:
        """Tell whether the request may not be sent at once."""

    def wait(self) -> None:
        """Block until the request may be sent."""

    async def wait_async(self) -> None:
        """Wait in a task until the request may be sent."""

    def begin(self) -> None:
        """Begin the sending."""

    def leave(self) -> None:
        """End the sending."""

    def received(self, response: Any, asynchronous: bool) -> Any:
        """Take the response; return the one to hand on."""

    def fail(self, error: BaseException) -> None:
        """Note that there will be no response."""


def passage(
    invocation: Invocation,
    dialect: Dialect,
    transport: Any,
    request: Any,
    site: Site,
    incoming: bool,
    loads: bool = False,
) -> Passage | None:
    """Open what watches a request that is about to be sent through a transport.

    Args:
        invocation: The invocation that the request belongs to.
        dialect: The library of the request.
        transport: The transport.
        request: The request.
        site: The user's lines that sent it.
        incoming: Whether requests into an app are events for that app.
        loads: Whether the client is known to read the body before it hands out the response.

    Returns:
        What watches it; None where it is counted elsewhere.
    """
    if type(transport) in dialect.senders:
        return Exchange(invocation, dialect, transport, request, site, loads, False)
    kind = kind_of(dialect, transport)
    if kind is Kind.MOCKED:
        transport = transport.transports[-1]
        kind = kind_of(dialect, transport)
        if kind is not Kind.APP:
            # A mock's answer is one request; what passes the mocks counts inside, and this one gives way to it.
            _counted_inside(dialect, transport, kind, incoming=incoming)
            return Exchange(invocation, dialect, dialect.module.MockTransport, request, site, loads, False)
    if kind is Kind.GUARDED or _counted_inside(dialect, transport, kind, incoming=incoming):
        return None
    if kind is Kind.APP and incoming:
        if isinstance(transport.app, GuardedApp):
            return None
        return Event(invocation, f"{request.method} {request.url.path}", dialect)
    return Exchange(invocation, dialect, transport, request, site, loads, kind is Kind.APP)


def send(way: Passage | None, handle: Send, request: Any) -> Any:
    """Send a request through what watches it and return the response."""
    if way is None:
        token = _looked_through.set(True)
        try:
            return handle(request)
        finally:
            _looked_through.reset(token)
    try:
        if way.must_wait(False):
            way.wait()
        way.begin()  # no context manager: those are looked up anew for each request
        try:
            response = handle(request)
        finally:
            way.leave()
        return way.received(response, False)
    except BaseException as error:
        way.fail(error)
        raise


async def send_async(way: Passage | None, handle: AsyncSend, request: Any) -> Any:
    """Send a request in a task; see `send`."""
    if way is None:
        token = _looked_through.set(True)
        try:
            return await handle(request)
        finally:
            _looked_through.reset(token)
    try:
        if way.must_wait(True):
            await way.wait_async()
        way.begin()
        try:
            response = await handle(request)
        finally:
            way.leave()
        return way.received(response, True)
    except BaseException as error:
        way.fail(error)
        raise


def passage_here(transport: Any, request: Any, *, incoming: bool) -> Passage | None:
    """Open what watches a request in the current invocation; None outside of one."""
    invocation = attribution.current()
    if invocation is None:
        return None
    return passage(invocation, dialects.of(request), transport, request, capture(), incoming=incoming)


def _counted_inside(dialect: Dialect, transport: Any, kind: Kind, *, incoming: bool) -> bool:
    """Guard what a transport sends through, if that is not the transport itself; tell whether it is not."""
    if kind is Kind.APP or type(transport) in dialect.senders:
        return False
    _watch_senders(dialect)
    if kind is Kind.WRAPPER:
        guarded = []
        for layer in layers(dialect, transport):
            if kind_of(dialect, layer) is Kind.WRAPPER:
                _bind_late(dialect, layer)
            else:
                guarded.append(_guard_in_place(layer, incoming=incoming))
        return all(guarded) if guarded else inside.active  # it holds only clients, which are watched or not
    return kind is Kind.EXTENSION and inside.active


def _found(owner: type[Any], name: str) -> Any:
    """Return what stands for a method in a class or its bases, not bound to anything."""
    return next(vars(kind)[name] for kind in owner.__mro__ if name in vars(kind))


def _bound(method: Any, transport: Any) -> Callable[[Any], Any]:
    """Bind what stands for a method as Python does: a mock, a static method or a callable object takes no `self`."""
    bound: Callable[[Any], Any] = method.__get__(transport, type(transport)) if hasattr(method, "__get__") else method
    return bound


def _guard_in_place(transport: Any, *, incoming: bool) -> bool:
    """Let a transport inside of another count what it sends."""

    def make(name: str) -> Callable[[Any], Any]:
        own = vars(transport).get(name) if hasattr(transport, "__dict__") else None

        def handle(request: Any) -> Any:
            # Asked for anew each time: a mock may replace the method of the class meanwhile.
            return own(request) if own is not None else _bound(_found(type(transport), name), transport)(request)

        def handle_request(request: Any) -> Any:
            return send(passage_here(transport, request, incoming=incoming), handle, request)

        async def handle_async_request(request: Any) -> Any:
            return await send_async(passage_here(transport, request, incoming=incoming), handle, request)

        return handle_request if name == SENDS[0] else handle_async_request

    return all([inside.replace(transport, name, make(name)) for name in SENDS if hasattr(transport, name)])


def _bind_late(dialect: Dialect, transport: Any) -> None:
    """Let a transport that keeps the methods by which others send ask for them anew: they are guarded meanwhile."""

    def make(method: MethodType) -> Callable[[Any], Any]:
        def handle(request: Any) -> Any:
            return getattr(method.__self__, method.__name__)(request)

        return handle

    for name, method in bound_sends(dialect, transport):
        inside.replace(transport, name, make(method))


def _watch_senders(dialect: Dialect) -> None:
    """Let what the library's own senders send count, where a transport of somebody else sends through them.

    What such a transport holds, and when it makes it, is its own affair; but what it sends through is seen.
    """
    for owner in dialect.senders if inside.active else ():
        for name in SENDS:
            method = vars(owner).get(name)
            if method is not None and not inside.replaced(method):
                inside.replace(owner, name, _sender(dialect, method, name))


def _sender(dialect: Dialect, method: Any, name: str) -> Callable[..., Any]:
    """Make what takes the place of a method of one of the library's senders."""

    def handle_request(self: Any, request: Any) -> Any:
        return send(_beneath(dialect, self, request), _bound(method, self), request)

    async def handle_async_request(self: Any, request: Any) -> Any:
        return await send_async(_beneath(dialect, self, request), _bound(method, self), request)

    return handle_request if name == SENDS[0] else handle_async_request


def _beneath(dialect: Dialect, sender: Any, request: Any) -> Passage | None:
    """Open what watches a request that leaves through a sender beneath another transport; None for one's own."""
    outer = attribution.underway.get()
    if isinstance(outer, Exchange):
        if outer.transport is type(sender) or (outer.transport is sender and type(sender) in dialect.senders):
            return None
    elif not _looked_through.get():
        return None
    invocation = attribution.current()
    return None if invocation is None else Exchange(invocation, dialect, sender, request, capture(), False, False)
