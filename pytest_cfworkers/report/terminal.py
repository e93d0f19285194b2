"""The summary in the terminal: per limit the worst tests, what would fail on the other plan, what was allowed."""

import math
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from pytest_cfworkers.counted import counted
from pytest_cfworkers.guards.connections import KEPT
from pytest_cfworkers.limits import D1_PARAMETERS, LIMITS, Limit
from pytest_cfworkers.report.legible import legible
from pytest_cfworkers.report.model import TestRecord, is_no_verdict
from pytest_cfworkers.violation import Violation
from pytest_cfworkers.wording.lines import place
from pytest_cfworkers.wording.time import is_not_judged

_PLENTY: Final = 99.5
"""Percent of a limit left from which on a test is not worth a line."""


_HALF: Final = 50.0
"""The same for the values of one statement: most bind a few."""


_NARROWEST: Final = 40
"""Columns below which lines are not broken for the terminal."""

_LONGEST: Final = 1_000
"""Characters of a line that others wrote."""


class Line(NamedTuple):
    """A line and how it is shown: "" plain, "red", "yellow", "green" or "bold"."""

    text: str
    style: str = ""


def summary(
    records: Sequence[TestRecord], *, top: int | None, width: int, failing: bool, quiet: bool = False
) -> Iterator[Line]:
    """Yield the lines of the summary.

    Args:
        records: The guarded tests.
        top: How many tests to name per limit; None for every test, also those with plenty left.
        width: Columns of the terminal.
        failing: Whether violations failed their tests, or were only reported.
        quiet: Whether to tell no more than what would fail and what was not judged.
    """
    for line in _lines(records, top=top, width=width, failing=failing, quiet=quiet):
        yield from wrapped(line, width)


def _lines(records: Sequence[TestRecord], *, top: int | None, width: int, failing: bool, quiet: bool) -> Iterator[Line]:
    plenty, top = (math.inf, sys.maxsize) if top is None else (_PLENTY, top)
    records = sorted(records, key=lambda record: record.nodeid)  # not in the order in which workers finished
    if quiet:
        if not failing:
            yield from _reported(records, top, width)
        yield from _advised(records, top, width, is_no_verdict)
        return
    for limit in (*LIMITS, D1_PARAMETERS):
        yield from _worst(limit, records, top, width, plenty if limit is not D1_PARAMETERS else min(plenty, _HALF))
    if not failing:
        yield from _reported(records, top, width)
    yield from _elsewhere(records, top, width)
    yield from _advised(records, top, width, _is_no_figure)
    yield from _allowed(records, width)
    dropped = sum(record.dropped for record in records if record.timelines or plenty == math.inf)
    if dropped:
        yield Line(f"the times of {dropped:,} connections were not kept: each invocation keeps its first {KEPT}")


def _worst(limit: Limit, records: Sequence[TestRecord], top: int, width: int, plenty: float) -> Iterator[Line]:
    used = [
        (record.usage[limit.key], record)
        for record in records
        if limit.key in record.usage and record.usage[limit.key].used and record.usage[limit.key].headroom < plenty
    ]
    if not used or not top:
        return
    used.sort(key=lambda pair: pair[0].headroom)
    shown = used[:top]
    yield Line(limit.title, "bold")
    for usage, record in shown:
        figure = f"{_number(limit, usage.used)} / {_number(limit, usage.limit)}"
        excess = record.excess(limit)
        style = "red" if excess == "broken" else "yellow" if excess else ""
        yield Line(_fit(f"  {figure:>20}  {record.left(limit):>13}  ", record.nodeid, width), style)
    if len(used) > top:
        yield Line(f"  … and {counted(len(used) - top, 'more test')}")


