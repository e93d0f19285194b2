"""Every transport is seen, whoever made the client; and each hop of a redirect is a subrequest."""

from typing import Any

import pytest

from pytest_cfworkers import Limits
from tests.clients.kit import Kit, guarded, rules, settled
from tests.clients.loopback import Loopback


def count(invocation: Any) -> int:
    subrequests: int = invocation.statistics().subrequests
    return subrequests


def test_a_transport_of_a_class_of_its_own(kit: Kit) -> None:
    async def handle(_: Any) -> Any:
        return kit.library.Response(200, text="own")

    async def scenario() -> None:
        async with kit.client(kit.transport(handle)) as client:
            assert (await settled(client.get("http://mock/"))).text == "own"

    with guarded() as invocation:
        kit.run(scenario)
    assert count(invocation) == 1


def test_mounted_transports(kit: Kit) -> None:
    async def scenario() -> None:
        async with kit.client(kit.mock(), mounts={"all://mounted": kit.mock(), "all://none": None}) as client:
            await settled(client.get("http://mounted/"))
            await settled(client.get("http://other/"))

    with guarded() as invocation:
        kit.run(scenario)
    assert count(invocation) == 2


@pytest.mark.parametrize("method", ["get", "head", "options", "delete", "post", "put", "patch"])
def test_top_level_functions(sync_kit: Kit, server: Loopback, method: str) -> None:
    send = getattr(sync_kit.library, method)
    with guarded() as invocation:
        assert send(f"{server.url}/plain", trust_env=False, verify=False).status_code == 200
    assert count(invocation) == 1
    assert invocation.connections.closed[0].site.frames[0].path == __file__


def test_the_top_level_stream(sync_kit: Kit, server: Loopback) -> None:
    with guarded() as invocation:
        with sync_kit.library.stream("GET", f"{server.url}/chunked", trust_env=False, verify=False) as response:
            assert invocation.connections.holders
            assert response.read() == b"one two three"
        assert invocation.connections.holders == ()
    assert rules(invocation) == []


def test_each_hop_of_a_redirect_is_a_subrequest(kit: Kit, server: Loopback) -> None:
    async def scenario() -> None:
        async with kit.client(follow_redirects=True) as client:
            assert (await settled(client.get(f"{server.url}/redirect/3"))).text == "hello"

    with guarded(Limits.plan().replace(subrequests=3)) as invocation:
        kit.run(scenario)
    assert count(invocation) == len(server.seen) == 4
    assert rules(invocation) == ["subrequests"]
    assert invocation.statistics().peak_connections == 1


def test_each_step_of_an_authentication_is_a_subrequest(kit: Kit, server: Loopback) -> None:
    async def scenario() -> None:
        async with kit.client(auth=kit.library.DigestAuth("user", "password")) as client:
            assert (await settled(client.get(f"{server.url}/basic"))).text == "welcome"

    with guarded() as invocation:
        kit.run(scenario)
    assert count(invocation) == len(server.seen) == 2


def test_settings_of_the_client_do_not_change_the_count(async_kit: Kit, server: Loopback) -> None:
    """`httpx.Limits` pools sockets; on Workers each request is a fetch all the same."""

    async def scenario() -> None:
        limits = async_kit.library.Limits(max_connections=2)
        async with async_kit.client(limits=limits, timeout=10) as client:
            await async_kit.gather(*[lambda: client.get(f"{server.url}/plain")] * 9)

    with guarded() as invocation:
        async_kit.run(scenario)
    assert invocation.statistics().peak_connections == 9
    assert len(server.seen) == 9


def test_a_streamed_upload_is_sent_once(kit: Kit, server: Loopback) -> None:
    async def scenario() -> None:
        async def parts() -> Any:
            yield b"some "
            yield b"parts"

        async with kit.client() as client:
            content = parts() if kit.asynchronous else iter([b"some ", b"parts"])
            await settled(client.post(f"{server.url}/echo", content=content))

    with guarded() as invocation:
        kit.run(scenario)
    assert server.bodies == [b"some parts"]
    assert count(invocation) == 1


def test_nothing_is_counted_outside_of_an_invocation_or_while_it_is_paused(kit: Kit) -> None:
    async def scenario() -> None:
        async with kit.client(kit.mock()) as client:
            await settled(client.get("http://mock/"))

    with guarded() as invocation:
        with invocation.paused():
            kit.run(scenario)
        kit.run(scenario)
    kit.run(scenario)
    assert count(invocation) == 1


def test_secrets_of_a_url_are_not_told(kit: Kit) -> None:
    async def scenario() -> None:
        async with kit.client(kit.mock()) as client:
            await settled(client.get("http://user:secret@mock/path?token=secret#secret"))

    with guarded() as invocation:
        kit.run(scenario)
    assert str(invocation.connections.closed[0].label) == "GET http://mock/path"
