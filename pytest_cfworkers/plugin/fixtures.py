"""The fixtures."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, final

import pytest

from pytest_cfworkers.plugin.stash import GUARD

if TYPE_CHECKING:
    import httpx

    from pytest_cfworkers.clients.httpx import GuardedTransport
    from pytest_cfworkers.invocation import Invocation
    from pytest_cfworkers.plugin.guard import Guard
    from pytest_cfworkers.plugin.memory import Memory
    from pytest_cfworkers.statistics import Statistics
    from pytest_cfworkers.timer import Timer


@final
class Ledger:
    """What the current invocation has used so far."""

    def __init__(self, guard: "Guard") -> None:
        self._guard = guard

    def statistics(self) -> "Statistics":
        """Return what was used so far."""
        __tracebackhide__ = True
        return self._current().statistics()

    def paused(self) -> AbstractContextManager[None]:
        """Let what is done in the block not count: it arranges the test and is not the Worker's own work."""
        __tracebackhide__ = True
        return self._current().paused()

    def _current(self) -> "Invocation":
        __tracebackhide__ = True
        from pytest_cfworkers import attribution  # noqa: PLC0415 - only with guarded tests

        return attribution.current() or self._guard.invocation


@pytest.fixture
def cf_transport(request: pytest.FixtureRequest) -> "Generator[GuardedTransport]":
    """A guarded transport over the network, synchronous and asynchronous, to hand to the code under test."""
    from pytest_cfworkers.clients.httpx import GuardedTransport  # noqa: PLC0415 - only where it is asked for

    transport = GuardedTransport()
    _guard(request).closers.append(transport.aclose)
    yield transport
    transport.close()


@pytest.fixture
def cf_client(request: pytest.FixtureRequest, cf_transport: "GuardedTransport") -> "httpx.AsyncClient":
    """A guarded `httpx.AsyncClient`. It is closed when the test's function ends, if that is asynchronous.

    Only in the event loop that it was used in can it be closed: a test that runs one of its own closes it there.
    """
    import httpx  # noqa: PLC0415 - only where it is asked for

    client = httpx.AsyncClient(transport=cf_transport)
    _guard(request).closers.append(client.aclose)
    return client


@pytest.fixture
def cf_sync_client(cf_transport: "GuardedTransport") -> "Generator[httpx.Client]":
    """A guarded `httpx.Client`."""
    import httpx  # noqa: PLC0415 - only where it is asked for

    with httpx.Client(transport=cf_transport) as client:
        yield client


@pytest.fixture
def cf_invocation(request: pytest.FixtureRequest) -> "Callable[..., Invocation]":
    """Make a function that opens invocations, each with budgets of its own.

    In `with cf_invocation(subrequests=5):` the keys are those of the mark `cf_limits`. The end of the block raises
    `CfLimitExceeded` if a limit was broken.
    """
    guard = _guard(request)

    def open_invocation(*wrong: object, **limits: Any) -> "Invocation":
        __tracebackhide__ = True
        from pytest_cfworkers import keys  # noqa: PLC0415 - only where it is asked for

        keys.only_keys("cf_invocation", wrong, "subrequests=5")
        keys.known("cf_invocation", limits, keys.KEYS)
        return guard.open(guard.limits.replace(**limits))

    return open_invocation


@pytest.fixture
def cf_ledger(request: pytest.FixtureRequest) -> Ledger:
    """What the current invocation has used so far: `.statistics()`, and `.paused()` for arranging a test."""
    return Ledger(_guard(request))


@pytest.fixture
def cf_memory(request: pytest.FixtureRequest) -> "Memory":
    """The test's memory: `.current`, `.peak`, `.limit`, `.headroom`, `.checkpoint(name)`, `.assert_under(size)`."""
    from pytest_cfworkers.plugin.memory import Memory  # noqa: PLC0415 - only where it is asked for

    return Memory(_guard(request))


@pytest.fixture
def cf_timer(request: pytest.FixtureRequest) -> "Timer":
    """A stopwatch for the test's function: `.checkpoint(name)`, `.report()`, `.with_timeout(...)`."""
    from pytest_cfworkers.timer import Timer  # noqa: PLC0415 - only where it is asked for

    timer = Timer()
    _guard(request).starters.append(timer.follow)
    return timer


def _guard(request: pytest.FixtureRequest) -> "Guard":
    guard: Guard | None = request.node.stash.get(GUARD, None)
    if guard is None:
        pytest.fail(
            f"{request.node.nodeid}: {request.fixturename} was asked for by getfixturevalue in a test that is not "
            f"guarded. Name it in the arguments of the test or in @pytest.mark.usefixtures, or mark the test with "
            f"cf_limits, so that it is guarded from its start.",
            pytrace=False,
        )
    return guard