def _reported(records: Sequence[TestRecord], top: int, width: int) -> Iterator[Line]:
    broken = [record for record in records if record.violations]
    if not broken:
        return
    yield Line(f"{counted(len(broken), 'test')} would fail with --cf-limits=enforce", "bold")
    for record in broken[:top]:
        yield Line(_fit("  ", record.nodeid, width), "red")
        for found in record.violations:
            yield Line(f"    {found.rule}: {found.headline}")
            if found.frames:
                yield Line(f"    {place(found.frames[0])}")
    if len(broken) > top:
        yield Line(f"  … and {counted(len(broken) - top, 'more test')}: --cf-top={len(broken)} names them all")


def _elsewhere(records: Sequence[TestRecord], top: int, width: int) -> Iterator[Line]:
    failing = [record for record in records if record.fails_elsewhere]
    if not failing:
        return
    other = "free" if failing[0].plan == "paid" else "paid"
    yield Line(f"{counted(len(failing), 'test')} would fail on the {other} plan", "bold")
    for record in failing[:top]:
        why = ", ".join(
            f"{_number(limit, record.usage[limit.key].used)} of "
            f"{_number(limit, record.usage[limit.key].other or 0)} {limit.title}"
            for limit in record.fails_elsewhere
        )
        yield Line(_fit(f"  {why}  ", record.nodeid, width))
    if len(failing) > top:
        yield Line(f"  … and {len(failing) - top:,} more")


def _is_no_figure(advice: Violation) -> bool:
    """Tell whether advice is more than a figure of a limit, which the summary shows already."""
    return advice.rule != "cpu-time" or is_not_judged(advice)


def _advised(records: Sequence[TestRecord], top: int, width: int, told: Callable[[Violation], bool]) -> Iterator[Line]:
    advised = list(_by_place((found, record) for record in records for found in record.advice if told(found)))
    if not advised:
        return
    yield Line("advice", "bold")
    for pairs in advised[:top]:
        for _, record in pairs[:top]:
            yield Line(_fit("  ", record.nodeid, width))
        if len(pairs) > top:
            yield Line(f"  … and {counted(len(pairs) - top, 'more test')}")
        found = max((found for found, _ in pairs), key=lambda one: one.observed)
        yield Line(f"    {found.headline}")
        yield from (Line(f"    {line}") for line in found.evidence)
        yield from (Line(f"    {line}") for line in found.remedy.splitlines())
    if len(advised) > top:
        yield Line(f"  … and {len(advised) - top:,} more: --cf-top={len(advised)} names them all")


def _by_place(advised: Iterable[tuple[Violation, TestRecord]]) -> Iterable[list[tuple[Violation, TestRecord]]]:
    """Put together what several tests are advised about the same line and statement, which is to be mended once."""
    groups: dict[object, list[tuple[Violation, TestRecord]]] = {}
    for found, record in advised:
        what = found.rule, found.remedy, found.evidence[:1]  # the first is the statement
        place = (*what, found.frames[0]) if found.frames else (len(groups), record.nodeid)
        groups.setdefault(place, []).append((found, record))
    return groups.values()


def _allowed(records: Sequence[TestRecord], width: int) -> Iterator[Line]:
    unused = [(record.nodeid, rule, why) for record in records for rule, why in record.unused.items()]
    if unused:
        yield Line("allowances that were not needed", "bold")
    for nodeid, rule, why in unused:
        yield Line(_fit(f"  {rule} ({why})  ", nodeid, width), "yellow")


def _number(limit: Limit, value: float) -> str:
    return limit.format(value) if limit.unit in {"bytes", "ms"} else f"{value:,.0f}"


def wrapped(line: Line, width: int) -> Iterator[Line]:
    """Break a line where the terminal would, but at a word, and indented."""
    text, width = legible(line.text, _LONGEST), max(width, _NARROWEST)
    if len(text) <= width:
        yield Line(text, line.style)
        return
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    parts = textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False)
    yield from (Line(part, line.style) for part in parts)


def _fit(start: str, nodeid: str, width: int) -> str:
    """Write a test id behind a start; where the line is too narrow, the id's end tells more than its start."""
    nodeid = legible(nodeid)
    room = max(width - len(start), 20)
    return start + (nodeid if len(nodeid) <= room else "…" + nodeid[len(nodeid) - room + 1 :])
