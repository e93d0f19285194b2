"""`guard_app`: requests of other test clients into an app are invocations of their own, too."""

import asyncio
from typing import Any

import django
import flask
import httpx
import pytest
from django.conf import settings
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from pytest_cfworkers import Invocation, guard_app
from tests.clients.kit import guarded, rules
from tests.clients.test_client_incoming import make_app


def send(number: int = 1) -> str:
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, text="x"))) as client:
        return "".join(client.get("http://upstream/").text for _ in range(number))


def own(invocation: Invocation) -> int:
    return invocation.statistics().subrequests


@pytest.fixture
def flask_app() -> flask.Flask:
    app = flask.Flask(__name__)
    app.wsgi_app = guard_app(app.wsgi_app)  # type: ignore[method-assign]

    @app.get("/<int:number>")
    def endpoint(number: int) -> str:
        return send(number)

    @app.get("/stream")
    def stream() -> flask.Response:
        return flask.Response(send(1) for _ in range(3))

    @app.get("/fail")
    def fail() -> str:
        raise ZeroDivisionError

    return app


def test_flask(flask_app: flask.Flask) -> None:
    with guarded() as invocation, flask_app.test_client() as client:
        assert [client.get("/3").text for _ in range(5)] == ["xxx"] * 5
        assert client.get("/stream").text == "xxx"
        assert client.get("/fail").status_code == 500
    assert own(invocation) == 0
    assert invocation.worst().subrequests == 3


def test_flask_while_a_stream_is_read_the_test_is_itself(flask_app: flask.Flask) -> None:
    """Between two parts of a streamed response the test sends for itself, and streams may be read in turns."""
    with guarded() as invocation, flask_app.test_client() as client:
        one, two = (iter(client.get("/stream").response) for _ in range(2))
        send()
        assert [next(one), next(two), next(one), next(two)] == [b"x"] * 4
        send()
        assert [*one, *two] == [b"x"] * 2
        send()
    assert own(invocation) == 3


def test_flask_without_a_guarded_test(flask_app: flask.Flask) -> None:
    with flask_app.test_client() as client:
        assert client.get("/stream").text == "xxx"


@pytest.fixture
def django_client() -> type[Any]:
    if not settings.configured:
        settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="none", DATABASES={})
        django.setup()
    from django.test import Client  # noqa: PLC0415 - only after the settings

    return Client  # type: ignore[no-any-return]


def django_view(request: Any) -> Any:
    from django.http import HttpResponse, StreamingHttpResponse  # noqa: PLC0415 - only after the settings

    if request.path == "/stream":
        return StreamingHttpResponse(send(1) for _ in range(3))
    return HttpResponse(send(int(request.path[1:])))


def __getattr__(name: str) -> Any:
    if name == "urlpatterns":
        from django.urls import re_path  # noqa: PLC0415 - only after the settings

        return [re_path("", django_view)]
    raise AttributeError(name)


def test_django(django_client: type[Any]) -> None:
    client = django_client()
    client.handler = guard_app(client.handler)
    with guarded() as invocation:
        assert [client.get("/3").content for _ in range(5)] == [b"xxx"] * 5
    assert own(invocation) == 0
    assert invocation.worst().subrequests == 3


def test_django_asynchronously(django_client: type[Any]) -> None:
    from django.test import AsyncClient  # noqa: PLC0415 - only after the settings

    assert django_client
    client = AsyncClient()
    client.handler = guard_app(client.handler)

    async def scenario() -> list[bytes]:
        return [response.content for response in await asyncio.gather(*(client.get("/3") for _ in range(7)))]

    with guarded() as invocation:
        assert asyncio.run(scenario()) == [b"xxx"] * 7
    assert own(invocation) == 0
    assert rules(invocation) == []
    assert invocation.worst().subrequests == 3


def test_an_asgi_app_stays_one_for_those_who_look_at_it() -> None:
    """A test client asks whether the app is asynchronous; and one request is one event, not two."""
    with guarded() as invocation, TestClient(guard_app(make_app())) as client:
        assert client.get("/fan-out/6").status_code == 200
        client.get("/fan-out/7")
    assert own(invocation) == 0
    assert rules(invocation) == ["connections"]


def test_as_middleware_of_starlette() -> None:
    app = make_app(middleware=[Middleware(guard_app)])
    with guarded() as invocation, TestClient(app) as client:
        assert client.get("/fan-out/6").status_code == 200
        client.get("/fan-out/7")
    assert own(invocation) == 0
    assert rules(invocation) == ["connections"]
    assert str(invocation.violations[0]).count("GET /fan-out/7") == 1


def test_attributes_of_the_app_are_there(flask_app: flask.Flask) -> None:
    app = guard_app(flask_app)
    assert app.test_client == flask_app.test_client
    with pytest.raises(AttributeError):
        _ = app.no_such_thing


def test_a_server_that_was_started_before_in_the_same_loop_asks_for_it_all_the_same() -> None:
    """Its tasks count for nobody, and what the guarded app does in them for the request."""

    async def app(scope: Any, receive: Any, send_event: Any) -> None:  # noqa: ARG001 - ASGI
        send(3)

    async def main() -> None:
        asked, answered = asyncio.Event(), asyncio.Event()

        async def serve() -> None:
            await asked.wait()
            send()
            await guard_app(app)({"type": "http", "method": "GET", "path": "/"}, None, None)
            answered.set()

        server = asyncio.create_task(serve())
        await asyncio.sleep(0)
        with guarded() as invocation:
            asked.set()
            await answered.wait()
        await server
        assert own(invocation) == 0
        assert invocation.worst().subrequests == 3

    asyncio.run(main())
