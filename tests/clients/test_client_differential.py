"""A client's results are the same with and without the guard: every public attribute, every exception."""

from typing import Any

import pytest

from pytest_cfworkers import Invocation, Limits
from pytest_cfworkers.clients import dialects
from pytest_cfworkers.clients.watch import watch
from tests.clients.kit import Kit
from tests.clients.loopback import Loopback
from tests.clients.scenarios import SCENARIOS, differences

# httpx leaves the generators of a body that is broken off to the collector, and trio says so.
pytestmark = pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")

NEVER_SENT = {"wrong_kind_of_upload"}
"""Refused by the client before it sends: what watches the client cannot know, a transport can."""

LOADED = {"loaded_mocks"}
AS_FROM_THE_NETWORK = (".elapsed", ".num_bytes_downloaded")
"""A guarded transport cannot know that the client will read, so it hands on what a mock has loaded as unread."""


def bare(transport: Any) -> Any:
    return transport


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_guard_changes_nothing_that_a_client_can_see(kit: Kit, server: Loopback, name: str) -> None:
    play = SCENARIOS[name]

    def guarded(transport: Any) -> Any:
        return dialects.of(kit.library.Request("GET", "http://any")).guarded(transport)

    without = kit.run(lambda: play(kit, server.url, bare))
    with watch(), Invocation(Limits.none()) as watched:
        seen = kit.run(lambda: play(kit, server.url, bare))
    with Invocation(Limits.none()) as held:
        passed = kit.run(lambda: play(kit, server.url, guarded))

    assert list(differences(without, seen)) == []
    found = differences(without, passed)
    if name in LOADED:
        found = (place for place in found if not place.partition(":")[0].endswith(AS_FROM_THE_NETWORK))
    assert list(found) == []
    assert watched.connections.holders == held.connections.holders == ()
    if name not in NEVER_SENT:
        assert watched.statistics().subrequests == held.statistics().subrequests
