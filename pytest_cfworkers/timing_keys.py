"""The keys of `cf_timing(...)`."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.keys import known, milliseconds
from pytest_cfworkers.limits import BY_KEY

PERCENTILES: Final[Mapping[str, float]] = MappingProxyType({"p50_ms": 50.0, "p95_ms": 95.0, "p99_ms": 99.0})
"""The share of invocations, in percent, that must end within the milliseconds given, by key."""

TIMING_HELP: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{key: BY_KEY[key].help for key in ("cpu_ms", "wall_ms")},
        **{key: f"milliseconds within which {share:g} % of them end" for key, share in PERCENTILES.items()},
    }
)


def timed(limits: Limits, /, **changes: Any) -> Limits:
    """Return a copy of limits in which some times are given.

    Args:
        limits: The limits.
        changes: The keys of `cf_timing(...)`.

    Raises:
        LimitsError: A key is unknown or a value is of the wrong kind.
    """
    known("cf_timing", changes, tuple(TIMING_HELP))
    percentiles = {**limits.percentiles}
    for key in changes.keys() & PERCENTILES.keys():
        bound = milliseconds(key, changes[key])
        percentiles.pop(key, None)
        if bound is not None:
            percentiles[key] = bound
    ordered = MappingProxyType({key: percentiles[key] for key in PERCENTILES if key in percentiles})
    rest = {key: value for key, value in changes.items() if key not in PERCENTILES}
    return replace(limits.replace(**rest), percentiles=ordered)
