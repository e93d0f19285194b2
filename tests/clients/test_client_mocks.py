"""Libraries that mock HTTP, and a user's own monkeypatches: requests are seen whatever answers them."""

from typing import Any

import httpx
import httpx_retries
import pytest
import respx
from pytest_httpx import HTTPXMock

from pytest_cfworkers.clients.watch import restore
from tests.clients.kit import Kit, guarded, rules, settled
from tests.clients.loopback import Loopback
from tests.clients.test_client_incoming import make_app


def count(invocation: Any) -> int:
    subrequests: int = invocation.statistics().subrequests
    return subrequests


async def get_all(kit: Kit, url: str, times: int = 3) -> None:
    async with kit.client() as client:
        for _ in range(times):
            assert (await settled(client.get(url))).text == "hello"


@pytest.mark.parametrize("using", ["httpx", "httpcore"])
@pytest.mark.parametrize("first", ["respx", "guard"])
def test_respx_in_both_of_its_ways(httpx_kit: Kit, using: str, first: str) -> None:
    router = respx.mock(using=using)
    router.get("http://mock/").respond(200, text="hello")
    if first == "respx":
        with router, guarded() as invocation:
            httpx_kit.run(lambda: get_all(httpx_kit, "http://mock/"))
    else:
        with guarded() as invocation, router:
            httpx_kit.run(lambda: get_all(httpx_kit, "http://mock/"))
    assert count(invocation) == 3
    assert rules(invocation) == []


@pytest.mark.parametrize("using", ["httpx", "httpcore"])
def test_respx_at_once(using: str) -> None:
    kit = Kit(httpx, "asyncio")

    async def scenario() -> None:
        async with kit.client() as client:
            await kit.gather(*[lambda: client.get("http://mock/")] * 20)

    with guarded() as invocation, respx.mock(using=using) as router:
        router.get("http://mock/").respond(200)
        kit.run(scenario)
    assert invocation.statistics().peak_connections == 20


@respx.mock
def test_respx_as_a_decorator() -> None:
    kit = Kit(httpx, "sync")
    respx.get("http://mock/").respond(200, text="hello")
    with guarded() as invocation:
        kit.run(lambda: get_all(kit, "http://mock/"))
    assert count(invocation) == 3


def test_respx_as_a_fixture(httpx_kit: Kit, respx_mock: respx.MockRouter) -> None:
    respx_mock.get("http://mock/").respond(200, text="hello")
    with guarded() as invocation:
        httpx_kit.run(lambda: get_all(httpx_kit, "http://mock/"))
    assert count(invocation) == 3


@pytest.mark.parametrize("using", ["httpx", "httpcore"])
def test_respx_lets_pass(httpx_kit: Kit, server: Loopback, using: str) -> None:
    with guarded() as invocation, respx.mock(using=using) as router:
        router.get("http://mock/").respond(200, text="hello")
        router.route(host="127.0.0.1").pass_through()
        httpx_kit.run(lambda: get_all(httpx_kit, f"{server.url}/plain"))
        httpx_kit.run(lambda: get_all(httpx_kit, "http://mock/"))
    assert count(invocation) == 6
    assert len(server.seen) == 3
    assert rules(invocation) == []


@pytest.mark.parametrize("using", ["httpx", "httpcore"])
@pytest.mark.parametrize("mode", ["asyncio", "trio"])
def test_respx_lets_requests_into_an_app_pass(mode: Any, using: str) -> None:
    kit = Kit(httpx, mode)

    async def scenario() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app()), base_url="http://app") as client:
            await kit.gather(*[lambda: client.get("/fan-out/6")] * 10)

    with guarded() as invocation, respx.mock(using=using, assert_all_called=False) as router:
        router.route(host="app").pass_through()
        router.get("http://upstream/").respond(200, text="upstream")
        kit.run(scenario)
    assert rules(invocation) == []
    assert count(invocation) == 0
    assert invocation.worst().subrequests == 6


