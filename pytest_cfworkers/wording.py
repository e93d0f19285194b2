"""What a user reads when a rule is broken: the headline, the evidence and the remedy of each rule.

All prose for users about broken rules is here, that about time in `wording_time.py`. Each function takes what a guard
found and makes a `Violation`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pytest_cfworkers.callsite import NOWHERE, Frame, Site, shorten
from pytest_cfworkers.counted import counted
from pytest_cfworkers.guards.connections import ConnectionGuard
from pytest_cfworkers.guards.queries import Repetition, Scan
from pytest_cfworkers.guards.subrequests import SubrequestGuard
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.limits import (
    BY_KEY,
    BY_RULE,
    CLOSED_DUE_TO_LIMIT,
    CONNECTIONS_RELAXED,
    CONNECTIONS_RELAXED_SOURCE,
    Rule,
)
from pytest_cfworkers.violation import Violation

_LINES: Final = 8
"""Call sites named in one message; the rest are counted."""

_SOURCE: Final = 72
"""Characters of a source line that are quoted."""

_FIXES: Final[dict[Rule, tuple[str, str]]] = {
    "connections": (
        "slots = asyncio.Semaphore({limit})  # one for the whole invocation",
        "async with slots: response = await client.get(url)",
    ),
    "queued-timeout": (
        "async with slots:  # asyncio.Semaphore({limit}): start the timer when the request has its connection",
        "    async with asyncio.timeout(seconds): response = await client.get(url)",
    ),
    "unread-body": (
        "async with client.stream(method, url) as response:  # closes what was not read",
        "    ...",
    ),
    "subrequests": (
        "response = await client.get(url, params={{'per_page': 100}})  # many things in one request,",
        "await env.QUEUE.sendBatch(rest)  # and the rest in invocations of their own",
    ),
    "internal-subrequests": (
        "await env.DB.batch(statements)  # one round trip for many statements",
        "await env.KV.get(keys)  # one for up to 100 keys",
    ),
    "d1-queries": (
        "await env.DB.batch(statements)  # one round trip for many statements,",
        "... WHERE id IN (SELECT value FROM json_each(?))  -- or one statement for many values",
    ),
    "memory": (
        "async for chunk in response.aiter_bytes(): ...  # a stream, in place of await response.aread()",
        "for page in pages: ...  # one after another, in place of a list of all",
    ),
    "cpu-time": (
        "do less per invocation: pages instead of everything, and the rest through a queue,",
        "or raise the budget in wrangler: limits = {{ cpu_ms = ... }}",
    ),
    "wall-time": (
        "wait for independent things together: await asyncio.gather(a(), b()),",
        "and leave what the answer does not need to ctx.waitUntil(...)",
    ),
}

_MEANINGS: Final[dict[Rule, str]] = {
    "connections": "More connections at once than a Worker has: the next one waits until one is free.",
    "queued-timeout": "A request ran out of its own time while it waited for a connection, and was never sent.",
    "unread-body": "A response body was neither read to its end nor closed.",
    "subrequests": "More external requests than one invocation may send; each hop of a redirect counts.",
    "internal-subrequests": "More calls of Cloudflare's services than one invocation may make.",
    "d1-queries": "More D1 queries and batches than one invocation may make.",
    "memory": "More memory than a Worker has.",
    "cpu-time": "More CPU time than the invocation was given.",
    "wall-time": "The invocation took longer than it was given.",
}


def meaning(rule: Rule) -> str:
    """Say in a sentence what it means that a rule is broken."""
    return _MEANINGS[rule]


def fix(rule: Rule, limits: Limits) -> str:
    """Return the lines that mend a broken rule, "" where there are none."""
    return "\n".join(line.format(limit=limits.connections) for line in _FIXES.get(rule, ()))


def connections(guard: ConnectionGuard, limits: Limits) -> Violation:
    """More connections were wanted at once than there are slots."""
    slots = limits.connections or 0
    evidence = ["open at that moment:", *_by_line(guard.peak_sites)]
    if guard.queued_s:
        evidence.append(f"{guard.queued} of them waited in the queue, {guard.queued_s * 1_000:,.1f} ms in all")
    if guard.evicted:
        evidence += [
            f'cancelled unread to make room, with "{CLOSED_DUE_TO_LIMIT}":',
            *_by_line(guard.evicted),
        ]
    if limits.connection_model == "body":
        counted = (
            f"A connection counts here until its body is read or closed: the platform's rule until "
            f"{CONNECTIONS_RELAXED}, and the safe one.\nSince then it counts until its headers arrive: "
            f'connection_model="headers".\n{CONNECTIONS_RELAXED_SOURCE}'
        )
    else:
        counted = f"A connection counts until its headers arrive: the platform's rule since {CONNECTIONS_RELAXED}."
    return violation_of(
        "connections",
        limits,
        guard.peak,
        f"{guard.peak} connections at once, the limit is {slots}",
        evidence,
        f"A Worker has {slots} connections at a time; the next one waits until one is free.\n{counted}",
        site=guard.seventh or NOWHERE,
        # Where most of them went to D1, the fix is D1's.
        fix=_FIXES["d1-queries" if guard.peak_services * 2 > guard.peak else "connections"],
    )


def queued_timeout(guard: ConnectionGuard, limits: Limits) -> Violation:
    """Requests ran out of their own time before they were sent."""
    count = guard.timed_out.total()
    return violation_of(
        "queued-timeout",
        limits,
        count,
        f"{counted(count, 'request')} timed out in the queue for a connection, the limit is 0",
        ["never sent:", *_by_line(guard.timed_out)],
        f"A Worker has {limits.connections} connections at a time. The timer of a request runs while it waits "
        f"for one,\nso a short timeout on many requests at once ends requests that were never sent.",
        site=_first(guard.timed_out),
    )


def unread_bodies(sites: Counter[Site], limits: Limits) -> Violation:
    """Responses were left neither read nor closed."""
    count = sites.total()
    return violation_of(
        "unread-body",
        limits,
        count,
        f"{counted(count, 'response body', 'response bodies')} neither read nor closed, "
        f"the limit is {limits.unread_bodies}",
        ["opened at:", *_by_line(sites)],
        f"A body that nobody reads keeps its memory for the rest of the invocation, and until "
        f"{CONNECTIONS_RELAXED}\nit kept its connection: "
        f"{BY_KEY['connections'].paid} of them stopped a Worker. Read it, or close it.",
        site=_first(sites),
    )


def subrequests(guard: SubrequestGuard, limits: Limits) -> Violation:
    """The budget of external requests is spent."""
    return violation_of(
        "subrequests",
        limits,
        guard.count,
        f"{counted(guard.count, 'subrequest')}, the limit is {guard.limit:,}{origin('subrequests', limits)}",
        ["sent from:", *_by_line(guard.sites)],
        "Each request counts, and each hop of a redirect. The platform refuses the next one:\n"
        '"Too many subrequests by single Worker invocation".',
        site=guard.first_beyond or NOWHERE,
    )


def internal_subrequests(guard: SubrequestGuard, limits: Limits) -> Violation:
    """The budget of calls of Cloudflare's services is spent."""
    return violation_of(
        "internal-subrequests",
        limits,
        guard.count,
        f"{counted(guard.count, 'subrequest')} to Cloudflare services, "
        f"the limit is {guard.limit:,}{origin('internal_subrequests', limits)}",
        ["called from:", *_by_line(guard.sites)],
        "Each call of D1, KV, R2, Queues or a Durable Object counts; a batch counts once. The platform refuses\n"
        'the next one: "Too many API requests by single Worker invocation".',
        site=guard.first_beyond or NOWHERE,
    )


