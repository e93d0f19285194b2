"""Numbers as the page writes them, and the columns of its table."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from pytest_cfworkers.limits import D1_PARAMETERS, LIMITS, Limit
from pytest_cfworkers.report.model import TestRecord

ALL: Final = (*LIMITS, D1_PARAMETERS)
"""Every limit that a test may have used something of, in the order of the report."""

_SHORT: Final = {
    "connections": "Connections",
    "unread_bodies": "Unread",
    "subrequests": "Subrequests",
    "internal_subrequests": "Internal",
    "d1_queries": "D1 queries",
    "memory": "Memory",
    "cpu_ms": "CPU",
    "wall_ms": "Wall",
    "d1_parameters": "D1 values",
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One limit as a column of the table of tests.

    Attributes:
        limit: The limit.
        short: Its name where there is little room.
    """

    limit: Limit
    short: str


def columns(tests: Sequence[TestRecord]) -> tuple[Column, ...]:
    """Return the columns of what any test used."""
    used = {key for record in tests for key, usage in record.usage.items() if usage.used}
    return tuple(Column(limit=limit, short=_SHORT.get(limit.key, limit.title)) for limit in ALL if limit.key in used)


def cells(record: TestRecord, columns: Sequence[Column]) -> list[str]:
    """Return the figures of a test as the table shows them: outcome, time, each limit, and the least headroom."""
    found = [record.outcome, milliseconds(record.duration_ms)]
    for column in columns:
        usage = record.usage.get(column.limit.key)
        text = "" if usage is None else amount(column.limit, usage.used)
        if usage is not None and usage.used > usage.limit:
            text += f" of {amount(column.limit, usage.limit)}"
        found.append(text)
    limit = tightest(record)
    return [*found, "100 %" if limit is None else record.left(limit).removesuffix(" left")]


def tightest(record: TestRecord) -> Limit | None:
    """Return the limit of which a test left least; None where it used nothing that has one."""
    used = [limit for limit in ALL if limit.key in record.usage]
    return min(used, key=lambda limit: record.usage[limit.key].headroom, default=None)


def least(record: TestRecord) -> float:
    """Return the least headroom of a test, in percent."""
    limit = tightest(record)
    return 100.0 if limit is None else record.usage[limit.key].headroom


def amount(limit: Limit, value: float) -> str:
    """Write an amount of a limit, with its unit where the number alone would not say it."""
    if limit.unit == "ms":
        return milliseconds(value)
    return limit.format(value) if limit.unit == "bytes" else f"{value:,.0f}"


def milliseconds(value: float) -> str:
    """Write milliseconds with three figures that matter."""
    digits = max(0, 2 - int(math.log10(value))) if value >= 1 else 2
    return f"{value:,.{digits}f} ms"


def share(part: float, whole: float) -> float:
    """Return a part in percent of a whole, as the attributes of an SVG take it."""
    return round(100 * part / whole, 2) if whole else 0.0
