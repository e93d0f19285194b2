"""The model of a run that every report reads: one record per guarded test, plain enough for JSON and xdist."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self, final

from pytest_cfworkers.callsite import Frame, inside
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.invocation import Invocation
from pytest_cfworkers.limits import D1_PARAMETERS, LIMITS, Limit, Rule
from pytest_cfworkers.report.excess import OVER, Excess
from pytest_cfworkers.report.redaction import redact
from pytest_cfworkers.report.timeline import Timeline
from pytest_cfworkers.statistics import Statistics
from pytest_cfworkers.violation import Violation
from pytest_cfworkers.wording.time import is_not_judged

SHOWN: Final[frozenset[Rule]] = frozenset({"connections", "queued-timeout"})
"""The rules of which a failure shows what was open when."""

FOUND: Final = ("violations", "known", "expected", "allowed", "advice")
"""The attributes of a record that hold what was found, by what it means."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one test used of one limit, and what it may use on either plan.

    Attributes:
        used: In the unit of the limit: of the test's invocations, by the one that left least of it.
        limit: What the limits in force allowed that invocation.
        other: What the same limits allow on the other plan; None for no limit, or one that may be broken.
        most: What another invocation used that had a wider limit; None where none used more.
    """

    used: float
    limit: float
    other: float | None
    most: float | None = None

    @property
    def headroom(self) -> float:
        """How much is left, in percent of the limit; negative where the limit is broken.

        Beyond a limit of nothing each one is as much as a whole limit, so that more is worse.
        """
        if not self.limit:
            return 100.0 if not self.used else -100.0 * self.used
        return 100.0 * (self.limit - self.used) / self.limit

    @property
    def peak(self) -> float:
        """The most that one invocation used, whatever it was allowed."""
        return self.used if self.most is None else self.most

    def worst(self, other: "Usage | None") -> "Usage":
        """Return what left less of its limit, with the most that was used of both."""
        if other is None:
            return self
        tight = min(self, other, key=lambda usage: (usage.headroom, -usage.used))
        most = max(self.peak, other.peak)
        return replace(tight, most=most if most > tight.used else None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON and other processes."""
        return {"used": self.used, "limit": self.limit, "other": self.other, "most": self.most}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TestRecord:
    """One guarded test.

    Attributes:
        nodeid: Its pytest id.
        plan: The plan in force.
        usage: What it used, by the key of the limit.
        violations: What it broke.
        known: What it broke that the baseline knows, no worse than there.
        expected: What it broke where it is expected to fail, or left off, or where it caught the `CfLimitExceeded` of a
            block of its own: it fails nothing, and is no violation.
        allowed: What it broke and was allowed to.
        advice: What should be looked at and fails nothing.
        unused: Rules that it was allowed to break and did not, with the reasons given.
        dropped: Connections whose times were not kept.
        path: The file of the test, from the root of the project.
        line: The line of the test, from 1; 0 where it is not known.
        outcome: "passed", "failed" or "skipped", as pytest has it.
        duration_ms: How long pytest took to call it.
        timelines: What happened in each of its invocations, where somebody asked for that.
        walls_ms: How long each of its invocations took; where an app under test handled requests, how long those did.
    """

    __test__ = False

    nodeid: str
    plan: str
    usage: Mapping[str, Usage]
    violations: tuple[Violation, ...] = ()
    known: tuple[Violation, ...] = ()
    expected: tuple[Violation, ...] = ()
    allowed: tuple[Violation, ...] = ()
    advice: tuple[Violation, ...] = ()
    unused: Mapping[str, str] = field(default_factory=dict)
    dropped: int = 0
    path: str = ""
    line: int = 0
    outcome: str = "passed"
    duration_ms: float = 0.0
    timelines: tuple[Timeline, ...] = ()
    walls_ms: tuple[float, ...] = ()

    @classmethod
    def of(
        cls,
        nodeid: str,
        invocations: tuple[Invocation, ...],
        *,
        caught: Collection[Invocation] = (),
        replaced: Collection[Invocation] = (),
        timelines: bool = False,
        root: str = "",
    ) -> Self:
        """Derive the record of a test from the invocations that it was.

        Args:
            nodeid: Its pytest id.
            invocations: At least one; all that the test opened.
            caught: Those of them whose `CfLimitExceeded` the test caught, since it expected what they break.
            replaced: Those of them that raised before the function was called again, as examples of hypothesis do: only
                rules are told of them that no other one broke, by the worst of each.
            timelines: Whether to tell what happened in each of them, too. It is told of the worst of them
                where too many connections were wanted: a failure shows it.
            root: The folder that the paths of timelines are written from; "" to leave them as they are.
        """
        first = invocations[0]
        counted = [one for one in invocations if one not in caught and one not in replaced]
        violations = _distinct(found for invocation in counted for found in invocation.violations)
        violations += _beside(violations, (found for invocation in replaced for found in invocation.violations))
        allowed = _distinct(found for invocation in invocations for found in invocation.allowed)
        advice = _distinct(found for invocation in invocations for found in invocation.advice)
        needed = {found.rule for found in (*allowed, *filter(is_no_verdict, advice))}  # who knows, without a verdict
        return cls(
            nodeid=nodeid,
            plan=first.limits.plan_name,
            usage=_usage(invocations),
            violations=violations,
            known=_distinct(found for invocation in invocations for found in invocation.known),
            expected=_distinct(found for invocation in caught for found in invocation.violations),
            allowed=allowed,
            advice=advice,
            unused={rule: why for rule, why in first.limits.allow.items() if rule not in needed},
            dropped=sum(invocation.requests.forgotten for invocation in invocations),
            walls_ms=tuple(round(wall, 3) for invocation in invocations for wall in invocation.walls_ms),
            timelines=tuple(Timeline.of(one, root) for one in _seen(invocations, violations, everything=timelines)),
        )

    def published(self, root: str) -> Self:
        """Return the record as reports may show it: lines in files under the root of the project, nothing secret."""
        if not any(getattr(self, kind) for kind in FOUND):
            return self
        shown: dict[str, Any] = {kind: tuple(_published(one, root) for one in getattr(self, kind)) for kind in FOUND}
        return replace(self, **shown)

    def ended(self, outcome: str, duration_ms: float, *, excused: bool) -> Self:
        """Return the record of a test as it ended.

        Args:
            outcome: "passed", "failed" or "skipped", as pytest has it.
            duration_ms: How long pytest took to call it.
            excused: Whether it fails nothing by what it broke, since it is expected to fail or left off.
        """
        ended = replace(self, outcome=outcome, duration_ms=duration_ms)
        return replace(ended, violations=(), expected=(*self.violations, *self.expected)) if excused else ended

    def excess(self, limit: Limit) -> Excess:
        """Tell what it means that the test used more than a limit; "" where it did not."""
        usage = self.usage.get(limit.key)
        if usage is None or usage.used <= usage.limit:
            return ""
        if limit is D1_PARAMETERS:
            return "refused"
        found: Mapping[Excess, tuple[Violation, ...]] = {
            "broken": self.violations,
            "known": self.known,
            "expected": self.expected,
            "allowed": self.allowed,
        }
        return next((kind for kind, of in found.items() if any(one.rule == limit.rule for one in of)), "warned")

    def left(self, limit: Limit) -> str:
        """Say how much of a limit the test left, as "16 % left", or how it is to be taken that it left nothing.

        It is rounded down: of a limit of which something was used, not everything is left.
        """
        excess = self.excess(limit)
        return OVER[excess] if excess else f"{math.floor(self.usage[limit.key].headroom)} % left"

    @property
    def fails_elsewhere(self) -> tuple[Limit, ...]:
        """The limits that the test keeps on the plan in force and would break on the other."""
        return tuple(
            limit
            for limit in LIMITS
            if (usage := self.usage.get(limit.key)) is not None
            and usage.other is not None
            and limit.key != "cpu_ms"  # the plan's own CPU number never fails a test
            and usage.limit >= usage.used > usage.other
        )

    @property
    def badness(self) -> tuple[int, bool, float, float, str]:
        """What grows with how bad it is, to be compared with another record of the same test."""
        left = min((usage.headroom for usage in self.usage.values()), default=100.0)
        return len(self.violations), self.outcome == "failed", -left, self.duration_ms, repr(self)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON and other processes."""
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "usage": {key: usage.to_dict() for key, usage in self.usage.items()},
            "unused": dict(self.unused),
            "walls_ms": list(self.walls_ms),
            "timelines": [timeline.to_dict() for timeline in self.timelines],
            **{key: [found.to_dict() for found in getattr(self, key)] for key in FOUND},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make the record that `to_dict` wrote."""
        lists = {key: tuple(map(Violation.from_dict, data[key])) for key in FOUND}
        usage = {key: Usage(**value) for key, value in data["usage"].items()}
        timelines = tuple(map(Timeline.from_dict, data["timelines"]))
        return cls(**{**data, **lists, "usage": usage, "timelines": timelines, "walls_ms": tuple(data["walls_ms"])})


