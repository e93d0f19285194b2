"""`Peak`: what was open when the most ever was, beyond the limit."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Self, final

from pytest_cfworkers.callsite import Site
from pytest_cfworkers.guards.connection import Connection


@final
@dataclass(frozen=True, slots=True)
class Peak:
    """What was open at the peak; nothing while the limit is kept.

    Attributes:
        sites: How many connections each line had open.
        services: How many of them led to Cloudflare's services.
        threads: How many threads had opened them.
    """

    sites: Counter[Site] = field(default_factory=Counter)
    services: int = 0
    threads: int = 0

    @classmethod
    def of(cls, connections: Collection[Connection]) -> Self:
        """Look at what is open now."""
        return cls(
            Counter(connection.led() for connection in connections),
            sum(connection.service for connection in connections),
            len({connection.thread for connection in connections}),
        )
