"""`Guarded`: the transport that counts a request where it leaves, in the interface of httpx, both ways."""

from typing import Any, ClassVar, Self

from pytest_cfworkers.clients import dialects
from pytest_cfworkers.clients.departure import passage_here, send, send_async


class Guarded:
    """A transport whose requests count as those of the current invocation, synchronous and asynchronous.

    The subclasses in `clients/` give it the types of one library each.

    Args:
        transport: What sends the requests. By default the network, through the library's own transports.
        incoming: Whether requests into an app (`ASGITransport`, `WSGITransport`, a test client) are events for
            that app. By default they count as outgoing requests.
    """

    guards_itself: ClassVar[bool] = True

    def __init__(self, transport: Any = None, *, incoming: bool = False) -> None:
        self._transport = transport
        self._incoming = incoming
        self._network: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._transport or 'the network'!r}>"

    def handle_request(self, request: Any) -> Any:
        """Send a request and count it."""
        transport = self._transport or self._through("HTTPTransport", request)
        return send(passage_here(transport, request, incoming=self._incoming), transport.handle_request, request)

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request in a task and count it."""
        transport = self._transport or self._through("AsyncHTTPTransport", request)
        return await send_async(
            passage_here(transport, request, incoming=self._incoming), transport.handle_async_request, request
        )

    def close(self) -> None:
        """Close what sends the requests."""
        if (transport := self._transport or self._network.get("HTTPTransport")) is not None:
            transport.close()

    async def aclose(self) -> None:
        """Close what sends the requests."""
        if (transport := self._transport or self._network.get("AsyncHTTPTransport")) is not None:
            await transport.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    def _through(self, name: str, request: Any) -> Any:
        """Return the library's own transport of a name, made when it is first needed: its TLS set-up is slow."""
        if name not in self._network:
            self._network[name] = getattr(dialects.of(request).module, name)()
        return self._network[name]
