"""`Limits`: the limits in force for one invocation."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self, final

from pytest_cfworkers.choices import PLANS, ConnectionModel, MemoryMode, Plan
from pytest_cfworkers.keys import LimitsError, choice, read
from pytest_cfworkers.limits import BY_KEY, LIMITS, Limit


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
        whole: Whether every limit is in force that was not turned off one by one.
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
    whole: bool = True
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
        choice("plan", name, PLANS)
        return cls(**{limit.key: limit.number(name) for limit in LIMITS}, plan_name=name)  # type: ignore[arg-type]

    @classmethod
    def none(cls) -> Self:
        """Return limits that limit nothing, to be narrowed with `replace`."""
        return cls(**{limit.key: None for limit in LIMITS}, given=frozenset(BY_KEY))  # type: ignore[arg-type]

    def replace(self, /, **changes: Any) -> Self:
        """Return a copy in which some limits are given.

        Args:
            changes: The keys of `cf_limits(...)`. `plan` changes every number that was not given before.

        Raises:
            LimitsError: A key is unknown or a value is of the wrong kind.
        """
        __tracebackhide__ = True
        try:
            values = read(changes)
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
        return replace(self, **off, given=self.given | off.keys(), whole=False)

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

    def platform(self, key: str) -> float | None:
        """Return what the platform holds to on this plan, by the Worker's own configuration, whatever was given."""
        return self._number(BY_KEY[key], self.plan_name)

    def is_own(self, key: str) -> bool:
        """Tell whether a limit is another one than the platform's."""
        return self[key] != self.platform(key)

    def __getitem__(self, key: str) -> float | None:
        """Return the number of a limit by its key."""
        return getattr(self, BY_KEY[key].key)  # type: ignore[no-any-return]

    def _on(self, plan: Plan) -> Self:
        numbers: dict[str, Any] = {
            limit.key: self._number(limit, plan) for limit in LIMITS if limit.key not in self.given
        }
        return replace(self, **numbers, plan_name=plan)

    def _number(self, limit: Limit, plan: Plan) -> float | None:
        number, configured = limit.number(plan), self.configured.get(limit.key)
        if configured is None:
            return number
        return configured if plan == "paid" or number is None else min(number, configured)
