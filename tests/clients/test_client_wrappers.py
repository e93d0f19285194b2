"""A request is counted once, where it leaves: transports that wrap others are looked through."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import anyio
import hishel
import hishel.httpx
import hishel.httpx2
import httpx
import httpx_retries
import pytest

from pytest_cfworkers import callsite
from pytest_cfworkers.clients import dialects
from tests.clients.kit import Kit, guarded, rules, settled


def count(invocation: Any) -> int:
    subrequests: int = invocation.statistics().subrequests
    return subrequests


def failing(kit: Kit, times: int) -> Any:
    """A mock that says 503 so many times, then 200."""
    left = [times]

    async def handle(_: Any) -> Any:
        left[0] -= 1
        return kit.library.Response(503 if left[0] >= 0 else 200, text="hello")

    return kit.mock(handle)


async def get(kit: Kit, transport: Any, times: int = 1, **options: Any) -> None:
    async with kit.client(transport, **options) as client:
        for _ in range(times):
            response = await settled(client.get("http://mock/"))
            assert response.text == "hello"
            assert response.status_code == 200


@pytest.mark.parametrize("mode", ["sync", "asyncio"])  # it does not know trio
def test_httpx_retries_by_what_it_sends(mode: Any) -> None:
    httpx_kit = Kit(httpx, mode)
    retry = httpx_retries.Retry(total=5, backoff_factor=0)
    transport = httpx_retries.RetryTransport(transport=failing(httpx_kit, 2), retry=retry)
    with guarded() as invocation:
        httpx_kit.run(lambda: get(httpx_kit, transport))
    assert count(invocation) == 3
    assert rules(invocation) == []
    assert invocation.statistics().peak_connections == 1


class Memory(hishel.AsyncBaseStorage):
    """A storage in memory: hishel's own need a package more."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, tuple[Any, bytes]] = {}

    async def create_entry(self, request: Any, response: Any, key: str, **_: Any) -> Any:
        entry = hishel.Entry(id=uuid.uuid4(), request=request, response=response)

        async def saving(stream: Any) -> Any:
            parts = []
            async for part in stream:
                parts.append(part)
                yield part
            self.kept[key] = (entry, b"".join(parts))

        return replace(entry, response=replace(response, stream=saving(response.stream)))

    async def get_entries(self, key: str) -> list[Any]:
        async def parts(body: bytes) -> Any:
            yield body

        found = [self.kept[key]] if key in self.kept else []
        return [replace(entry, response=replace(entry.response, stream=parts(body))) for entry, body in found]

    async def update_headers(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError

    async def remove_entry(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError


@pytest.fixture
def cache(kit: Kit, tmp_path: Path) -> Callable[[Any], Any]:
    """Wrap a transport in hishel's."""
    home: Any = getattr(hishel, kit.library.__name__)
    if kit.asynchronous:
        return lambda inner: home.AsyncCacheTransport(inner, storage=Memory())
    return lambda inner: home.CacheTransport(inner, storage=hishel.SqliteStorage(database_path=tmp_path / "cache.db"))


def test_a_hit_of_hishel_costs_nothing(kit: Kit, cache: Callable[[Any], Any]) -> None:
    with guarded() as invocation:
        kit.run(lambda: get(kit, cache(kit.mock()), times=4))
    assert count(invocation) == 1
    assert rules(invocation) == []
    assert invocation.connections.holders == ()


def make_wrapper(  # noqa: C901 - four classes
    kit: Kit, shape: str, inner: Any
) -> Any:
    """A transport that sends twice through what it holds, in one of several shapes."""
    library: Any = kit.library

    class Base(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[misc]
        def inner(self) -> Any:
            raise NotImplementedError

        def handle_request(self, request: Any) -> Any:
            self.inner().handle_request(request).read()
            return self.inner().handle_request(request)

        async def handle_async_request(self, request: Any) -> Any:
            await (await self.inner().handle_async_request(request)).aread()
            return await self.inner().handle_async_request(request)

    class Attribute(Base):
        def __init__(self) -> None:
            self._held = inner

        def inner(self) -> Any:
            return self._held

    class InList(Base):
        def __init__(self) -> None:
            self.held = [inner, inner]

        def inner(self) -> Any:
            return self.held[0]

    class InDict(Base):
        def __init__(self) -> None:
            self.held = {"a": inner}

        def inner(self) -> Any:
            return self.held["a"]

    class InSlots(Base):
        __slots__ = ("held",)

        def __init__(self) -> None:
            self.held = inner

        def inner(self) -> Any:
            return self.held

    shapes: dict[str, type[Any]] = {"attribute": Attribute, "list": InList, "dict": InDict, "slots": InSlots}
    return shapes[shape]()


@pytest.mark.parametrize("shape", ["attribute", "list", "dict", "slots"])
@pytest.mark.parametrize("bottom", ["mock", "custom", "guarded"])
def test_wrappers_made_by_hand(kit: Kit, shape: str, bottom: str) -> None:
    async def handle(_: Any) -> Any:
        return kit.library.Response(200, text="hello")

    inner = kit.transport(handle) if bottom == "custom" else kit.mock()
    if bottom == "guarded":
        inner = dialects.of(kit.library.Request("GET", "http://any")).guarded(inner)
    with guarded() as invocation:
        kit.run(lambda: get(kit, make_wrapper(kit, shape, inner)))
    assert count(invocation) == 2
    assert rules(invocation) == []
    with guarded() as again:
        kit.run(lambda: get(kit, make_wrapper(kit, shape, inner)))
    assert count(again) == 2


def make_hidden(kit: Kit, shape: str, make: Callable[[], Any]) -> Any:
    """A transport that sends twice through another one that no attribute of its own is, in one of several shapes."""
    library: Any = kit.library
    closed_over: Any = make() if shape in {"closure", "object", "decoy"} else None

    class Base(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[misc]
        made: Any = None

        def send(self, request: Any) -> Any:
            """Send once; awaited where it is asynchronous."""
            return (closed_over.handle_async_request if kit.asynchronous else closed_over.handle_request)(request)

        def handle_request(self, request: Any) -> Any:
            self.send(request).read()
            return self.send(request)

        async def handle_async_request(self, request: Any) -> Any:
            await (await self.send(request)).aread()
            return await self.send(request)

    class Lazy(Base):
        def send(self, request: Any) -> Any:
            self.made = self.made or make()
            return (self.made.handle_async_request if kit.asynchronous else self.made.handle_request)(request)

    class InObject(Base):
        def __init__(self) -> None:
            self.pool = SimpleNamespace(transport=closed_over)

        def send(self, request: Any) -> Any:
            inner = self.pool.transport
            return (inner.handle_async_request if kit.asynchronous else inner.handle_request)(request)

    class Bound(Base):
        def __init__(self) -> None:
            inner = make()
            self.__dict__["send"] = inner.handle_async_request if kit.asynchronous else inner.handle_request

    class Decoy(Base):
        def __init__(self) -> None:
            self.held = kit.mock()

    shapes = {"closure": Base, "lazy": Lazy, "object": InObject, "bound": Bound, "decoy": Decoy}
    return shapes[shape]()


HIDDEN = ["closure", "lazy", "object", "bound", "decoy"]


@pytest.mark.parametrize("shape", HIDDEN)
@pytest.mark.parametrize("bottom", ["mock", "network"])
def test_what_is_sent_through_is_seen_wherever_a_transport_keeps_it(
    kit: Kit, server: Any, shape: str, bottom: str
) -> None:
    library: Any = kit.library

    def make() -> Any:
        network = library.AsyncHTTPTransport if kit.asynchronous else library.HTTPTransport
        return (
            kit.mock()
            if bottom == "mock"
            else network(verify=False, trust_env=False, limits=library.Limits(max_keepalive_connections=0))
        )

    async def scenario() -> None:
        async with kit.client(transport) as client:
            for _ in range(2):
                assert (await settled(client.get(f"{server.url}/plain"))).text == "hello"

    transport = make_hidden(kit, shape, make)
    originals = [vars(owner).copy() for owner in (library.MockTransport, library.HTTPTransport)]
    for _ in range(2):
        with guarded() as invocation:
            kit.run(scenario)
        assert count(invocation) == 4
        assert rules(invocation) == []
        assert invocation.statistics().peak_connections == 1
    assert originals == [vars(owner).copy() for owner in (library.MockTransport, library.HTTPTransport)]


@pytest.mark.parametrize("shape", HIDDEN)
def test_what_is_hidden_in_a_wrapper_is_seen(kit: Kit, shape: str) -> None:
    nested = make_wrapper(kit, "attribute", make_hidden(kit, shape, kit.mock))
    with guarded() as invocation:
        kit.run(lambda: get(kit, nested, times=2))
    assert count(invocation) == 8
    assert rules(invocation) == []


def test_a_cache_that_makes_its_transport_late_costs_nothing_for_a_hit(kit: Kit) -> None:
    library: Any = kit.library

    class Cache(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[misc]
        inner: Any = None
        kept: Any = None

        def handle_request(self, request: Any) -> Any:
            if self.kept is None:
                self.inner = kit.mock()
                self.kept = self.inner.handle_request(request).read()
            return library.Response(200, content=self.kept)

        async def handle_async_request(self, request: Any) -> Any:
            if self.kept is None:
                self.inner = kit.mock()
                self.kept = await (await self.inner.handle_async_request(request)).aread()
            return library.Response(200, content=self.kept)

    with guarded() as invocation:
        kit.run(lambda: get(kit, Cache(), times=4))
    assert count(invocation) == 1
    assert rules(invocation) == []


@pytest.mark.parametrize("holds", [True, False])
def test_recorded_answers_count_unless_the_transport_holds_one_to_send_through(kit: Kit, *, holds: bool) -> None:
    """Then it cannot be told from a cache."""
    library: Any = kit.library

    class Cassette(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[misc]
        def __init__(self) -> None:
            self.real = kit.mock() if holds else None

        def handle_request(self, _: Any) -> Any:
            return library.Response(200, text="hello")

        async def handle_async_request(self, request: Any) -> Any:
            return self.handle_request(request)

    with guarded() as invocation:
        kit.run(lambda: get(kit, Cassette(), times=3))
    assert count(invocation) == (0 if holds else 3)


def test_a_transport_that_is_called_by_hand_is_no_request_of_a_client(kit: Kit) -> None:
    """As in a test of a transport; also after another one was seen to send through the same class."""
    hidden = make_hidden(kit, "closure", kit.mock)

    async def scenario() -> None:
        await get(kit, hidden)
        request = kit.library.Request("GET", "http://mock/")
        mock = kit.mock()
        assert await settled(mock.handle_async_request(request) if kit.asynchronous else mock.handle_request(request))

    with guarded() as invocation:
        kit.run(scenario)
    assert count(invocation) == 2
    assert rules(invocation) == []


@pytest.mark.parametrize("kept", [True, False], ids=["cache", "retry"])
def test_a_subclass_is_looked_into_beneath_its_decorators(kit: Kit, *, kept: bool) -> None:
    library: Any = kit.library

    def decorated(handle: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(handle)
        def wrapper(self: Any, request: Any) -> Any:
            return handle(self, request)

        return wrapper

    class Extended(library.MockTransport):  # type: ignore[misc]
        stored: bytes = b""

        @decorated
        def handle_request(self, request: Any) -> Any:
            if not (kept and self.stored):
                self.stored = super().handle_request(request).read()
            return library.Response(200, content=self.stored)

        @decorated
        async def handle_async_request(self, request: Any) -> Any:
            if not (kept and self.stored):
                self.stored = await (await super().handle_async_request(request)).aread()
            return library.Response(200, content=self.stored)

    with guarded() as invocation:
        kit.run(lambda: get(kit, Extended(kit.mock().handler), times=3))
    assert count(invocation) == (1 if kept else 3)
    assert rules(invocation) == []


def test_wrappers_in_wrappers(kit: Kit) -> None:
    nested = make_wrapper(kit, "list", make_wrapper(kit, "attribute", kit.mock()))
    with guarded() as invocation:
        kit.run(lambda: get(kit, nested))
        kit.run(lambda: get(kit, None, mounts={"all://mock": nested}))
    assert count(invocation) == 8


def test_a_guarded_transport_around_wrappers(kit: Kit) -> None:
    """Explicit, under `watch` and without it: counted once."""
    guarded_transport = dialects.of(kit.library.Request("GET", "http://any")).guarded
    with guarded() as invocation:
        kit.run(lambda: get(kit, guarded_transport(kit.mock())))
        assert count(invocation) == 1
        kit.run(lambda: get(kit, guarded_transport(make_wrapper(kit, "attribute", kit.mock()))))
    assert count(invocation) == 3


@pytest.mark.parametrize("base", ["MockTransport", "HTTPTransport"])
def test_a_subclass_that_retries_through_super(kit: Kit, server: Any, base: str) -> None:
    library: Any = kit.library
    real = "AsyncHTTPTransport" if kit.asynchronous else "HTTPTransport"
    owner = getattr(library, "MockTransport" if base == "MockTransport" else real)

    class Retrying(owner):  # type: ignore[misc, valid-type]
        def handle_request(self, request: Any) -> Any:
            for _ in range(2):
                super().handle_request(request).read()
            return super().handle_request(request)

        async def handle_async_request(self, request: Any) -> Any:
            for _ in range(2):
                await (await super().handle_async_request(request)).aread()
            return await super().handle_async_request(request)

    def make() -> Any:
        return Retrying(kit.mock().handler) if base == "MockTransport" else Retrying(verify=False, trust_env=False)

    async def scenario() -> None:
        async with kit.client(make()) as client:
            assert (await settled(client.get(f"{server.url}/plain"))).text == "hello"
            assert invocation.connections.holders == ()

    with guarded() as invocation:
        kit.run(scenario)
    assert count(invocation) == 3
    assert rules(invocation) == []


def test_a_transport_that_holds_a_client(kit: Kit) -> None:
    library: Any = kit.library
    made = library.AsyncClient if kit.asynchronous else library.Client

    class Through(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[misc]
        def __init__(self) -> None:
            self.client = made(transport=kit.mock())

        def handle_request(self, request: Any) -> Any:
            return self.client.send(library.Request(request.method, request.url), stream=True)

        async def handle_async_request(self, request: Any) -> Any:
            return await self.client.send(library.Request(request.method, request.url), stream=True)

    with guarded() as invocation:
        kit.run(lambda: get(kit, Through(), times=3))
    assert count(invocation) == 3
    assert rules(invocation) == []


def test_a_handler_of_a_mock_that_forwards_is_the_request(kit: Kit) -> None:
    """A mock that asks another client is made of that request: one subrequest, not two."""

    async def handle(_: Any) -> Any:
        async with kit.client(kit.mock()) as other:
            return kit.library.Response(200, text=(await settled(other.get("http://other/"))).text)

    with guarded() as invocation:
        kit.run(lambda: get(kit, kit.mock(handle)))
    assert count(invocation) == 1
    assert rules(invocation) == []


@pytest.mark.parametrize("static", [False, True])
def test_a_mock_in_the_place_of_a_method_of_the_class_is_given_the_request_alone(
    kit: Kit, static: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(_: Any) -> Any:
        return kit.library.Response(200, text="hello")

    async def answer_async(request: Any) -> Any:
        return answer(request)

    bottom = kit.mock()
    for name, effect in (("handle_request", answer), ("handle_async_request", answer_async)):
        replacement = staticmethod(effect) if static else Mock(side_effect=effect)
        monkeypatch.setattr(kit.library.MockTransport, name, replacement)
    with guarded() as invocation:
        kit.run(lambda: get(kit, make_wrapper(kit, "attribute", bottom)))
    assert count(invocation) == 2  # the wrapper sends twice


def test_a_mock_in_the_place_of_a_method_that_a_subclass_extends_is_given_the_request_alone(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    library: Any = kit.library

    def answer(_: Any) -> Any:
        return library.Response(200, text="hello")

    async def answer_async(request: Any) -> Any:
        return answer(request)

    class Extended(library.MockTransport):  # type: ignore[misc]
        def handle_request(self, request: Any) -> Any:
            return super().handle_request(request)

        async def handle_async_request(self, request: Any) -> Any:
            return await super().handle_async_request(request)

    for name, effect in (("handle_request", answer), ("handle_async_request", answer_async)):
        monkeypatch.setattr(library.MockTransport, name, Mock(side_effect=effect))
    with guarded() as invocation:
        kit.run(lambda: get(kit, Extended(answer)))
    assert count(invocation) == 1
    assert rules(invocation) == []


def test_what_a_sending_has_started_and_left_behind_waits_as_others_do(async_kit: Kit) -> None:
    """A transport starts a task with its first request; what the task sends later is no part of that request."""

    async def scenario() -> None:
        gate = async_kit.gate()

        async def work() -> None:
            await gate.wait()
            async with async_kit.client(async_kit.mock()) as client:
                await async_kit.gather(*[lambda: client.get("http://mock/")] * 7)
                assert invocation.statistics().queued == 1
                unread = [await async_kit.opened(client, "http://mock/") for _ in range(6)]
                assert invocation.requests.open_internal("KV get", callsite.capture()).state == "queued"
                for response in unread:
                    await async_kit.close(response)

        async def start(_: Any) -> Any:
            tasks.start_soon(work)
            return async_kit.library.Response(200)

        async with anyio.create_task_group() as tasks, async_kit.client(async_kit.transport(start)) as client:
            await client.get("http://mock/")
            gate.open()

    with guarded() as invocation:
        async_kit.run(scenario)
    assert count(invocation) == 1 + 7 + 6
