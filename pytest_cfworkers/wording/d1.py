"""What a user reads about D1: too many queries, and statements that should be others."""

import re
from collections import Counter

from pytest_cfworkers.callsite import NOWHERE, Site
from pytest_cfworkers.counted import counted
from pytest_cfworkers.guards.queries import Repetition, Scan
from pytest_cfworkers.guards.subrequests import SubrequestGuard
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.limits import BY_KEY
from pytest_cfworkers.violation import Violation
from pytest_cfworkers.wording.lines import by_line, quoted
from pytest_cfworkers.wording.records import origin, violation_of


def d1_queries(guard: SubrequestGuard, limits: Limits) -> Violation:
    """The budget of D1 queries is spent."""
    return violation_of(
        "d1-queries",
        limits,
        guard.count,
        f"{counted(guard.count, 'D1 query', 'D1 queries')}, the limit is {guard.limit:,}{origin('d1_queries', limits)}",
        ["sent from:", *by_line(guard.sites)],
        "Each query and each batch counts once.",
        site=guard.first_beyond or NOWHERE,
    )


def repeated_statement(repetition: Repetition, limits: Limits) -> Violation:
    """The same D1 statement was sent again and again, alone in each round trip."""
    many = (
        "... WHERE id IN (SELECT value FROM json_each(?))  -- one statement for many values: json.dumps(ids)"
        if repetition.sql.lstrip()[:6].upper() == "SELECT"
        else "await env.DB.batch([statement.bind(*row) for row in rows])  # one round trip for all"
    )
    return _advice(
        limits,
        repetition.times,
        f"the same statement in {repetition.times:,} round trips, one batch would do",
        [_on_one_line(repetition.sql), "sent from:", *by_line(Counter({repetition.site: repetition.times}))],
        f"Each round trip to D1 is a query and a subrequest, and is waited for.\nFix:\n    {many}",
        repetition.site,
    )


def full_scan(scan: Scan, limits: Limits) -> Violation:
    """A D1 statement read a whole table."""
    return _advice(
        limits,
        scan.rows,
        f"a statement reads all of {scan.table}: {scan.rows:,} rows",
        [_on_one_line(scan.sql), "sent from:", *by_line(Counter({scan.site: 1}))],
        f"Rows read are billed, and time grows with the table.\nFix:\n    {_narrower(scan)}",
        scan.site,
    )


def _narrower(scan: Scan) -> str:
    """Say how a statement would read less; where nothing narrows it, an index does not either."""
    words = set(re.findall(r"\w+", scan.sql.upper()))
    if not words.isdisjoint({"WHERE", "LIMIT", "MIN", "MAX"}):
        return f"CREATE INDEX ... ON {scan.table} (the columns that WHERE and ORDER BY name);"
    if not words.isdisjoint({"COUNT", "SUM", "TOTAL", "AVG"}):
        return "a row of its own for the figure, written in the batch that writes the rows"
    return "... WHERE id > ? ORDER BY id LIMIT ?  -- a page at a time, each from the last id of the one before"


def _advice(
    limits: Limits,
    observed: float,
    headline: str,
    evidence: list[str],
    remedy: str,
    site: Site,
) -> Violation:
    """Make a record of what fails nothing."""
    row = BY_KEY["d1_queries"]
    return Violation(
        rule=row.rule,
        observed=observed,
        limit=limits.d1_queries or 0,
        unit=row.unit,
        headline=headline,
        evidence=tuple(evidence),
        remedy=remedy,
        source=row.source,
        frames=site.frames,
    )


def _on_one_line(sql: str) -> str:
    return quoted(" ".join(sql.split()))
