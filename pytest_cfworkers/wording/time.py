"""What a user reads about time: CPU, wall time, percentiles, and what could not be judged."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pytest_cfworkers.calibration import CPU_FACTORS, PYODIDE_CPU_FACTOR
from pytest_cfworkers.counted import counted
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.limits import WALL_PRESETS, Rule
from pytest_cfworkers.timing_keys import PERCENTILES
from pytest_cfworkers.violation import Violation
from pytest_cfworkers.wording.lines import prose
from pytest_cfworkers.wording.records import origin, own, violation_of
from pytest_cfworkers.wording.remedies import FIXES

_NOT_JUDGED: Final = "not judged: "

_WORTH_NAMING: Final = 0.05
"""The share of the CPU time from which on reading certificates is named."""

_SLOWEST: Final = 3
"""How many invocations a broken percentile names."""

_CLIENT_FIX: Final = (
    "make the client in a fixture, whose work does not count,",
    "or in a block of cf_ledger.paused().",
)
_OWN_FIX: Final = (FIXES["cpu-time"][0], "or raise your own limit, cpu_ms, if it may take so long.")


def cpu_time(used_ms: float, certificates_ms: float, limits: Limits) -> Violation:
    """More CPU time was used than there is.

    Args:
        used_ms: What was used, by the scale in force.
        certificates_ms: What of it went into certificates.
        limits: The limits in force.
    """
    limit = limits.cpu_ms or 0
    evidence = prose(_scale(used_ms, limits.cpu_scale), indent=4, hang="  ")
    decisive, mostly = used_ms - certificates_ms <= limit, certificates_ms > used_ms / 2
    if certificates_ms > used_ms * _WORTH_NAMING:
        without = "; without it the limit is kept" if decisive else ""
        told = (
            f"{certificates_ms:,.1f} ms of it went into certificates for SSL contexts, which no Worker reads{without}"
        )
        evidence += prose(told, indent=4, hang="  ")
    mending = _OWN_FIX if "cpu_ms" in limits.given else None
    return violation_of(
        "cpu-time",
        limits,
        round(used_ms, 1),
        f"{used_ms:,.1f} ms of CPU time, the limit is {limit:,} ms{origin('cpu_ms', limits)}",
        evidence,
        f"{own('cpu_ms', limits)}A Worker that keeps running over its CPU time is ended with error 1102; "
        f"single overruns are tolerated.",
        fix=_CLIENT_FIX if decisive or mostly else mending,
    )


def wall_time(used_ms: float, limits: Limits) -> Violation:
    """The invocation took too long."""
    whose = "" if limits.wall_ms in WALL_PRESETS.values() else "The limit is your own. "
    return violation_of(
        "wall-time",
        limits,
        round(used_ms, 1),
        f"{used_ms:,.1f} ms from start to end, the limit is {limits.wall_ms:,} ms",
        [],
        f"{whose}The platform ends work 30 s after the response, and cron, queue and alarm handlers after 15 minutes.",
    )


def slow_percentile(key: str, observed_ms: float, opened: Sequence[tuple[str, float]], limits: Limits) -> Violation:
    """Too many of the invocations that a test opened took too long.

    Args:
        key: The key of `cf_timing(...)`.
        observed_ms: What the percentile came to.
        opened: Name and milliseconds of each invocation.
        limits: The limits in force.
    """
    bound = limits.percentiles[key]
    slowest = sorted(opened, key=lambda pair: -pair[1])[:_SLOWEST]
    evidence = ["the slowest of them:", *(f"  {duration:,.1f} ms  {name}" for name, duration in slowest)]
    if 1 < len(opened) < (enough := math.ceil(100 / (100 - PERCENTILES[key]))):
        evidence.append(f"of fewer than {enough} invocations the {_percentile(key)} is the slowest")
    violation = violation_of(
        "wall-time",
        limits,
        round(observed_ms, 1),
        f"{observed_ms:,.1f} ms is the {_percentile(key)} of {counted(len(opened), 'invocation')}, "
        f"the limit is {bound:,} ms",
        evidence,
        f"{PERCENTILES[key]:g} % of the invocations that the test opens must end within {bound:,} ms each.",
        key=key,
    )
    return replace(violation, limit=bound)


def no_percentile(limits: Limits) -> Violation:
    """A test whose percentiles are to be judged opened no invocation."""
    keys = " and ".join(limits.percentiles)
    return _not_judged(
        "wall-time",
        limits,
        f"{keys}: the test opened no invocation",
        "Percentiles are taken over requests into an app under test and blocks of cf_invocation.\n"
        "For the time of the test itself give wall_ms.",
    )


def not_judged(violation: Violation, why: str, limits: Limits) -> Violation:
    """A limit of time was exceeded, and it cannot be told whether by the code under test.

    Args:
        violation: What would have been told.
        why: The reason.
        limits: The limits in force.
    """
    return _not_judged(violation.rule, limits, violation.headline, why)


def is_not_judged(violation: Violation) -> bool:
    """Tell whether a piece of advice is about what could not be judged."""
    return violation.headline.startswith(_NOT_JUDGED)


def _not_judged(rule: Rule, limits: Limits, headline: str, why: str) -> Violation:
    violation = violation_of(rule, limits, 0, f"{_NOT_JUDGED}{headline}", [], "")
    return replace(violation, remedy="\n".join(prose(why, indent=2)))


def _scale(used_ms: float, scale: float) -> str:
    if scale != 1:
        return f"measured as {used_ms / scale:,.1f} ms on CPython here, times {scale:g}: cf_cpu_scale, an estimate"
    least, most = min(CPU_FACTORS.values()), max(CPU_FACTORS.values())
    return (
        f"measured on CPython here, times 1; a Worker's Pyodide takes about {PYODIDE_CPU_FACTOR:g} times as long "
        f"({least:g} to {most:g}): cf_cpu_scale"
    )


def _percentile(key: str) -> str:
    return key.removesuffix("_ms").upper()