def d1_queries(guard: SubrequestGuard, limits: Limits) -> Violation:
    """The budget of D1 queries is spent."""
    return violation_of(
        "d1-queries",
        limits,
        guard.count,
        f"{counted(guard.count, 'D1 query', 'D1 queries')}, the limit is {guard.limit:,}{origin('d1_queries', limits)}",
        ["sent from:", *_by_line(guard.sites)],
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
        [_quoted(repetition.sql), "sent from:", *_by_line(Counter({repetition.site: repetition.times}))],
        f"Each round trip to D1 is a query and a subrequest, and is waited for.\nFix:\n    {many}",
        repetition.site,
    )


def full_scan(scan: Scan, limits: Limits) -> Violation:
    """A D1 statement read a whole table."""
    return _advice(
        limits,
        scan.rows,
        f"a statement reads all of {scan.table}: {scan.rows:,} rows",
        [_quoted(scan.sql), "sent from:", *_by_line(Counter({scan.site: 1}))],
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


def within(violation: Violation, request: str) -> Violation:
    """Say which request into the app under test broke the rule."""
    return replace(violation, evidence=(f"while the app handled {request}", *violation.evidence))


def repeated(violation: Violation, times: int) -> Violation:
    """Say that more requests broke the rule in the same place."""
    if times == 1:
        return violation
    first, *rest = violation.evidence
    return replace(violation, evidence=(f"{first}, and {counted(times - 1, 'more request')} like it", *rest))


def place(frame: Frame) -> str:
    """Name a line of the user's code, with a path from the current folder where that is shorter."""
    return f"{shorten(frame.path)}:{frame.line} in {frame.function}"


def violation_of(
    rule: Rule,
    limits: Limits,
    observed: float,
    headline: str,
    evidence: list[str],
    platform: str,
    site: Site = NOWHERE,
    fix: tuple[str, str] | None = None,
) -> Violation:
    """Make the record of a broken rule; its limit, unit and source are those of the rule's row in `limits.py`."""
    row = BY_RULE.get(rule, BY_KEY["connections"])
    allowed = 0.0 if rule == "queued-timeout" else limits[row.key] or 0
    first, second = (line.format(limit=limits.connections) for line in fix or _FIXES[rule])
    remedy = [platform, "Fix:", f"    {first}", f"    {second}"]
    remedy.append(f'On purpose? @pytest.mark.cf_limits(allow={{"{rule}": "the reason"}})')
    return Violation(
        rule=rule,
        observed=observed,
        limit=allowed,
        unit="requests" if rule == "queued-timeout" else row.unit,
        headline=headline,
        evidence=tuple(evidence),
        remedy="\n".join(remedy),
        source=row.source,
        frames=site.frames,
    )


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


def _quoted(sql: str) -> str:
    text = " ".join(sql.split())
    return text if len(text) <= _SOURCE else text[:_SOURCE].rstrip() + " …"


def _by_line(sites: Counter[Site]) -> Iterator[str]:
    places: Counter[tuple[Frame, ...]] = Counter()
    for site, number in sites.items():  # two calls on one line are two sites
        places[site.frames] += number
    ranked = places.most_common()
    for frames, count in ranked[:_LINES]:
        times = f"{count:,} × " if count > 1 else ""
        if not frames:
            yield f"  {times}a place outside of your code"
            continue
        innermost, *callers = dict.fromkeys(frames)
        source = innermost.source()
        if len(source) > _SOURCE:
            source = source[:_SOURCE].rstrip() + " …"
        yield f"  {times}{place(innermost)}{f': {source}' if source else ''}"
        for caller in callers:
            yield f"      called from {place(caller)}"
    if len(ranked) > _LINES:
        rest = sum(count for _, count in ranked[_LINES:])
        yield f"  {rest} more from {len(ranked) - _LINES} other lines"


def _first(sites: Counter[Site]) -> Site:
    return next(iter(sites), NOWHERE)


def origin(key: str, limits: Limits) -> str:
    """Say where a number comes from that the test did not give: the wrangler file or the plan."""
    if key in limits.given:
        return ""
    set_by_worker = key in limits.configured and limits[key] == limits.configured[key]
    return " (wrangler)" if set_by_worker else f" ({limits.plan_name} plan)"
