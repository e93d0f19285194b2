"""`Upload`: the body of a request while it is sent. What it takes to make it are requests of their own."""

from collections.abc import Callable
from typing import Any, Self, final

from pytest_cfworkers.attribution import underway


@final
class Upload:
    """Takes the place of a request's stream while the request is sent.

    A request that is made while its parts are asked for, as where one stream is piped into another, is not what the
    upload is sent by: both count. It is not to wait for a slot, for the upload that waits for it holds one.

    Attributes:
        stream: The stream of the request itself.
        is_sent: Whether the request has been sent; tasks that making the body started and left behind ask.
    """

    __slots__ = ("is_sent", "stream")

    def __init__(self, stream: Any) -> None:
        self.stream: Any = stream
        self.is_sent: bool = False

    @property  # type: ignore[misc]
    def __class__(self) -> type[Any]:
        """The class of the stream: who asks what kind of stream it is, is told what it would be told without us."""
        return type(self.stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def __iter__(self) -> "_Parts":
        return _Parts(self, _apart(self, self.stream.__iter__))

    def __aiter__(self) -> "_Parts":
        return _Parts(self, _apart(self, self.stream.__aiter__))


@final
class _Parts:
    """The iterator over an upload, synchronous or not as its stream is."""

    __slots__ = ("_parts", "_upload")

    def __init__(self, upload: Upload, parts: Any) -> None:
        self._upload = upload
        self._parts = parts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parts, name)

    def __iter__(self) -> Self:
        return self

    def __aiter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return _apart(self._upload, self._parts.__next__)

    async def __anext__(self) -> Any:
        token = underway.set(self._upload)
        try:
            return await self._parts.__anext__()
        finally:
            underway.reset(token)


def _apart(upload: Upload, make: Callable[[], Any]) -> Any:
    token = underway.set(upload)
    try:
        return make()
    finally:
        underway.reset(token)
