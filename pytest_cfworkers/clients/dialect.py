"""`Dialect`: what the shared life cycle must know of one HTTP library."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, final

if TYPE_CHECKING:
    from pytest_cfworkers.clients.body import Reader
    from pytest_cfworkers.clients.transport import Guarded


class Request(Protocol):
    """A request of httpx or of a library with its interface."""

    @property
    def method(self) -> str:
        """The method, in capitals."""

    @property
    def url(self) -> Any:
        """The URL, with `scheme`, `netloc` and `path`."""

    @property
    def extensions(self) -> Any:
        """What the client asks of the transport; `timeout` is a mapping of seconds."""


class Response(Protocol):
    """A response of httpx or of a library with its interface."""

    status_code: int
    stream: Any

    @property
    def headers(self) -> Any:
        """The headers, a mapping that knows no case."""

    is_closed: bool
    is_stream_consumed: bool


@final
@dataclass(frozen=True, slots=True)
class Dialect:
    """One HTTP library with the interface of httpx.

    Attributes:
        module: The library: its names `Client`, `AsyncClient`, `HTTPTransport`, `ReadError` … are used.
        guarded: The guarded transport in this library's types.
        body: Makes the guarded stream of a synchronous response from the stream and its reader.
        async_body: The same for an asynchronous response.
        senders: The library's transports that send, or pretend to.
        apps: The library's transports that call an app under test.
        bytes: The stream of a request whose body is all there when it is sent.
    """

    module: ModuleType
    guarded: "type[Guarded]"
    body: "Callable[[Any, Reader], Any]"
    async_body: "Callable[[Any, Reader], Any]"
    senders: tuple[type[Any], ...]
    apps: tuple[type[Any], ...]
    bytes: type[Any]

    def is_transport(self, thing: object) -> bool:
        """Tell whether a thing is a transport of this library."""
        return isinstance(thing, (self.module.BaseTransport, self.module.AsyncBaseTransport))

    def is_client(self, thing: object) -> bool:
        """Tell whether a thing is a client of this library."""
        return isinstance(thing, (self.module.Client, self.module.AsyncClient))

    def is_loaded(self, response: Any) -> bool:
        """Tell whether the content of a response is there already."""
        try:
            response.content  # noqa: B018 - asking is what raises
        except self.module.ResponseNotRead:
            return False
        return isinstance(response, self.module.Response)

    def is_readable(self, stream: object, *, asynchronous: bool) -> bool:
        """Tell whether a stream is of the kind that the client reads; it refuses others."""
        kind = self.module.AsyncByteStream if asynchronous else self.module.SyncByteStream
        return isinstance(stream, kind)
