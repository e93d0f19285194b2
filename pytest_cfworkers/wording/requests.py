"""What a user reads about requests: connections, bodies, subrequests, and which request into an app it was."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from pytest_cfworkers.callsite import NOWHERE, Site
from pytest_cfworkers.counted import counted
from pytest_cfworkers.guards.connection import Connection
from pytest_cfworkers.guards.connections import ConnectionGuard
from pytest_cfworkers.guards.subrequests import SubrequestGuard
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.limits import BY_KEY, CLOSED_DUE_TO_LIMIT, CONNECTIONS_RELAXED, CONNECTIONS_RELAXED_SOURCE
from pytest_cfworkers.violation import Violation
from pytest_cfworkers.wording.lines import by_line, first_of
from pytest_cfworkers.wording.records import origin, own, violation_of
from pytest_cfworkers.wording.remedies import FIXES, fitting


def connections(guard: ConnectionGuard, limits: Limits) -> Violation:
    """More connections were wanted at once than there are slots."""
    slots = limits.connections or 0
    evidence = ["open at that moment:", *by_line(guard.at_peak.sites)]
    if guard.queued_s:
        waited = f"{counted(guard.queued, 'connection')} waited in the queue, {guard.queued_s * 1_000:,.1f} ms in all"
        evidence.append(f"in the whole invocation {waited}")
    if guard.evicted:
        evidence += [
            f'cancelled to make room, with "{CLOSED_DUE_TO_LIMIT}":',
            *by_line(guard.evicted),
        ]
    if limits.connection_model == "body":
        model = (
            f"A connection counts here until its body is read or closed: the platform's rule until "
            f"{CONNECTIONS_RELAXED}, and the safe one. Since then it counts until its headers arrive: "
            f'connection_model="headers".\n{CONNECTIONS_RELAXED_SOURCE}'
        )
    else:
        model = f"A connection counts until its headers arrive: the platform's rule since {CONNECTIONS_RELAXED}."
    return violation_of(
        "connections",
        limits,
        guard.peak,
        f"{guard.peak} connections at once, the limit is {slots}",
        evidence,
        f"{_allowed(limits)}; the next one waits until one is free.\n{model}",
        site=guard.seventh.led() if guard.seventh is not None else NOWHERE,
        fix=_fewer(guard),
    )


def _allowed(limits: Limits) -> str:
    """Say how many connections there are, and whether the platform says so."""
    slots, platform = limits.connections, limits.platform("connections")
    if slots == platform:
        return f"A Worker has {slots} connections at a time"
    return f"Your limit allows {slots} at a time, where a Worker has {platform}"


def _fewer(guard: ConnectionGuard) -> tuple[str, str]:
    """Return what keeps connections from being open together, in the manner of the first beyond the limit."""
    if guard.at_peak.services * 2 > guard.peak:
        return FIXES["d1-queries"]
    manner = guard.seventh.manner if guard.seventh is not None else "asyncio"
    # One thread that sends and waits holds several only by the bodies that it leaves unread.
    alone = manner == "thread" and guard.at_peak.threads == 1
    return fitting("unread-body" if alone else "connections", manner)


def queued_timeout(guard: ConnectionGuard, limits: Limits) -> Violation:
    """Requests ran out of their own time before they were sent."""
    count = guard.timed_out.total()
    return violation_of(
        "queued-timeout",
        limits,
        count,
        f"{counted(count, 'request')} timed out in the queue, the limit is 0",
        ["never sent:", *by_line(guard.timed_out)],
        f"{_allowed(limits)}. The timer of a request runs while it waits for a connection, so a short timeout on many "
        f"requests at once ends requests that were never sent.",
        site=first_of(guard.timed_out),
        fix=fitting("queued-timeout", guard.first_timed_out.manner if guard.first_timed_out is not None else "asyncio"),
    )


def unread_bodies(
    sites: Counter[Site], limits: Limits, firsts: Mapping[Site, Connection] = MappingProxyType({})
) -> Violation:
    """Responses were left neither read nor closed.

    A library or a transport sends every request from one line, so the first request of each line is named, too.
    """
    count, first = sites.total(), firsts.get(first_of(sites))
    labels = {site: connection.label for site, connection in firsts.items()}
    return violation_of(
        "unread-body",
        limits,
        count,
        f"{counted(count, 'response body', 'response bodies')} neither read nor closed, "
        f"the limit is {limits.unread_bodies}",
        ["opened at:", *by_line(sites, labels)],
        f"A body that nobody reads keeps its memory for the rest of the invocation, and until "
        f"{CONNECTIONS_RELAXED} it kept its connection: "
        f"{BY_KEY['connections'].paid} of them stopped a Worker. Read it, or close it.",
        site=first_of(sites),
        fix=fitting("unread-body", first.manner if first is not None else "asyncio"),
    )


def subrequests(guard: SubrequestGuard, limits: Limits) -> Violation:
    """The budget of external requests is spent."""
    return violation_of(
        "subrequests",
        limits,
        guard.count,
        f"{counted(guard.count, 'subrequest')}, the limit is {guard.limit:,}{origin('subrequests', limits)}",
        ["sent from:", *by_line(guard.sites)],
        f"Each request counts, and each hop of a redirect. {_refuses('subrequests', limits)}:\n"
        '"Too many subrequests by single Worker invocation".',
        site=guard.first_beyond or NOWHERE,
    )


def internal_subrequests(guard: SubrequestGuard, limits: Limits) -> Violation:
    """The budget of calls of Cloudflare's services is spent."""
    return violation_of(
        "internal-subrequests",
        limits,
        guard.count,
        f"{counted(guard.count, 'call of a service', 'calls of services')}, "
        f"the limit is {guard.limit:,}{origin('internal_subrequests', limits)}",
        ["called from:", *by_line(guard.sites)],
        "Each call of D1, KV, R2, Queues or a Durable Object counts; a batch counts once. "
        f"{_refuses('internal_subrequests', limits)}:\n"
        '"Too many API requests by single Worker invocation".',
        site=guard.first_beyond or NOWHERE,
    )


def _refuses(key: str, limits: Limits) -> str:
    """Say when the platform refuses a request."""
    if not limits.is_own(key):
        return "The platform refuses the next one"
    return f"{own(key, limits)}The platform refuses what is beyond {limits.platform(key):,}"


def within(violation: Violation, request: str) -> Violation:
    """Say which request into the app under test broke the rule."""
    return replace(violation, evidence=(f"while the app handled {request}", *violation.evidence))


def repeated(violation: Violation, times: int) -> Violation:
    """Say that more requests broke the rule in the same place."""
    if times == 1:
        return violation
    first, *rest = violation.evidence
    return replace(violation, evidence=(f"{first}, and {counted(times - 1, 'more request')} like it", *rest))
