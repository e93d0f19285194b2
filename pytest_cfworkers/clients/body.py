"""The streams that take the place of a response body, so that reading it is seen; one synchronous, one not."""

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any, Protocol


class Reader(Protocol):
    """What is told how a body is read."""

    def reading(self) -> None:
        """Somebody asks for the next part; raises if there will be none."""

    def paused(self) -> None:
        """A part arrived."""

    def consumed(self) -> None:
        """The end was reached."""

    def failed(self, error: BaseException) -> None:
        """Reading raised."""

    def cancelled(self) -> None:
        """The body was closed."""

    def abandoned(self) -> None:
        """The body was garbage collected."""


class Body:
    """A synchronous response body that reports how it is read."""

    def __init__(self, stream: Any, reader: Reader) -> None:
        self._stream = stream
        self._reader = reader

    def __iter__(self) -> Iterator[bytes]:
        __tracebackhide__ = True
        reader = self._reader
        reader.reading()
        try:
            for part in self._stream:
                reader.paused()
                yield part
                reader.reading()
        except GeneratorExit:
            raise
        except BaseException as error:
            reader.failed(error)
            raise
        reader.consumed()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)  # httpx2 asks its own stream for the time that the response took

    def close(self) -> None:
        """Close the body."""
        try:
            self._stream.close()
        finally:
            self._reader.cancelled()

    def __del__(self) -> None:
        self._reader.abandoned()


class AsyncBody:
    """An asynchronous response body that reports how it is read."""

    def __init__(self, stream: Any, reader: Reader) -> None:
        self._stream = stream
        self._reader = reader

    async def __aiter__(self) -> AsyncIterator[bytes]:
        __tracebackhide__ = True
        reader = self._reader
        reader.reading()
        stream = self._stream.__aiter__()
        try:
            async for part in stream:
                reader.paused()
                yield part
                reader.reading()
        except BaseException as error:
            if not isinstance(error, GeneratorExit):
                reader.failed(error)
            # A generator that is left in the middle is only closed by whoever iterates over it.
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
            raise
        reader.consumed()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def aclose(self) -> None:
        """Close the body."""
        try:
            closing = self._stream.aclose()
            if inspect.isawaitable(closing):
                await closing
        finally:
            self._reader.cancelled()

    def __del__(self) -> None:
        self._reader.abandoned()
