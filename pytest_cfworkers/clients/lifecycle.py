"""The life of one outgoing request, the same for every client.

open ──> wait for a slot ──> [checkpoint] ──> send ──> headers ──> body read or closed
"""

from functools import partial
from typing import Any, final
from weakref import ReferenceType, ref

from pytest_cfworkers import admission, attribution
from pytest_cfworkers.callsite import Site
from pytest_cfworkers.clients import loaded
from pytest_cfworkers.clients.dialect import Dialect, Request
from pytest_cfworkers.clients.innermost import forget
from pytest_cfworkers.clients.upload import Upload
from pytest_cfworkers.guards.bodies import has_body
from pytest_cfworkers.guards.connection import Connection
from pytest_cfworkers.invocation import Invocation
from pytest_cfworkers.limits import CLOSED_DUE_TO_LIMIT
from pytest_cfworkers.manner import manner


@final
class Target:
    """What a request is for, without what may be secret: credentials, query and fragment.

    The path stands as it is sent, so that nothing in it breaks the line that it is told on.
    """

    __slots__ = ("_method", "_url")

    def __init__(self, request: Request) -> None:
        self._method = request.method
        self._url = request.url

    def __str__(self) -> str:
        url = self._url
        path = url.raw_path.partition(b"?")[0]
        return f"{self._method} {url.scheme}://{(url.netloc + path).decode('ascii', 'replace')}"


