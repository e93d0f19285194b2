"""`Connection`: one outgoing request from its start to its end."""

from collections.abc import Callable
from typing import Literal, Protocol, final

from pytest_cfworkers.callsite import Site
from pytest_cfworkers.carrier import Carrier, led_by

State = Literal["queued", "waiting", "streaming", "closed"]
"""Where a connection is in its life."""

Outcome = Literal["consumed", "cancelled", "failed", "evicted", "abandoned"]
"""How a connection ended; abandoned: its response was garbage collected with its body unread."""


Manner = Literal["asyncio", "trio", "thread"]
"""How a request is sent: awaited under asyncio or trio, or by a call that blocks its thread."""


class Waiter(Protocol):
    """What wakes the driver of a queued connection, from any thread."""

    def wake(self) -> None:
        """Let the driver look at the connection again."""


@final
class Connection:
    """One outgoing request. Times are seconds of the invocation's clock.

    What most connections never set is a default of the class: one is made for every request.

    Attributes:
        label: What it is for.
        site: The lines that opened it.
        thread: The thread that opened it.
        beyond: Whether it was opened when every slot was taken.
        idle_since: Since when nobody reads the body; None while somebody does, and before there is one.
        used: Numbers the last use of its body, in order: the least one is the least recently used.
        waiter: What wakes its driver while it is queued.
        service: Whether it leads to one of Cloudflare's services and not outside.
        manner: How it was sent. Known of one beyond the limit and of one whose body is streamed: others break nothing.
        carrier: What carries the work that opened it; None where nothing does.
        cancel: Closes its response where it is evicted; an asynchronous one returns an awaitable.
    """

    label: object
    site: Site
    thread: int
    opened_at: float
    state: State = "queued"
    outcome: Outcome | None = None
    beyond: bool = False
    admitted_at: float | None = None
    headers_at: float | None = None
    idle_since: float | None = None
    closed_at: float | None = None
    used: int = 0
    waiter: Waiter | None = None
    service: bool = False
    manner: Manner = "asyncio"
    carrier: Carrier | None = None
    cancel: Callable[[], object] | None = None
    _led: Site | None = None

    def __init__(self, label: object, site: Site, thread: int, opened_at: float) -> None:
        self.label = label
        self.site = site
        self.thread = thread
        self.opened_at = opened_at

    def led(self) -> Site:
        """Return the site, with who waited for its task or used its thread when this was asked first."""
        if self._led is None:
            self._led = led_by(self.site, self.carrier)
        return self._led

    def __repr__(self) -> str:
        return f"<Connection {self.label} {self.state}>"

    @property
    def queued_s(self) -> float:
        """Seconds that it spent in the queue."""
        end = self.admitted_at if self.admitted_at is not None else self.closed_at
        return 0.0 if end is None else end - self.opened_at