def _seen(
    invocations: tuple[Invocation, ...], violations: tuple[Violation, ...], *, everything: bool
) -> Iterable[Invocation]:
    """Choose the invocations whose timelines are told."""
    if not everything and not any(found.rule in SHOWN for found in violations):
        return ()
    every = [one for invocation in invocations for one in (invocation, *invocation.children.kept)]
    return every if everything else [max(every, key=lambda one: one.connections.peak)]


def _published(found: Violation, root: str) -> Violation:
    return replace(
        found,
        headline=redact(found.headline),
        evidence=tuple(map(redact, found.evidence)),
        frames=inside(found.frames, root),
    )


def _distinct(found: Iterable[Violation]) -> tuple[Violation, ...]:
    """Keep the worst of what a test broke in one place again and again, as the examples of hypothesis do."""
    worst: dict[tuple[Rule, str, tuple[Frame, ...]], Violation] = {}
    for violation in found:
        key = violation.rule, violation.remedy, violation.frames  # percentiles share a rule and no remedy
        if key not in worst or violation.observed > worst[key].observed:
            worst[key] = violation
    return tuple(worst.values())


def _beside(told: Iterable[Violation], found: Iterable[Violation]) -> tuple[Violation, ...]:
    """Keep the worst of each rule that is not told already."""
    rules = {violation.rule for violation in told}
    worst: dict[Rule, Violation] = {}
    for violation in found:
        known = worst.get(violation.rule)
        if violation.rule not in rules and (known is None or violation.observed > known.observed):
            worst[violation.rule] = violation
    return tuple(worst.values())