@final
class Exchange:
    """One request and its response, and the connection that they are."""

    __slots__ = (
        "_budget",
        "_connection",
        "_dialect",
        "_invocation",
        "_loads",
        "_request",
        "_stays",
        "_token",
        "_upload",
        "transport",
    )

    def __init__(
        self,
        invocation: Invocation,
        dialect: Dialect,
        transport: Any,
        request: Any,
        site: Site,
        loads: bool,
        stays: bool,
    ) -> None:
        """Open the connection. Positional, as what is done for every request is: a class is called quickest so.

        Args:
            invocation: The invocation that the request belongs to.
            dialect: The library of the client.
            transport: The transport that it is about to leave through; or its class, where each request has its own.
            request: The request.
            site: The user's lines that sent it.
            loads: Whether the client is known to read the body before it hands out the response.
            stays: Whether it counts also if sending it sends others. Without it, others count in its place.
        """
        outer = attribution.underway.get() and attribution.sending()
        if isinstance(outer, Exchange):
            outer.give_way(invocation)
        self._invocation = invocation
        self._budget = invocation.requests
        self._dialect = dialect
        self.transport: Any = transport
        self._request = request
        self._loads = loads
        self._stays = stays
        self._connection: Connection = self._budget.open(Target(request), site, outer is None)

    def must_wait(self, asynchronous: bool) -> bool:
        """Tell whether the request may not be sent at once."""
        connection = self._connection
        if connection.beyond:  # as is all that is queued
            connection.manner = manner(asynchronous)
            if connection.state == "queued":
                return True
        return asynchronous and admission.others_are_ready()

    def wait(self) -> None:
        """Block until the connection has its slot."""
        __tracebackhide__ = True
        if not admission.wait_for_slot(self._invocation, self._connection, self._timeout_s()):
            raise self._timed_out()

    async def wait_async(self) -> None:
        """Wait in a task until the connection has its slot, then let the other tasks have their turn."""
        __tracebackhide__ = True
        if self._connection.state != "queued":
            await admission.checkpoint()
        elif not await admission.wait_for_slot_async(self._invocation, self._connection, self._timeout_s()):
            raise self._timed_out()

    def begin(self) -> None:
        """Begin the sending: requests made meanwhile by what sends it are part of it, but not those its body needs."""
        self._token = attribution.underway.set(self)
        request = self._request
        self._upload: Upload | None = None
        if type(request.stream) is not self._dialect.bytes:
            self._upload = request.stream = Upload(request.stream)

    def leave(self) -> None:
        """End the sending."""
        try:  # noqa: SIM105 - a context manager would be made for each request
            attribution.underway.reset(self._token)
        except ValueError:  # its loop was closed under it, and the collector ends it in another context
            pass
        del self._token
        if (upload := self._upload) is not None:
            upload.is_sent = True
            if self._request.stream is upload:  # a mock that reads it puts what it has read in its place
                self._request.stream = upload.stream

    @property
    def is_sent(self) -> bool:
        """Whether the sending has ended; tasks that it started and left behind ask."""
        return not hasattr(self, "_token")

    def give_way(self, invocation: Invocation) -> None:
        """Leave counting to the requests of an invocation that this one turned out to be made of."""
        if invocation is self._invocation and not self._stays and self._connection.state == "waiting":
            self._budget.withdraw(self._connection)
            forget(self.transport)

    def fail(self, error: BaseException) -> None:
        """Note that there will be no response. A request that the library refuses to send does not count."""
        if isinstance(error, self._dialect.module.UnsupportedProtocol):
            self._budget.withdraw(self._connection)
        admission.fail(self._invocation, self._connection, error)

    def received(self, response: Any, asynchronous: bool) -> Any:
        """Note that the headers arrived.

        Returns:
            The response to hand on, whose body is watched. A body that a mock has loaded already and that the
            client loads at once is as good as read.
        """
        connection = self._connection
        if connection.state != "waiting":
            return response
        if (self._loads and response.is_stream_consumed) or not has_body(
            self._request.method, response.status_code, response.headers.get("content-length")
        ):
            self._budget.headers(connection, False)
            return response
        if response.is_stream_consumed and self._dialect.is_loaded(response):
            self._budget.headers(connection, body=True)
            self._note_reader(asynchronous)
            return loaded.watched(response, self)
        streams = not response.is_closed and self._dialect.is_readable(response.stream, asynchronous=asynchronous)
        self._budget.headers(connection, body=streams)
        if streams:
            self._note_reader(asynchronous)
            make = self._dialect.async_body if asynchronous else self._dialect.body
            response.stream = make(response.stream, self)
            # Held weakly, or a response that nobody holds any more would never be garbage collected.
            connection.cancel = partial(_close, ref(response.stream), "aclose" if asynchronous else "close")
        return response

    def reading(self) -> None:
        """Note that the next part of the body is asked for."""
        __tracebackhide__ = True
        if self._connection.outcome == "evicted":
            raise self._dialect.module.ReadError(CLOSED_DUE_TO_LIMIT, request=self._request)
        self._budget.reading(self._connection)

    def paused(self) -> None:
        """Note that a part of the body arrived."""
        self._budget.paused_reading(self._connection)

    def consumed(self) -> None:
        """Note that the body was read to its end."""
        self._budget.close(self._connection, "consumed")

    def failed(self, error: BaseException) -> None:
        """Note that reading the body raised."""
        admission.fail(self._invocation, self._connection, error)

    def cancelled(self) -> None:
        """Note that the body was closed."""
        if self._connection.state != "closed":
            self._budget.close(self._connection, "cancelled")

    def abandoned(self) -> None:
        """Note that the body was garbage collected."""
        if self._connection.state != "closed":
            self._budget.abandon(self._connection)

    def _note_reader(self, asynchronous: bool) -> None:
        """Note who is to read the body, for when nobody does."""
        if not asynchronous:  # under asyncio and trio bodies are closed alike
            self._connection.manner = "thread"
        if not self._loads:
            self._connection.led()  # whoever forgets the body may have ended when that is found

    def _timeout_s(self) -> float | None:
        """What the request allows for waiting for a connection, in seconds."""
        timeout: float | None = self._request.extensions.get("timeout", {}).get("pool")
        return timeout

    def _timed_out(self) -> Exception:
        error: Exception = self._dialect.module.PoolTimeout(
            "The request waited for one of the connections of its invocation, and its timeout ran out.",
            request=self._request,
        )
        return error


def _close(body: "ReferenceType[Any]", way: str) -> Any:
    """Close a body that still exists; what comes of it is awaitable where closing is."""
    existing = body()
    return getattr(existing, way)() if existing is not None else None
