"""When the guard is not active, nothing of httpx and httpx2 is patched."""

import gc
import weakref
from typing import Any

import httpx
import httpx2
import pytest

from pytest_cfworkers.clients.departure import inside
from pytest_cfworkers.clients.watch import restore, watch
from tests.clients.kit import Kit, guarded, settled
from tests.clients.test_client_incoming import into, make_app
from tests.clients.test_client_wrappers import get, make_wrapper

CLASSES = tuple(
    getattr(library, name)
    for library in (httpx, httpx2)
    for name in (
        *("Client", "AsyncClient", "HTTPTransport", "AsyncHTTPTransport", "MockTransport", "ASGITransport"),
        *("WSGITransport", "BaseTransport", "AsyncBaseTransport", "Response", "Request", "ByteStream"),
    )
)


def attributes() -> dict[tuple[type[Any], str], Any]:
    lazy = "__annotations__"  # Python makes it when it is first looked at
    return {(owner, name): value for owner in CLASSES for name, value in vars(owner).items() if name != lazy}


def extending(kit: Kit) -> Any:
    class Extending(kit.library.MockTransport):  # type: ignore[misc, name-defined]
        def handle_request(self, request: Any) -> Any:
            return super().handle_request(request)

        async def handle_async_request(self, request: Any) -> Any:
            return await super().handle_async_request(request)

    return Extending(kit.mock().handler)


def test_everything_is_as_before(kit: Kit) -> None:
    before = attributes()
    bottom = kit.mock()
    with guarded():
        kit.run(lambda: get(kit, bottom))
        kit.run(lambda: get(kit, make_wrapper(kit, "attribute", bottom)))
        kit.run(lambda: get(kit, extending(kit)))
        assert attributes() != before
        assert "handle_request" in vars(bottom)
    assert attributes() == before
    assert list(vars(bottom)) == ["handler"]
    assert len(inside) == 0


def test_everything_is_as_before_also_where_the_block_raises(kit: Kit) -> None:
    before = attributes()

    async def scenario() -> None:
        await get(kit, extending(kit))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), guarded():
        kit.run(scenario)
    assert attributes() == before


@pytest.mark.parametrize("name", ["_send_single_request", "send"])
def test_somebody_patched_over_it_and_undid_it_later(kit: Kit, name: str) -> None:
    before = attributes()
    owner = kit.library.AsyncClient if kit.asynchronous else kit.library.Client
    patch = pytest.MonkeyPatch()
    with watch():
        ours = getattr(owner, name)

        def over(self: Any, *arguments: Any, **options: Any) -> Any:
            return ours(self, *arguments, **options)

        patch.setattr(owner, name, over)
        kit.run(lambda: get(kit, kit.mock()))
    assert vars(owner)[name] is over
    patch.undo()
    restore()
    assert attributes() == before


def test_the_next_watch_is_as_it_was_asked_for_although_somebody_undid_late(async_kit: Kit) -> None:
    before = attributes()
    owner = async_kit.library.AsyncClient
    patch = pytest.MonkeyPatch()

    async def scenario() -> None:
        async with into(async_kit, make_app()) as client:
            await client.get("/fan-out/1")

    with watch():
        patch.setattr(owner, "_send_single_request", None)
    patch.undo()
    with guarded(incoming=False) as invocation:
        async_kit.run(scenario)
    assert invocation.statistics().subrequests == 2
    assert attributes() == before


def test_a_watch_within_a_watch_ends_for_itself(kit: Kit) -> None:
    before = attributes()
    with guarded() as invocation:
        with watch():
            kit.run(lambda: get(kit, kit.mock()))
        restore()
        kit.run(lambda: get(kit, kit.mock()))
    assert invocation.statistics().subrequests == 2
    assert attributes() == before


def test_what_was_replaced_and_overwritten_is_not_kept_for_ever(kit: Kit) -> None:
    """A mock that replaces the method of a transport for good leaves nothing of ours to put back."""

    async def scenario() -> None:
        bottom = kit.mock()
        async with kit.client(make_wrapper(kit, "attribute", bottom)) as client:
            await settled(client.get("http://mock/"))
            bottom.handle_request = bottom.handle_async_request = None
        gone.append(weakref.ref(bottom))

    gone: list[Any] = []
    with guarded():
        kit.run(scenario)
    gc.collect()
    restore()
    assert len(inside) == 0
    assert gone[0]() is None