def _usage(invocations: Iterable[Invocation]) -> dict[str, Usage]:
    """Tell of each limit what the invocation used that left least of it, held to the limits that it had itself."""
    alike: dict[int, tuple[Limits, Statistics]] = {}  # the examples of a hypothesis test have the same limits
    for invocation in invocations:
        _, worst = alike.get(id(invocation.limits), (None, None))
        alike[id(invocation.limits)] = invocation.limits, invocation.worst().worst(worst)
    found: dict[str, Usage] = {}
    for limits, worst in alike.values():
        for key, usage in _used(worst, limits):
            found[key] = usage.worst(found.get(key))
    return found


def _used(worst: Statistics, limits: Limits) -> Iterator[tuple[str, Usage]]:
    other = limits.other_plan()
    for limit in LIMITS:
        used, allowed = worst.used(limit.key), limits[limit.key]
        if used is not None and allowed is not None:
            elsewhere = None if limit.rule in limits.allow else other[limit.key]
            yield limit.key, Usage(used=used, limit=allowed, other=elsewhere)
    if worst.d1_parameters and D1_PARAMETERS.paid is not None:
        yield D1_PARAMETERS.key, Usage(used=worst.d1_parameters, limit=D1_PARAMETERS.paid, other=None)


def is_no_verdict(advice: Violation) -> bool:
    """Tell whether advice says that a limit was not judged: a time that means nothing, memory that cannot decide."""
    return advice.rule == "memory" or is_not_judged(advice)
