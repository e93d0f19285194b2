"""The platform's numbers, each with unit, plans, source and date; and `Limits`, the set in force for one invocation.

No other file states a number of the platform.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, Literal, Self, final, get_args

from pytest_cfworkers.size import format_size, parse_size

Plan = Literal["free", "paid"]
ConnectionModel = Literal["body", "headers"]
MemoryMode = Literal["auto", "trace", "memray", "off"]
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

PLANS: Final[tuple[Plan, ...]] = get_args(Plan)
CONNECTION_MODELS: Final[tuple[ConnectionModel, ...]] = get_args(ConnectionModel)
RULES: Final[tuple[Rule, ...]] = get_args(Rule)

CHECKED: Final = dt.date(2026, 11, 24)
"""The day on which the sources below were last read."""

CONNECTIONS_RELAXED: Final = dt.date(2026, 4, 9)
"""Since this day a connection holds its slot until its headers arrive; before, until its body was read."""
CONNECTIONS_RELAXED_SOURCE: Final = "https://developers.cloudflare.com/changelog/2026-04-09-relaxed-connection-limiting"
WALL_BEYOND_REQUESTS: Final = 15 * 60 * 1_000
"""Milliseconds after which cron, queue and alarm handlers are ended; requests have no such number.

Source: https://developers.cloudflare.com/workers/platform/limits/#duration (checked 2026-11-24).
"""
CLOSED_DUE_TO_LIMIT: Final = "Response closed due to connection limit"
"""What the platform says on a response that it cancelled to make room for a waiting connection."""

RESOLUTION_MS: Final = 0.001
"""The least limit of time: two readings of a clock take about as long, so less would be judged by chance."""

_WORKERS: Final = "https://developers.cloudflare.com/workers/platform/limits/"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit of the platform.

    Attributes:
        key: Its name in `cf_limits(...)` and on `Limits`.
        rule: The name of the violation that breaking it makes.
        title: What is limited, in a few words.
        unit: The unit of the numbers; "bytes" are shown as sizes.
        free: The number of the free plan; None where the plan has none.
        paid: The number of the paid plan; None where the plan has none.
        source: The page that states it.
        checked: The day on which that page was read.
        help: One sentence for `pytest --markers`.
    """

    key: str
    rule: Rule
    title: str
    unit: str
    free: int | None
    paid: int | None
    source: str
    checked: dt.date = CHECKED
    help: str

    def number(self, plan: Plan) -> int | None:
        """Return the number of a plan."""
        return self.free if plan == "free" else self.paid

    def format(self, value: float) -> str:
        """Write a number of this limit with its unit."""
        if self.unit == "bytes":
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


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimit:
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

OPTIONS_HELP: Final[Mapping[str, str]] = MappingProxyType(
    {
        "plan": "free or paid: where the numbers come from that are not given",
        "connection_model": "body or headers: how long a connection holds its place",
        "allow": "rules that may be broken, each with the reason: {rule: reason}",
        "trace": "True measures memory exactly and names the lines that hold it, slowly",
    }
)