@pytest.mark.parametrize("using", ["httpx", "httpcore"])
@pytest.mark.parametrize("mode", ["sync", "asyncio"])  # httpx-retries does not know trio
def test_respx_that_lets_a_retrying_transport_pass(server: Loopback, mode: Any, using: str) -> None:
    httpx_kit = Kit(httpx, mode)
    retry = httpx_retries.Retry(total=2, backoff_factor=0, status_forcelist=[500])
    retry_transport = httpx_retries.RetryTransport(retry=retry)

    async def scenario() -> None:
        async with httpx_kit.client(retry_transport) as client:
            assert (await settled(client.get(f"{server.url}/status/500"))).status_code == 500

    with guarded() as invocation, respx.mock(using=using) as router:
        router.route(host="127.0.0.1").pass_through()
        httpx_kit.run(scenario)
    assert len(server.seen) == 3
    assert count(invocation) == 3


def test_pytest_httpx(httpx_kit: Kit, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(url="http://mock/", text="hello", is_reusable=True)
    with guarded() as invocation:
        httpx_kit.run(lambda: get_all(httpx_kit, "http://mock/"))
    assert count(invocation) == 3
    assert rules(invocation) == []


def test_pytest_httpx_that_raises(httpx_kit: Kit, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_exception(httpx.ReadTimeout("slow"), is_reusable=True)

    async def scenario() -> None:
        async with httpx_kit.client() as client:
            for _ in range(8):
                with pytest.raises(httpx.ReadTimeout):
                    await settled(client.get("http://mock/"))

    with guarded() as invocation:
        httpx_kit.run(scenario)
    assert rules(invocation) == []
    assert count(invocation) == 8


def sends(kit: Kit, subclass: bool) -> tuple[Any, str, Any, Any]:
    """What a user patches, what they patch it with, and a transport of the class or of one that extends it."""
    library: Any = kit.library
    owner = library.AsyncHTTPTransport if kit.asynchronous else library.HTTPTransport
    name = "handle_async_request" if kit.asynchronous else "handle_request"

    def patched(_: Any, __: Any) -> Any:
        return library.Response(200, text="hello")

    async def patched_async(_: Any, __: Any) -> Any:
        return library.Response(200, text="hello")

    class Extending(owner):  # type: ignore[misc, valid-type]
        def handle_request(self, request: Any) -> Any:
            return super().handle_request(request)

        async def handle_async_request(self, request: Any) -> Any:
            return await super().handle_async_request(request)

    made = (Extending if subclass else owner)(verify=False, trust_env=False)
    return owner, name, patched_async if kit.asynchronous else patched, made


@pytest.mark.parametrize("subclass", [False, True], ids=["the class", "a subclass"])
def test_a_monkeypatch_from_before(kit: Kit, monkeypatch: pytest.MonkeyPatch, *, subclass: bool) -> None:
    owner, name, patched, transport = sends(kit, subclass)
    original = vars(owner)[name]

    async def scenario() -> None:
        async with kit.client(transport) as client:
            assert (await settled(client.get("http://mock/"))).text == "hello"

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, patched)
        with guarded() as invocation:
            kit.run(scenario)
        assert vars(owner)[name] is patched
    assert vars(owner)[name] is original
    assert count(invocation) == 1


@pytest.mark.parametrize("subclass", [False, True], ids=["the class", "a subclass"])
@pytest.mark.parametrize("undone", ["within", "afterwards"])
def test_a_monkeypatch_in_the_middle(kit: Kit, server: Loopback, undone: str, *, subclass: bool) -> None:
    owner, name, patched, transport = sends(kit, subclass)
    original = vars(owner)[name]
    patch = pytest.MonkeyPatch()

    async def scenario() -> None:
        async with kit.client(transport) as client:
            assert (await settled(client.get(f"{server.url}/plain"))).text == "hello"
            patch.setattr(owner, name, patched)
            assert (await settled(client.get(f"{server.url}/plain"))).text == "hello"
            if undone == "within":
                patch.undo()
                assert (await settled(client.get(f"{server.url}/plain"))).text == "hello"

    with guarded() as invocation:
        kit.run(scenario)
    patch.undo()
    restore()
    assert vars(owner)[name] is original
    assert count(invocation) == (3 if undone == "within" else 2)
    assert len(server.seen) == (2 if undone == "within" else 1)
