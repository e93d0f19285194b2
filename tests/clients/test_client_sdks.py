"""SDKs from PyPI that make an HTTP client of their own: counted, and the line of the test is named."""

import asyncio
from typing import Any

import anthropic
import openai
import pytest

from tests.clients.kit import guarded, rules, until_async
from tests.clients.loopback import Loopback

SDKS: dict[str, tuple[Any, Any, str]] = {
    "openai": (openai.OpenAI, openai.AsyncOpenAI, "/v1"),
    "anthropic": (anthropic.Anthropic, anthropic.AsyncAnthropic, ""),
}


@pytest.fixture(params=list(SDKS))
def sdk(request: pytest.FixtureRequest, server: Loopback) -> tuple[Any, Any, dict[str, Any]]:
    made, made_async, path = SDKS[request.param]
    return made, made_async, {"api_key": "none", "base_url": server.url + path, "max_retries": 0}


def test_requests_are_counted_and_the_line_is_named(sdk: Any, server: Loopback) -> None:
    made, _, options = sdk
    with guarded() as invocation, made(**options) as client:
        client.models.list()
        client.models.list()
    assert invocation.statistics().subrequests == len(server.seen) == 2
    assert rules(invocation) == []
    frame = invocation.connections.closed[0].site.frames[0]
    assert (frame.path, frame.source()) == (__file__, "client.models.list()")


def test_seven_at_once_are_one_too_many(sdk: Any) -> None:
    _, made, options = sdk

    async def scenario() -> None:
        async with made(**options) as client:

            async def ask() -> None:
                await client.models.list()

            await asyncio.gather(*(ask() for _ in range(7)))
            await until_async(lambda: invocation.connections.holders == ())

    with guarded() as invocation:
        asyncio.run(scenario())
    assert rules(invocation) == ["connections"]
    frame = invocation.violations[0].frames[0]
    assert (frame.path, frame.source()) == (__file__, "await client.models.list()")


def test_retries_are_subrequests(sdk: Any, server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _, options = sdk
    monkeypatch.setattr(made, "_calculate_retry_timeout", lambda *_, **__: 0.0)
    client = made(**{**options, "base_url": f"{server.url}/status/500", "max_retries": 2})
    errors = (openai.InternalServerError, anthropic.InternalServerError)
    with guarded() as invocation, client, pytest.raises(errors):
        client.models.list()
    assert invocation.statistics().subrequests == len(server.seen) == 3


def test_a_raw_response_that_is_left_is_an_unread_body(sdk: Any) -> None:
    made, _, options = sdk
    with guarded() as invocation, made(**options) as client:
        left = client.models.with_streaming_response.list().__enter__()
    assert rules(invocation) == ["unread-body"]
    assert invocation.violations[0].frames[0].path == __file__
    left.close()
