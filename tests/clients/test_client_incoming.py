"""Requests into an app under test are events for it: invocations of their own, judged one by one."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import fastapi
import fastapi.testclient
import httpx
import httpx2
import pytest
import trio
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from pytest_cfworkers import GuardedTransport, guard_app
from pytest_cfworkers.clients import dialects
from tests.clients.kit import PATIENCE_S, Kit, guarded, rules, settled


def outgoing(library: Any = httpx) -> Any:
    return library.AsyncClient(transport=library.MockTransport(lambda _: library.Response(200, text="upstream")))


async def fetch(number: int) -> list[str]:
    async with outgoing() as client:
        if trio.lowlevel.in_trio_task():
            async with trio.open_nursery() as nursery:
                for _ in range(number):
                    nursery.start_soon(client.get, "http://upstream/")
            return ["upstream"] * number
        return [sent.text for sent in await asyncio.gather(*(client.get("http://upstream/") for _ in range(number)))]


async def fan_out(request: Request) -> Response:
    return JSONResponse(await fetch(int(request.path_params["number"])))


async def stream(_: Request) -> Response:
    async def parts() -> Any:
        for _ in range(3):
            yield "".join(await fetch(1)) + " "

    return StreamingResponse(parts())


async def background(_: Request) -> Response:
    return PlainTextResponse("soon", background=BackgroundTask(fetch, 7))


def in_a_thread(_: Request) -> Response:
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, text="upstream"))) as client:
        return PlainTextResponse(" ".join(client.get("http://upstream/").text for _ in range(3)))


async def forget(_: Request) -> Response:
    client = outgoing()
    await client.send(client.build_request("GET", "http://upstream/"), stream=True)
    return PlainTextResponse("done")


async def fail(_: Request) -> Response:
    await fetch(1)
    raise RuntimeError("the app's own")


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.receive_text()
    await socket.send_json(await fetch(2))
    await socket.close()


def make_app(**options: Any) -> Starlette:
    return Starlette(
        routes=[
            Route("/fan-out/{number}", fan_out),
            Route("/stream", stream),
            Route("/background", background),
            Route("/thread", in_a_thread),
            Route("/forget", forget),
            Route("/fail", fail),
            WebSocketRoute("/talk", talk),
        ],
        **options,
    )


def into(kit: Kit, app: Any) -> Any:
    return kit.library.AsyncClient(transport=kit.library.ASGITransport(app), base_url="http://app")


def own(invocation: Any) -> int:
    """The requests that count for the test itself."""
    subrequests: int = invocation.statistics().subrequests
    return subrequests


def test_ten_parallel_requests_into_the_app_are_fine(async_kit: Kit) -> None:
    async def scenario() -> None:
        async with into(async_kit, make_app()) as client:
            responses = await async_kit.gather(*[lambda: client.get("/fan-out/6")] * 10)
            assert [response.status_code for response in responses] == [200] * 10

    with guarded() as invocation:
        async_kit.run(scenario)
    assert rules(invocation) == []
    assert own(invocation) == 0
    assert invocation.worst().subrequests == 6
    assert invocation.worst().peak_connections == 6


def test_one_handler_that_fans_out_to_seven_is_not(async_kit: Kit) -> None:
    async def scenario() -> None:
        async with into(async_kit, make_app()) as client:
            await client.get("/fan-out/6")
            await client.get("/fan-out/7")

    with guarded() as invocation:
        async_kit.run(scenario)
    assert rules(invocation) == ["connections"]
    assert invocation.violations[0].observed == 7
    assert "GET /fan-out/7" in str(invocation.violations[0])


def test_what_the_test_sends_itself_stays_its_own(async_kit: Kit) -> None:
    async def scenario() -> None:
        async with into(async_kit, make_app()) as client, outgoing() as other:
            await client.get("/fan-out/3")
            await other.get("http://upstream/")

    with guarded() as invocation:
        async_kit.run(scenario)
    assert own(invocation) == 1


def test_streaming_and_background_work_belong_to_the_request(async_kit: Kit) -> None:
    async def scenario() -> None:
        async with into(async_kit, make_app()) as client:
            assert (await client.get("/stream")).text == "upstream upstream upstream "
            await client.get("/background")

    with guarded() as invocation:
        async_kit.run(scenario)
    assert own(invocation) == 0
    assert rules(invocation) == ["connections"]
    assert "GET /background" in str(invocation.violations[0])


def test_a_body_that_the_app_forgets_is_found_at_the_end_of_its_request(async_kit: Kit) -> None:
    async def scenario() -> None:
        async with into(async_kit, make_app()) as client:
            await client.get("/forget")
            assert rules(invocation) == ["unread-body"]

    with guarded() as invocation:
        async_kit.run(scenario)
    assert invocation.violations[0].frames[0].function == "forget"


def test_an_app_that_raises_ends_its_request(async_kit: Kit) -> None:
    async def scenario() -> None:
        async with into(async_kit, make_app()) as client:
            with pytest.raises(RuntimeError, match="the app's own"):
                await client.get("/fail")

    with guarded() as invocation:
        async_kit.run(scenario)
    assert own(invocation) == 0
    assert invocation.worst().subrequests == 1


@pytest.mark.parametrize("how", ["watch", "explicit"])
def test_counted_as_outgoing_where_asked_and_never_hangs(async_kit: Kit, how: str) -> None:
    """Ten at once, each of whose handlers sends one itself while all places are taken."""

    async def scenario() -> None:
        transport: Any = async_kit.library.ASGITransport(make_app())
        if how == "explicit":
            transport = dialects.of(async_kit.library.Request("GET", "http://any")).guarded(transport)
        async with async_kit.library.AsyncClient(transport=transport, base_url="http://app") as client:
            with anyio.fail_after(20):
                await async_kit.gather(*[lambda: client.get("/fan-out/1")] * 10)

    with guarded(incoming=how == "explicit") as invocation:
        async_kit.run(scenario)
    assert own(invocation) == 20
    assert "connections" in rules(invocation)
    assert invocation.connections.holders == invocation.connections.queue == ()


def test_the_test_client_of_starlette() -> None:
    with guarded() as invocation, TestClient(make_app()) as client:
        assert client.get("/fan-out/6").json() == ["upstream"] * 6
        assert client.get("/stream").text == "upstream upstream upstream "
        assert client.get("/thread").text == "upstream upstream upstream"
        assert rules(invocation) == []
        client.get("/background")
    assert own(invocation) == 0
    assert rules(invocation) == ["connections"]
    assert "GET /background" in str(invocation.violations[0])


def ask_upstream() -> None:
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        client.get("http://upstream/")


every_thread = threading.Barrier(5 * 4)


async def by_executor() -> None:
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(None, ask_upstream) for _ in range(4)))


async def by_tasks_in_threads() -> None:
    await asyncio.gather(*(asyncio.to_thread(ask_upstream) for _ in range(4)))


async def by_bare_threads() -> None:
    def ask() -> None:
        every_thread.wait(PATIENCE_S)  # so every request into the app has begun
        ask_upstream()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)


@pytest.mark.parametrize("send", [by_executor, by_tasks_in_threads, by_bare_threads])
def test_parallel_requests_into_the_app_have_what_their_own_threads_send(send: Callable[[], Awaitable[None]]) -> None:
    app = fastapi.FastAPI()

    @app.get("/")
    async def endpoint() -> None:
        await send()

    async def main() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
            await asyncio.gather(*(client.get("/") for _ in range(5)))

    with guarded() as invocation:
        asyncio.run(main())
    assert [child.statistics().subrequests for child in invocation.children.kept] == [4] * 5
    assert own(invocation) == 0


def test_fastapi_endpoints_in_tasks_and_threads() -> None:
    app = fastapi.FastAPI()

    @app.get("/tasks")
    async def tasks() -> list[str]:
        return await fetch(7)

    @app.get("/threads")
    def threads() -> str:
        with httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(200, text="x"))) as client:
            return client.get("http://upstream/").text

    with guarded() as invocation, fastapi.testclient.TestClient(app) as client:
        assert client.get("/threads").json() == "x"
        assert rules(invocation) == []
        assert client.get("/tasks").status_code == 200
    assert own(invocation) == 0
    assert rules(invocation) == ["connections"]


def test_a_websocket_and_a_lifespan_are_let_be() -> None:
    told: list[str] = []

    async def lifespan(_: Any) -> Any:
        told.extend(await fetch(1))
        yield
        told.append("down")

    app = make_app(lifespan=contextlib.asynccontextmanager(lifespan))
    with guarded() as invocation, TestClient(app) as client, client.websocket_connect("/talk") as socket:
        socket.send_text("go")
        assert socket.receive_json() == ["upstream"] * 2
    assert told == ["upstream", "down"]
    assert rules(invocation) == []


def wsgi(environ: dict[str, Any], start_response: Any) -> Any:
    start_response("200 OK", [("content-type", "text/plain")])
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, text="upstream "))) as client:
        if environ["PATH_INFO"] == "/stream":
            for _ in range(3):
                yield client.get("http://upstream/").content
        else:
            yield client.get("http://upstream/").content


def test_wsgi_and_the_parts_that_it_yields_belong_to_the_request(sync_kit: Kit) -> None:
    client = sync_kit.library.Client(transport=sync_kit.library.WSGITransport(wsgi), base_url="http://app")
    with guarded() as invocation, client:
        assert client.get("/").text == "upstream "
        assert client.get("/stream").text == "upstream " * 3
        response = client.send(client.build_request("GET", "/stream"), stream=True)
        parts = response.iter_bytes()
        assert next(parts) == b"upstream "
        with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as mine:
            mine.get("http://upstream/")
        response.close()
    assert own(invocation) == 1
    assert invocation.worst().subrequests == 3


def test_ten_threads_into_a_wsgi_app_are_fine(sync_kit: Kit) -> None:
    barrier = threading.Barrier(10)

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        barrier.wait(10)
        return list(wsgi(environ, start_response))

    async def scenario() -> None:
        with sync_kit.library.Client(transport=sync_kit.library.WSGITransport(app), base_url="http://app") as client:
            await sync_kit.gather(*[lambda: settled(client.get("/"))] * 10)

    with guarded() as invocation:
        sync_kit.run(scenario)
    assert rules(invocation) == []
    assert own(invocation) == 0
    assert invocation.worst().subrequests == 1


def test_a_wrapper_around_an_app_is_looked_through(async_kit: Kit) -> None:
    library: Any = async_kit.library

    class Logging(library.AsyncBaseTransport):  # type: ignore[misc]
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        async def handle_async_request(self, request: Any) -> Any:
            return await self.inner.handle_async_request(request)

    async def scenario() -> None:
        transport = Logging(library.ASGITransport(make_app()))
        async with library.AsyncClient(transport=transport, base_url="http://app") as client:
            await async_kit.gather(*[lambda: client.get("/fan-out/1")] * 10)

    with guarded() as invocation:
        async_kit.run(scenario)
    assert rules(invocation) == []
    assert own(invocation) == 0


@pytest.mark.parametrize("holds", [True, False], ids=["that holds another", "that makes another"])
def test_a_transport_that_signs_for_an_app_sends_outgoing_requests(kit: Kit, *, holds: bool) -> None:
    """What it calls its app is one of GitHub's, and no app under test."""
    library: Any = kit.library

    class AppTransport(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[misc]
        def __init__(self) -> None:
            self.app: Any = lambda request: request.headers.__setitem__("authorization", "signed")
            if holds:
                self.inner = kit.mock()

        def handle_request(self, request: Any) -> Any:
            self.app(request)
            return (self.inner if holds else kit.mock()).handle_request(request)

        async def handle_async_request(self, request: Any) -> Any:
            self.app(request)
            return await (self.inner if holds else kit.mock()).handle_async_request(request)

    async def scenario() -> None:
        async with kit.client(AppTransport()) as client:
            assert (await settled(client.get("http://mock/"))).text == "hello"

    with guarded() as invocation:
        kit.run(scenario)
    assert own(invocation) == 1
    assert invocation.children.worst is None


@pytest.mark.parametrize("of_the_library", [True, False])
def test_a_transport_of_ones_own_into_an_app_is_one_if_it_extends_the_librarys_or_the_app_is_guarded(
    async_kit: Kit, *, of_the_library: bool
) -> None:
    library: Any = async_kit.library

    class Extended(library.ASGITransport):  # type: ignore[misc]
        pass

    class Own(library.AsyncBaseTransport):  # type: ignore[misc]
        def __init__(self, app: Any) -> None:
            self.app = app

        async def handle_async_request(self, request: Any) -> Any:
            return await library.ASGITransport(self.app).handle_async_request(request)

    async def scenario() -> None:
        transport = Extended(make_app()) if of_the_library else Own(guard_app(make_app()))
        async with library.AsyncClient(transport=transport, base_url="http://app") as client:
            await client.get("/fan-out/3")

    with guarded() as invocation:
        async_kit.run(scenario)
    assert own(invocation) == 0
    assert invocation.worst().subrequests == 3


def test_an_explicit_guarded_transport_may_be_told_that_it_is_incoming() -> None:
    async def scenario() -> None:
        transport = GuardedTransport(httpx.ASGITransport(make_app()), incoming=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            await client.get("/fan-out/3")

    with guarded() as invocation:
        asyncio.run(scenario())
    assert own(invocation) == 0
    assert invocation.worst().subrequests == 3
