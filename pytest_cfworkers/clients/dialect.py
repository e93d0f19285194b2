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
    """

    module: ModuleType
    guarded: "type[Guarded]"
    body: "Callable[[Any, Reader], Any]"
    async_body: "Callable[[Any, Reader], Any]"
    senders: tuple[type[Any], ...]

    def is_transport(self, thing: object) -> bool:
        """Tell whether a thing is a transport of this library."""
        return isinstance(thing, (self.module.BaseTransport, self.module.AsyncBaseTransport))

    def is_client(self, thing: object) -> bool:
        """Tell whether a thing is a client of this library."""
        return isinstance(thing, (self.module.Client, self.module.AsyncClient))

    def unread(self, response: Any) -> Any:
        """Return a response whose body is still to be read.

        A mocked response comes with its content already loaded. Its reader would never be seen, and one that
        forgets to read would be missed; so such a response is handed on as a copy that has not been read. A
        copy, because a mock may answer many requests with the same object.

        Returns:
            The response itself, if it has not been read or cannot be read again.
        """
        if not response.is_closed:
            return response
        stream = self._unbound(response.stream)
        if not isinstance(stream, self.module.ByteStream):
            return response
        copy = object.__new__(type(response))
        copy.__dict__.update(response.__dict__)
        for loaded in ("_content", "_text", "_decoder"):
            copy.__dict__.pop(loaded, None)
        copy.stream = stream
        copy.is_closed = copy.is_stream_consumed = False
        copy._num_bytes_downloaded = 0
        return copy

    def is_readable(self, stream: object, *, asynchronous: bool) -> bool:
        """Tell whether a stream is of the kind that the client reads; it refuses others."""
        kind = self.module.AsyncByteStream if asynchronous else self.module.SyncByteStream
        return isinstance(stream, kind)

    def _unbound(self, stream: Any) -> Any:
        """Take off what clients bind a stream to, once for each request that a mock answers with it."""
        while not isinstance(stream, self.module.ByteStream) and hasattr(stream, "_stream"):
            if type(stream).__module__.partition(".")[0] not in (self.module.__name__, __name__.partition(".")[0]):
                break
            stream = stream._stream  # noqa: SLF001 - there is no public way
        return stream
