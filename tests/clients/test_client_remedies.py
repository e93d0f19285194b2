"""The fix that a message shows runs where the requests were sent: under asyncio, under trio, or in threads."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from pytest_cfworkers import Invocation, Limits
from pytest_cfworkers.d1 import D1Database
from tests.clients.kit import Kit, Mode, guarded

FIXES: Final[dict[Mode, list[str]]] = {
    "asyncio": ["asyncio.Semaphore(1)", "asyncio.timeout(seconds)", "await response.aclose()"],
    "trio": ["trio.CapacityLimiter(1)", "trio.fail_after(seconds)", "await response.aclose()"],
    "sync": ["ThreadPoolExecutor(max_workers=1)", "client.get(url, timeout=seconds)", " response.close()"],
}
FOREIGN: Final[dict[Mode, list[str]]] = {
    "asyncio": ["trio", "Thread", "threading"],
    "trio": ["asyncio", "Thread", "threading"],
    "sync": ["asyncio", "trio", "await", "async"],
}
ONE: Final = Limits.plan().replace(connections=1)


def fixes(invocation: Invocation) -> Iterator[tuple[str, str]]:
    """Yield each rule that was broken, and its fix."""
    for violation in invocation.violations:
        yield violation.rule, violation.remedy.partition("Fix:\n")[2].partition("\nOn purpose?")[0]


def test_each_fix_is_written_for_how_the_requests_were_sent(kit: Kit) -> None:
    """One request holds the slot, one runs out of time in the queue, and one is left unread."""
    gate, arrived = kit.gate(), []

    async def handle(request: Any) -> Any:
        arrived.append(request)
        await gate.wait()
        return kit.library.Response(200, text="hello")

    async def scenario() -> None:
        async def second() -> None:
            await kit.until(lambda: bool(arrived))
            with pytest.raises(kit.library.PoolTimeout):
                await kit.opened(client, "http://mock/", timeout=kit.library.Timeout(None, pool=0.01))
            gate.open()

        async with kit.client(kit.mock(handle)) as client:
            await kit.gather(lambda: kit.opened(client, "http://mock/"), second)

    with guarded(ONE) as invocation:
        kit.run(scenario)
    told = dict(fixes(invocation))
    assert list(told) == ["connections", "queued-timeout", "unread-body"]
    for fix, expected in zip(told.values(), FIXES[kit.mode], strict=True):
        assert expected in fix
        assert not [word for word in FOREIGN[kit.mode] if word in fix]


@pytest.mark.parametrize("enforce", [True, False])
def test_connections_are_known_by_how_they_were_sent_also_where_nothing_waits(kit: Kit, *, enforce: bool) -> None:
    async def scenario() -> None:
        async with kit.client(kit.mock()) as client:
            await kit.gather(*[lambda: kit.opened(client, "http://mock/")] * 3)

    with guarded(ONE, enforce=enforce) as invocation:
        kit.run(scenario)
    seventh = invocation.connections.seventh
    assert seventh is not None
    assert seventh.manner == ("thread" if kit.mode == "sync" else kit.mode)


def test_one_thread_that_holds_them_all_is_told_to_close_and_not_to_take_a_pool(sync_kit: Kit) -> None:
    async def scenario() -> None:
        async with sync_kit.client(sync_kit.mock()) as client:
            kept = [await sync_kit.opened(client, "http://mock/") for _ in range(3)]
            for response in kept:
                await sync_kit.close(response)

    with guarded(ONE) as invocation:
        sync_kit.run(scenario)
    ((rule, fix),) = fixes(invocation)
    assert (rule, "with client.stream(method, url)" in fix, "Pool" in fix) == ("connections", True, False)


def test_the_first_beyond_the_limit_decides_where_both_are_used(httpx_kit: Kit) -> None:
    async def scenario() -> None:
        async with httpx_kit.client(httpx_kit.mock()) as client:
            kept.append(await httpx_kit.opened(client, "http://mock/"))
            with httpx_kit.library.Client(transport=httpx_kit.library.MockTransport(lambda _: answer)) as blocking:
                request = blocking.build_request("GET", "http://mock/")
                kept.extend(blocking.send(request, stream=True) for _ in range(2))

    kept: list[Any] = []  # what is garbage collected is closed
    answer = httpx_kit.library.Response(200)
    with guarded(ONE, enforce=False) as invocation:
        httpx_kit.run(scenario)
    assert "with client.stream(method, url)" in dict(fixes(invocation))["connections"]
    first = "response.close()" if httpx_kit.mode == "sync" else "await response.aclose()"
    assert first in dict(fixes(invocation))["unread-body"]


def test_round_trips_to_d1_beyond_the_limit_are_known_by_their_loop(async_kit: Kit) -> None:
    async def scenario() -> None:
        database = D1Database()
        async with async_kit.client(async_kit.mock()) as client:
            kept = [await async_kit.opened(client, "http://mock/") for _ in range(2)]
            await database.prepare("SELECT 1").run()
            for response in kept:
                await async_kit.close(response)

    with guarded(Limits.plan().replace(connections=2), enforce=False) as invocation:
        async_kit.run(scenario)
    assert FIXES[async_kit.mode][0].replace("(1)", "(2)") in dict(fixes(invocation))["connections"]