class LimitsError(ValueError):
    """A key or value of `cf_limits(...)` that means nothing; the text names it and the valid set."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits in force for one invocation. None turns a limit off.

    Make one with `Limits.plan("free")`, change it with `.replace(subrequests=10)`.

    Attributes:
        connections: Connections open at once.
        unread_bodies: Responses left neither read to the end nor closed.
        subrequests: External requests, each redirect hop included.
        internal_subrequests: Calls of Cloudflare services.
        d1_queries: D1 statements.
        memory: Bytes.
        cpu_ms: Milliseconds of CPU time.
        wall_ms: Milliseconds from start to end.
        connection_model: "body" (a connection holds its slot until its body is read or closed) or "headers"
            (until its response headers arrive).
        allow: Rules that may be broken, with the reason for each.
        plan_name: The plan that the numbers come from which were not given.
        given: The keys that were given, so that another plan leaves them alone.
        configured: The numbers that the Worker's own configuration sets in place of the paid plan's.
        cpu_scale: What measured CPU time is multiplied by before it is judged.
        trace: Whether memory is measured exactly, with the lines that hold it.
        memory_mode: How memory is measured otherwise.
        memory_baseline: Bytes that are taken before the code of the test.
        percentiles: Milliseconds that the percentiles of the invocations that a test opens may come to: by the key
            of `cf_timing(...)`, such as "p95_ms".
    """

    connections: int | None
    unread_bodies: int | None
    subrequests: int | None
    internal_subrequests: int | None
    d1_queries: int | None
    memory: int | None
    cpu_ms: float | None
    wall_ms: float | None
    connection_model: ConnectionModel = "body"
    allow: Mapping[str, str] = field(default_factory=dict)
    plan_name: Plan = "paid"
    given: frozenset[str] = frozenset()
    configured: Mapping[str, float] = field(default_factory=dict)
    cpu_scale: float = 1.0
    trace: bool = False
    memory_mode: MemoryMode = "auto"
    memory_baseline: int = 0
    percentiles: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def plan(cls, name: Plan = "paid") -> Self:
        """Return the limits of a plan.

        Args:
            name: "free" or "paid".

        Raises:
            LimitsError: There is no such plan.

        Source: https://developers.cloudflare.com/workers/platform/limits/ (checked 2026-11-24).
        """
        _choice("plan", name, PLANS)
        return cls(**{limit.key: limit.number(name) for limit in LIMITS}, plan_name=name)  # type: ignore[arg-type]

    @classmethod
    def none(cls) -> Self:
        """Return limits that limit nothing, to be narrowed with `replace`."""
        return cls(**{limit.key: None for limit in LIMITS}, given=frozenset(BY_KEY))  # type: ignore[arg-type]

    def replace(self, **changes: Any) -> Self:
        """Return a copy in which some limits are given.

        Args:
            changes: The keys of `cf_limits(...)`. `plan` changes every number that was not given before.

        Raises:
            LimitsError: A key is unknown or a value is of the wrong kind.
        """
        __tracebackhide__ = True
        try:
            known("cf_limits", changes, (*BY_KEY, *OPTIONS_HELP))
            values = {key: _PARSERS[key](key, value) for key, value in changes.items()}
        except LimitsError as error:
            raise LimitsError(str(error)) from None  # raised here, so that pytest shows the caller's own line
        plan = values.pop("plan", None)
        base = self if plan is None else self._on(plan)
        return replace(base, **values, given=base.given | (values.keys() & BY_KEY.keys()))

    def configure(self, *, cpu_ms: float | None = None, subrequests: int | None = None) -> Self:
        """Return a copy with the limits of a wrangler configuration.

        They take the place of the paid plan's numbers, and can only lower the free plan's.

        Args:
            cpu_ms: `limits.cpu_ms`, in milliseconds.
            subrequests: `limits.subrequests`, which holds for external and internal ones.

        Source: https://developers.cloudflare.com/workers/wrangler/configuration/#limits (checked 2026-11-24).
        """
        set_here = {"cpu_ms": cpu_ms, "subrequests": subrequests, "internal_subrequests": subrequests}
        configured = {key: value for key, value in set_here.items() if value is not None}
        return replace(self, configured=configured)._on(self.plan_name)  # noqa: SLF001 - its own kind

    def only(self, *keys: str) -> Self:
        """Return a copy in which every other limit is off."""
        off: dict[str, Any] = {key: None for key in BY_KEY if key not in keys}
        return replace(self, **off, given=self.given | off.keys())

    def scaled(self, factor: float) -> Self:
        """Return a copy in which measured CPU time is multiplied by a factor before it is judged."""
        return replace(self, cpu_scale=factor)

    def measured(self, mode: MemoryMode, baseline: int = 0) -> Self:
        """Return a copy in which memory is measured in another way.

        Args:
            mode: "auto", "trace", "memray" or "off".
            baseline: Bytes that are taken before the code of the test and count against the limit.
        """
        return replace(self, memory_mode=mode, memory_baseline=baseline)

    def other_plan(self) -> Self:
        """Return the same limits as they would be on the other plan."""
        return self._on("free" if self.plan_name == "paid" else "paid")

    def __getitem__(self, key: str) -> float | None:
        """Return the number of a limit by its key."""
        return getattr(self, BY_KEY[key].key)  # type: ignore[no-any-return]

    def _on(self, plan: Plan) -> Self:
        numbers: dict[str, Any] = {}
        for limit in LIMITS:
            if limit.key not in self.given:
                number, configured = limit.number(plan), self.configured.get(limit.key)
                if configured is not None:
                    number = configured if plan == "paid" or number is None else min(number, configured)  # type: ignore[assignment]
                numbers[limit.key] = number
        return replace(self, **numbers, plan_name=plan)


