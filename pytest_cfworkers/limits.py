"""The platform's numbers, each with unit, plans, source and date.

No other file states a number of the platform.
"""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, get_args

from pytest_cfworkers.choices import Plan

Rule = Literal[
    "connections",
    "queued-timeout",
    "unread-body",
    "subrequests",
    "internal-subrequests",
    "d1-queries",
    "memory",
    "cpu-time",
    "wall-time",
]

RULES: Final[tuple[Rule, ...]] = get_args(Rule)

CHECKED: Final = dt.date(2026, 11, 24)
"""The day on which the sources below were last read."""

CONNECTIONS_RELAXED: Final = dt.date(2026, 4, 9)
"""Since this day a connection holds its slot until its headers arrive; before, until its body was read."""
CONNECTIONS_RELAXED_SOURCE: Final = "https://developers.cloudflare.com/changelog/2026-04-09-relaxed-connection-limiting"
CLOSED_DUE_TO_LIMIT: Final = "Response closed due to connection limit"
"""What the platform says on a response that it cancelled to make room for a waiting connection."""

RESOLUTION_MS: Final = 0.001
"""The least limit of time: two readings of a clock take about as long, so less would be judged by chance."""

_WORKERS: Final = "https://developers.cloudflare.com/workers/platform/limits/"


class Limit(NamedTuple):  # a dataclass takes five times as long to make
    """One limit of the platform.

    Attributes:
        key: Its name in `cf_limits(...)` and on `Limits`.
        rule: The name of the violation that breaking it makes.
        title: What is limited, in a few words.
        unit: The unit of the numbers; "bytes" are shown as sizes.
        free: The number of the free plan; None where the plan has none.
        paid: The number of the paid plan; None where the plan has none.
        source: The page that states it.
        help: One sentence for `pytest --markers`.
        checked: The day on which that page was read.
    """

    key: str
    rule: Rule
    title: str
    unit: str
    free: int | None
    paid: int | None
    source: str
    help: str
    checked: dt.date = CHECKED

    def number(self, plan: Plan) -> int | None:
        """Return the number of a plan."""
        return self.free if plan == "free" else self.paid

    def format(self, value: float) -> str:
        """Write a number of this limit with its unit."""
        if self.unit == "bytes":
            from pytest_cfworkers.size import format_size  # noqa: PLC0415 - most runs write none

            return format_size(int(value))
        return f"{value:,.0f} {self.unit}" if self.unit == "ms" else f"{value:,}"


LIMITS: Final[tuple[Limit, ...]] = (
    Limit(
        key="connections",
        rule="connections",
        title="simultaneous connections",
        unit="connections",
        free=6,
        paid=6,
        source=_WORKERS + "#simultaneous-open-connections",
        help="connections that may be open at once",
    ),
    Limit(
        key="unread_bodies",
        rule="unread-body",
        title="unread response bodies",
        unit="bodies",
        free=0,
        paid=0,
        source=_WORKERS + "#simultaneous-open-connections",
        help="responses that may be left neither read to the end nor closed",
    ),
    Limit(
        key="subrequests",
        rule="subrequests",
        title="subrequests",
        unit="subrequests",
        free=50,
        paid=10_000,
        source=_WORKERS + "#subrequests",
        help="external requests, each redirect hop included",
    ),
    Limit(
        key="internal_subrequests",
        rule="internal-subrequests",
        title="subrequests to Cloudflare services",
        unit="subrequests",
        free=1_000,
        paid=10_000,
        source=_WORKERS + "#subrequests",
        help="calls of D1, KV, R2, Queues and Durable Objects",
    ),
    Limit(
        key="d1_queries",
        rule="d1-queries",
        title="D1 queries",
        unit="queries",
        # The D1 page still says 50 and 1,000, the general numbers from before February 2026; the Workers page
        # and a measurement on a free account in October 2026 agree on these.
        free=1_000,
        paid=10_000,
        source="https://developers.cloudflare.com/d1/platform/limits/",
        help="D1 statements",
    ),
    Limit(
        key="memory",
        rule="memory",
        title="memory",
        unit="bytes",
        free=128 * 2**20,
        paid=128 * 2**20,
        source=_WORKERS + "#memory",
        help='memory, as "128 MB" or a number of bytes',
    ),
    Limit(
        key="cpu_ms",
        rule="cpu-time",
        title="CPU time",
        unit="ms",
        free=10,
        paid=30_000,
        source=_WORKERS + "#cpu-time",
        help="milliseconds of CPU; the plan's own number warns, a number given here fails",
    ),
    Limit(
        key="wall_ms",
        rule="wall-time",
        title="wall time",
        unit="ms",
        free=None,
        paid=None,
        source=_WORKERS + "#duration",
        help='milliseconds from start to end, or "wait_until", "cron", "queue", "alarm": the platform\'s own cut-offs',
    ),
)
D1_PARAMETERS: Final = Limit(
    key="d1_parameters",
    rule="d1-queries",
    title="values bound by one D1 statement",
    unit="parameters",
    free=100,
    paid=100,
    source="https://developers.cloudflare.com/d1/platform/limits/",
    help="values bound by one D1 statement; D1 itself refuses more, so this is shown and never judged",
)

WALL_PRESETS: Final[Mapping[str, int]] = MappingProxyType(
    {"wait_until": 30_000, "cron": 900_000, "queue": 900_000, "alarm": 900_000}
)
"""Milliseconds after which the platform itself ends work: what is left to `ctx.waitUntil` after the response or after
the client has gone, and the handlers of Cron Triggers, of queues and of alarms of Durable Objects. There is no such
number for the time until a response.

Source: https://developers.cloudflare.com/workers/platform/limits/#duration (checked 2026-11-24).
"""


MOST_CONFIGURED: Final[Mapping[str, int]] = MappingProxyType({"cpu_ms": 300_000, "subrequests": 10_000_000})
"""The most that a Worker's own configuration may raise a number of the paid plan to, by key.

Source: https://developers.cloudflare.com/workers/platform/limits/ and
https://developers.cloudflare.com/changelog/2025-03-25-higher-cpu-limits/ (checked 2026-11-24).
"""


class UploadLimit(NamedTuple):
    """What the platform asks of a Worker when it is uploaded, on every plan; it refuses what breaks it.

    Attributes:
        key: Its name in gates.
        title: What is limited, in a few words.
        unit: The unit of the number.
        number: The most that is accepted.
        since: The day from which on it holds.
        before: What held until that day, in words.
        source: The page that states it.
        checked: The day on which that page was read.
    """

    key: str
    title: str
    unit: str
    number: int
    since: dt.date
    before: str
    source: str
    checked: dt.date = CHECKED


BUNDLE_SIZE: Final = UploadLimit(
    key="bundle_size",
    title="size of the Worker, uncompressed",
    unit="bytes",
    number=64 * 2**20,
    since=dt.date(2026, 9, 4),
    before="3 MB (free) or 10 MB (paid) compressed with gzip, and 64 MB uncompressed",
    source=_WORKERS + "#worker-size",
)
STARTUP: Final = UploadLimit(
    key="startup_ms",
    title="CPU time of the global scope at startup",
    unit="ms",
    number=1_000,
    since=dt.date(2025, 10, 10),
    before="400 ms",
    source=_WORKERS + "#worker-startup-time",
)
UPLOAD_LIMITS: Final = (BUNDLE_SIZE, STARTUP)

BY_KEY: Final[Mapping[str, Limit]] = MappingProxyType({limit.key: limit for limit in LIMITS})
BY_RULE: Final[Mapping[str, Limit]] = MappingProxyType({limit.rule: limit for limit in LIMITS})
