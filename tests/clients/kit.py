"""One interface over all the clients under test, so that each behaviour is stated once.

A scenario is a coroutine function. With an asynchronous client it runs under asyncio or trio; with a synchronous
one it never suspends, and is run to its end by hand.
"""

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, TypeVar

import anyio
import anyio.lowlevel
import trio

from pytest_cfworkers import CfLimitExceeded, Invocation, Limits
from pytest_cfworkers.clients.watch import watch

T = TypeVar("T")
Mode = Literal["sync", "asyncio", "trio"]
Handler = Callable[[Any], Awaitable[Any]]

PATIENCE_S = 20.0
"""How long a test waits for what is about to happen before it gives up, in seconds."""


@contextmanager
def guarded(limits: Limits | None = None, *, enforce: bool = True, incoming: bool = True) -> Iterator[Invocation]:
    """Watch every client in an invocation whose verdict is left to the test."""
    invocation = Invocation(limits, enforce=enforce)
    with watch(incoming=incoming):
        try:
            with invocation:
                yield invocation
        except CfLimitExceeded as verdict:
            assert verdict.violations == invocation.violations  # noqa: PT017 - not what is under test


def rules(invocation: Invocation) -> list[str]:
    """The rules that an invocation broke."""
    return [violation.rule for violation in invocation.violations]


async def settled(result: Any) -> Any:
    """What a call of a synchronous or an asynchronous client comes to."""
    return await result if inspect.isawaitable(result) else result


def run_by_hand(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    coroutine.close()
    raise AssertionError("a scenario with a synchronous client suspended")


def until(condition: Callable[[], bool]) -> None:
    """Block until a condition holds that another thread brings about."""
    pulse = threading.Event()
    for _ in range(int(PATIENCE_S * 1_000)):
        if condition():
            return
        pulse.wait(0.001)
    raise AssertionError("this never happened")


async def until_async(condition: Callable[[], bool]) -> None:
    """Let other tasks run until a condition holds that they bring about."""
    for _ in range(1_000):
        if condition():
            return
        await anyio.lowlevel.checkpoint()
    raise AssertionError("this never happened")


class Gate:
    """What scenarios wait at until it is opened, in a task or in a thread."""

    def __init__(self, mode: Mode) -> None:
        self._event: Any = threading.Event() if mode == "sync" else anyio.Event()
        self._mode = mode

    async def wait(self) -> None:
        """Wait until it is open."""
        if self._mode == "sync":
            assert self._event.wait(PATIENCE_S)
        else:
            with anyio.fail_after(PATIENCE_S):
                await self._event.wait()

    def open(self) -> None:
        """Let pass whoever waits, and whoever comes."""
        self._event.set()


@dataclass(frozen=True)
class Kit:
    """The clients of one library in one mode."""

    library: ModuleType
    mode: Mode

    @property
    def asynchronous(self) -> bool:
        """Whether its clients are asynchronous."""
        return self.mode != "sync"

    def run(self, scenario: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a scenario to its end."""
        if self.mode == "sync":
            return run_by_hand(scenario())
        if self.mode == "asyncio":
            return asyncio.run(scenario())
        return trio.run(scenario)

    async def gather(self, *scenarios: Callable[[], Coroutine[Any, Any, Any]]) -> list[Any]:
        """Run scenarios at the same time, in tasks or in threads; return their results in order."""
        if self.mode == "sync":
            with ThreadPoolExecutor(len(scenarios)) as threads:
                return list(threads.map(lambda scenario: run_by_hand(scenario()), scenarios))
        if self.mode == "asyncio":
            return list(await asyncio.gather(*(scenario() for scenario in scenarios)))
        results: list[Any] = [None] * len(scenarios)

        async def note(index: int, scenario: Callable[[], Coroutine[Any, Any, Any]]) -> None:
            results[index] = await scenario()

        async with trio.open_nursery() as nursery:
            for index, scenario in enumerate(scenarios):
                nursery.start_soon(note, index, scenario)
        return results

    def gate(self) -> Gate:
        """Make a gate."""
        return Gate(self.mode)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds that another scenario brings about."""
        if self.mode == "sync":
            until(condition)
        else:
            await until_async(condition)

    def mock(self, handler: Handler | None = None) -> Any:
        """Make a `MockTransport`, whose handler is asynchronous for asynchronous clients; by default all is well."""
        if handler is None:
            return self.library.MockTransport(lambda _: self.library.Response(200, text="hello"))
        chosen = handler  # not None below

        def by_hand(request: Any) -> Any:
            return run_by_hand(chosen(request))  # type: ignore[arg-type]

        return self.library.MockTransport(handler if self.asynchronous else by_hand)

    def transport(self, handle: Handler) -> Any:
        """Make a transport of a class of its own."""
        library: Any = self.library

        class Custom(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[misc]
            def handle_request(self, request: Any) -> Any:
                return run_by_hand(handle(request))  # type: ignore[arg-type]

            async def handle_async_request(self, request: Any) -> Any:
                return await handle(request)

        return Custom()

    def body(self, *parts: bytes | BaseException, closed: Callable[[], object] = lambda: None) -> Any:
        """Make a response body of parts; one that is an exception is raised in its place."""
        library: Any = self.library

        def next_of(part: bytes | BaseException) -> bytes:
            if isinstance(part, BaseException):
                raise part
            return part

        class Stream(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc]
            def __iter__(self) -> Iterator[bytes]:
                for part in parts:
                    yield next_of(part)

            async def __aiter__(self) -> AsyncIterator[bytes]:
                for part in parts:
                    yield next_of(part)

            def close(self) -> None:
                closed()

            async def aclose(self) -> None:
                closed()

        return Stream()

    @asynccontextmanager
    async def client(self, transport: Any = None, **options: Any) -> AsyncIterator[Any]:
        """Open a client; by default over the network, without the costs of TLS."""
        options = {"trust_env": False, "verify": False, "transport": transport, **options}
        client = (self.library.AsyncClient if self.asynchronous else self.library.Client)(**options)
        try:
            yield client
        finally:
            await settled(client.aclose() if self.asynchronous else client.close())

    async def opened(self, client: Any, url: str, method: str = "GET", **options: Any) -> Any:
        """Send a request and leave the body of its response unread."""
        return await settled(client.send(client.build_request(method, url, **options), stream=True))

    async def read(self, response: Any) -> bytes:
        """Read a body to its end."""
        data: bytes = await settled(response.aread() if self.asynchronous else response.read())
        return data

    async def close(self, response: Any) -> None:
        """Close a response."""
        await settled(response.aclose() if self.asynchronous else response.close())

    async def parts(self, response: Any, way: str = "iter_bytes", *arguments: Any) -> AsyncIterator[Any]:
        """Iterate over a body: `way` is the name of the synchronous method."""
        if self.asynchronous:
            async with aclosing(getattr(response, f"a{way}")(*arguments)) as iterator:
                async for part in iterator:
                    yield part
        else:
            for part in getattr(response, way)(*arguments):
                yield part