def known(place: str, given: Mapping[str, object], valid: tuple[str, ...]) -> None:
    """Refuse keys that a place does not take.

    Raises:
        LimitsError: There is one; the text names it and the valid set.
    """
    for key in given:
        if key not in valid:
            raise LimitsError(f"{place} has no key {key!r}; valid keys: {', '.join(valid)}")


def _choice(key: str, value: object, valid: tuple[str, ...]) -> str:
    if value not in valid:
        raise LimitsError(f"{key}={value!r} is unknown; valid: {', '.join(valid)}")
    return str(value)


def _count(least: int) -> Callable[[str, object], int | None]:
    def parse(key: str, value: object) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise LimitsError(f"{key}={value!r} is not a limit; valid: an int of at least {least}, or None")
        return value

    return parse


def milliseconds(key: str, value: object) -> float | None:
    """Read a time in milliseconds, or None.

    Raises:
        LimitsError: The value is neither; the text names it and what is valid.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise LimitsError(f"{key}={value!r} is not a time; valid: a positive number of milliseconds, or None")
    if value < RESOLUTION_MS:
        raise LimitsError(f"{key}={value!r} is less than can be measured; valid: {RESOLUTION_MS} or more, or None")
    return value


def _wall(key: str, value: object) -> float | None:
    if isinstance(value, str) and value in WALL_PRESETS:
        return WALL_PRESETS[value]
    try:
        return milliseconds(key, value)
    except LimitsError as error:
        raise LimitsError(f"{error}, or a cut-off of the platform: {', '.join(WALL_PRESETS)}") from None


def _memory(key: str, value: object) -> int | None:
    if value is None:
        return None
    try:
        return parse_size(value)
    except ValueError as error:
        raise LimitsError(f"{key}={error}, or None") from None


def _switch(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise LimitsError(f"{key}={value!r} is not valid; valid: True, False")
    return value


def _allow(key: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise LimitsError(f"{key}={value!r} is not a mapping; valid: {{rule: reason}}, rules: {', '.join(RULES)}")
    for rule, reason in value.items():
        if rule not in RULES:
            raise LimitsError(f"{key} names the unknown rule {rule!r}; valid rules: {', '.join(RULES)}")
        if not isinstance(reason, str) or not reason.strip():
            raise LimitsError(f"{key}={{{rule!r}: {reason!r}}} gives no reason; write why the rule may be broken")
    return dict(value)


_PARSERS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "connections": _count(1),
    "unread_bodies": _count(0),
    "subrequests": _count(0),
    "internal_subrequests": _count(0),
    "d1_queries": _count(0),
    "memory": _memory,
    "cpu_ms": milliseconds,
    "wall_ms": _wall,
    "plan": lambda key, value: _choice(key, value, PLANS),
    "connection_model": lambda key, value: _choice(key, value, CONNECTION_MODELS),
    "allow": _allow,
    "trace": _switch,
}
