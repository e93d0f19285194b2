"""Which tests are guarded: by the marks `cf_limits` and `cf_timing`, and by the fixtures that they use."""

from typing import Final

import pytest

LIMITS_MARK: Final = "cf_limits"
TIMING_MARK: Final = "cf_timing"

NAMES: Final = (LIMITS_MARK, TIMING_MARK)
"""The marks that guard a test."""

HELP: Final = tuple(f"{name}(...): see `pytest --markers`" for name in NAMES)
"""What pytest must know of them; `marked_limits` has what a person wants to."""

HTTP_LIMITS: Final = ("connections", "unread_bodies", "subrequests")
"""The limits for which the HTTP clients are watched."""

WATCHED_LIMITS: Final = (*HTTP_LIMITS, "cpu_ms", "wall_ms")
"""The limits for which requests into an app under test are told apart: times are judged for each of them."""

D1_LIMITS: Final = ("internal_subrequests", "d1_queries")
"""The limits that round trips to D1 count against, the slots for connections apart."""

FIXTURE_LIMITS: Final[dict[str, tuple[str, ...]]] = {
    "cf_client": HTTP_LIMITS,
    "cf_sync_client": HTTP_LIMITS,
    "cf_transport": HTTP_LIMITS,
    "cf_invocation": HTTP_LIMITS,
    "cf_ledger": HTTP_LIMITS,
    "cf_d1": D1_LIMITS,
    "cf_d1_databases": D1_LIMITS,
    "cf_timer": ("cpu_ms", "wall_ms"),
    "cf_memory": ("memory",),
}
"""What each fixture guards in a test that has no mark."""


def guarding_fixtures(item: pytest.Item) -> list[str]:
    """Name the fixtures of a test that guard it."""
    names: list[str] = getattr(item, "fixturenames", [])
    return [name for name in names if name in FIXTURE_LIMITS]


def is_guarded(item: pytest.Item, mode: str) -> bool:
    """Tell whether a test is guarded: by the mode of the run, its mark, or a fixture that it uses."""
    if mode in {"report", "enforce"}:
        return True
    return (mode != "off" and is_marked(item)) or bool(guarding_fixtures(item))


def any_guarded(items: list[pytest.Item], mode: str) -> bool:
    """Tell whether any test of a run is guarded.

    Every run pays for this look, so what tests have in common is looked at once.
    """
    if mode in {"report", "enforce"}:
        return bool(items)
    if mode != "off":
        parents = {id(item.parent): item.parent for item in items}.values()
        if any(parent is not None and is_marked(parent) for parent in parents):
            return True
        if any(mark.name in NAMES for item in items for mark in item.own_markers):
            return True
    return not all(FIXTURE_LIMITS.keys().isdisjoint(getattr(item, "fixturenames", ())) for item in items)


def is_marked(node: pytest.Item | pytest.Collector) -> bool:
    """Tell whether a test, or what holds tests, has one of the marks."""
    holder: pytest.Item | pytest.Collector | None = node
    while holder is not None:  # no `iter_markers`: runs that ask for nothing pay for this, and not for its generators
        for mark in holder.own_markers:
            if mark.name in NAMES:
                return True
        holder = holder.parent
    return False


def fails_expectedly(item: pytest.Item) -> bool:
    """Tell whether a test has limits to break and is expected to fail: without its verdict it would pass unexpectedly.

    A condition that is a text is pytest's to evaluate; whoever writes one is not understood here.
    """
    conditions = [
        (*mark.args, *([mark.kwargs["condition"]] if "condition" in mark.kwargs else []))
        for mark in item.iter_markers("xfail")
    ]
    return is_marked(item) and any(not some or any(one is True for one in some) for some in conditions)


def marks_of(item: pytest.Item) -> list[pytest.Mark]:
    """Return the marks that the limits of a test are worked out from."""
    return [mark for mark in item.iter_markers() if mark.name in NAMES]
