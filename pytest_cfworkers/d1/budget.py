"""What a round trip to D1 costs the invocation that makes it: a query, a subrequest, and a slot while it runs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, final

from pytest_cfworkers import admission, attribution
from pytest_cfworkers.callsite import capture
from pytest_cfworkers.manner import manner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pytest_cfworkers.d1.channel import RoundTrip


@final
class Budget:
    """Counts round trips into the current invocation, and lets them wait for one of its slots."""

    @asynccontextmanager
    async def round_trip(self, trip: RoundTrip) -> AsyncIterator[None]:
        """Surround one round trip."""
        invocation = attribution.current()
        if invocation is None:
            yield
            return
        site = capture()
        connection = invocation.requests.open_internal(
            f"D1 {trip.kind}", site, statements=trip.statements or ("",), parameters=trip.parameters
        )
        try:
            if connection.beyond:
                connection.manner = manner(True)
            if connection.state == "queued":
                await admission.wait_for_slot_async(invocation, connection, None)
            elif admission.others_are_ready():
                await admission.checkpoint()
            yield
        except BaseException as error:
            admission.fail(invocation, connection, error)
            raise
        invocation.requests.headers(connection, body=False)
        for scan in trip.scans(site):
            invocation.requests.note_scan(scan)


BUDGET: Final = Budget()
"""It keeps nothing: the invocation does."""
