"""Responses that are handed out with their content loaded already, as those of mocks are: how they are read.

On a network their content would still be to come. So reading and closing are seen at the methods of the response,
which stays what it is in all else: the same object, with the same content, and closed.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from functools import cache
from typing import Any, Final, Literal, final

from pytest_cfworkers.clients.body import Reader

_READING: Final = "_pytest_cfworkers_reading"


def watched(response: Any, reader: Reader) -> Any:
    """Let a reader be told how a loaded response is read, until it is read or closed.

    Args:
        response: The response.
        reader: What is told.

    Returns:
        The response; a copy, if it is watched already: a mock may answer many requests with one object.
    """
    kind: Any = type(response)
    if _READING in vars(response):
        kind = vars(response)[_READING].kind
        original, response = response, object.__new__(kind)
        vars(response).update(vars(original))
    vars(response)[_READING] = _Reading(kind, reader)
    response.__class__ = _watched(kind)
    return response


@final
class _Reading:
    """Who is told how a response is read, and what its class is; garbage collected with the response."""

    __slots__ = ("kind", "reader")

    def __init__(self, kind: type[Any], reader: Reader) -> None:
        self.kind = kind
        self.reader = reader

    def __del__(self) -> None:
        self.reader.abandoned()


def _begin(response: Any) -> None:
    __tracebackhide__ = True
    if (reading := vars(response).get(_READING)) is not None:
        reading.reader.reading()


def _pause(response: Any) -> None:
    if (reading := vars(response).get(_READING)) is not None:
        reading.reader.paused()


def _end(response: Any, how: Literal["consumed", "cancelled"]) -> None:
    if (reading := vars(response).pop(_READING, None)) is not None:
        response.__class__ = reading.kind
        getattr(reading.reader, how)()


@cache
def _watched(kind: Any) -> type[Any]:  # noqa: C901 - one class
    """Make the class that the responses of a class have while they are watched."""

    class Watched(kind):  # type: ignore[misc]
        __slots__ = ()

        def read(self) -> Any:
            __tracebackhide__ = True
            _begin(self)
            _end(self, "consumed")
            return kind.read(self)

        async def aread(self) -> Any:
            __tracebackhide__ = True
            _begin(self)
            _end(self, "consumed")
            return await kind.aread(self)

        def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
            __tracebackhide__ = True
            _begin(self)
            for part in kind.iter_bytes(self, chunk_size):
                _pause(self)
                yield part
                _begin(self)
            _end(self, "consumed")

        async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
            __tracebackhide__ = True
            _begin(self)
            async with aclosing(kind.aiter_bytes(self, chunk_size)) as parts:
                async for part in parts:
                    _pause(self)
                    yield part
                    _begin(self)
            _end(self, "consumed")

        def close(self) -> None:
            _end(self, "cancelled")
            kind.close(self)

        async def aclose(self) -> None:
            _end(self, "cancelled")
            await kind.aclose(self)

        @property
        def is_closed(self) -> bool:
            """Whether it is closed. Who asks, and is told so, would have closed it."""
            _end(self, "cancelled")
            closed: bool = vars(self)["is_closed"]
            return closed

        def __reduce_ex__(self, _: Any) -> Any:
            """Make copies, pickled or not, of the response's own class: nobody watches them."""
            state = {name: value for name, value in kind.__getstate__(self).items() if name != _READING}
            return object.__new__, (kind,), state

    Watched.__name__, Watched.__qualname__, Watched.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Watched
