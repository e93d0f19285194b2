"""The run as the script of the page reads it: columns, one table of strings, and one line for each test's details.

The lines are read one by one, when a test is opened. Times are whole microseconds, each counted from the one before;
memory is in KiB. A column that holds one value only is that value.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, final, get_args

from pytest_cfworkers.callsite import Frame
from pytest_cfworkers.guards.connection import Outcome
from pytest_cfworkers.report.excess import OVER, Excess
from pytest_cfworkers.report.html.figures import Column, least
from pytest_cfworkers.report.html.findings import TITLES, blocks, is_link
from pytest_cfworkers.report.html.overview import STANDING, TIGHT
from pytest_cfworkers.report.html.readable import readable
from pytest_cfworkers.report.model import FOUND, TestRecord
from pytest_cfworkers.report.timeline import Span, Timeline
from pytest_cfworkers.violation import Violation
from pytest_cfworkers.wording.lines import place

NEVER: Final = -1
"""What stands for a moment that never came."""

OUTCOMES: Final = ("", *get_args(Outcome))
"""How a connection ended, by the number that stands for it."""

_OUTCOME: Final = {outcome: number for number, outcome in enumerate(OUTCOMES)}


@final
class Strings:
    """A table in which each string has its number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._places: dict[tuple[Frame, ...], int] = {}
        self._remedies: dict[str, int] = {}

    def number(self, text: str) -> int:
        """Return the number of a string."""
        return self._numbers.setdefault(text, len(self._numbers))

    def places(self, frames: tuple[Frame, ...]) -> int:
        """Return the number of the lines that name places in the user's code."""
        known = self._places.get(frames)
        if known is None:
            known = self._places[frames] = self.number("\n".join(map(place, frames)))
        return known

    def remedy(self, text: str) -> int:
        """Return the number of a remedy."""
        return self._remedies.setdefault(text, len(self._remedies))

    def remedies(self) -> list[list[tuple[str, str]]]:
        """Return the remedies in the order of their numbers, each in parts."""
        return [[(block.kind, readable(block.text)) for block in blocks(text)] for text in self._remedies]

    def all(self) -> list[str]:
        """Return the strings in the order of their numbers, as a page can show them."""
        return list(map(readable, self._numbers))


def pack(tests: Sequence[TestRecord], columns: Sequence[Column]) -> tuple[str, str]:
    """Pack tests.

    Args:
        tests: The tests, in the order of their numbers.
        columns: The limits that are shown.

    Returns:
        What the page reads at once, and what it reads test by test: JSON and lines of JSON, safe inside of `<script>`.
    """
    strings = Strings()
    used = [[record.usage.get(column.limit.key) for record in tests] for column in columns]
    details = "\n".join(_safe(_details(record, strings)) for record in tests)
    index = {
        "tight": TIGHT,
        "columns": [
            {name: getattr(column.limit, name) for name in ("key", "rule", "title", "unit")} | {"short": column.short}
            for column in columns
        ],
        "outcomes": OUTCOMES,
        "titles": TITLES,
        "over": {excess: (STANDING[excess], words) for excess, words in OVER.items()},
        "excess": {number: over for number, record in enumerate(tests) if (over := _excess(record, columns))},
        "ids": [readable(record.nodeid) for record in tests],
        "outcome": _short([record.outcome for record in tests]),
        "ms": [round(record.duration_ms, 2) for record in tests],
        "used": [_short([usage and round(usage.used, 3) for usage in usages]) for usages in used],
        "limit": [_short([usage and usage.limit for usage in usages]) for usages in used],
        "left": [round(least(record), 1) for record in tests],
        "rules": [list(dict.fromkeys(found.rule for found in record.violations)) for record in tests],
        "strings": strings.all(),
        "remedies": strings.remedies(),
    }
    return _safe(index), details


def _excess(record: TestRecord, columns: Sequence[Column]) -> Mapping[int, Excess]:
    """Return what it means that a test used more than a limit, by the column of the limit; most used less of each."""
    return {place: excess for place, column in enumerate(columns) if (excess := record.excess(column.limit))}


def _safe(data: object) -> str:
    """Write JSON that cannot end the script it stands in: no `<` is left, and all that is not ASCII is escaped."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _details(record: TestRecord, strings: Strings) -> Mapping[str, Any]:
    where = f"{record.path}:{record.line}" if record.path and record.line else record.path
    return {
        "where": strings.number(where),
        "plan": record.plan,
        "found": {
            kind: [_violation(violation, strings) for violation in found]
            for kind in FOUND
            if (found := getattr(record, kind))
        },
        "timelines": [_timeline(timeline, strings) for timeline in record.timelines],
    }


def _violation(violation: Violation, strings: Strings) -> list[Any]:
    return [
        violation.rule,
        strings.number(violation.headline),
        [strings.number(line) for line in violation.evidence],
        strings.remedy(violation.remedy),
        strings.number(violation.source if is_link(violation.source) else ""),
    ]


def _timeline(timeline: Timeline, strings: Strings) -> list[Any]:
    spans = timeline.spans
    return [
        strings.number(timeline.name),
        timeline.slots,
        int(timeline.connection_model == "headers"),
        round(timeline.wall_ms, 3),
        round(timeline.cpu_ms, 3),
        timeline.dropped,
        *_memory(timeline.memory),
        [[strings.number(name), round(moment, 3)] for name, moment in timeline.checkpoints],
        len(spans),
        _short([strings.number(span.label) for span in spans]),
        _short([strings.places(span.frames) for span in spans]),
        _short([span.internal | span.beyond << 1 | _OUTCOME[span.outcome] << 2 for span in spans]),
        *map(_short, _times(spans)),
    ]


def _times(spans: Sequence[Span]) -> Iterator[list[int]]:
    """Yield when each connection was opened, and how long after the moment before it came to each of the next ones."""
    last = [round(span.opened_ms * 1_000) for span in spans]
    yield [now - before for now, before in zip(last, [0, *last], strict=False)]
    for moments in (
        [span.admitted_ms for span in spans],
        [span.headers_ms for span in spans],
        [span.closed_ms for span in spans],
    ):
        pairs = zip(moments, last, strict=True)
        now = [before if moment is None else round(moment * 1_000) for moment, before in pairs]
        steps = zip(moments, now, last, strict=True)
        yield [NEVER if moment is None else max(0, after - before) for moment, after, before in steps]
        last = now


def _memory(memory: Sequence[tuple[float, int]]) -> tuple[object, object]:
    """Return the moments, each counted from the one before, and the KiB held then."""
    moments = [round(moment * 1_000) for moment, _ in memory]
    return (
        _short([now - before for now, before in zip(moments, [0, *moments], strict=False)]),
        _short([held >> 10 for _, held in memory]),
    )


def _short(column: list[Any]) -> object:
    """Write a column that holds one value only as that value."""
    return column[0] if column and column.count(column[0]) == len(column) else column
