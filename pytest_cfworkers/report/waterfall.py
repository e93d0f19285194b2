"""What was open when, as text: a line for each connection, time from left to right."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from pytest_cfworkers.report.legible import legible
from pytest_cfworkers.report.timeline import Span, Timeline

_ROWS: Final = 12
"""Connections that are drawn, twice as many as there are slots; the rest are counted."""

_NARROWEST: Final = 60
"""Columns below which lines are not made shorter."""

_LABEL: Final = 0.4
"""The share of a line that labels may take."""

_SHORTEST: Final = 0.001
"""Milliseconds that are drawn at least: the clock's own step."""

_REQUEST: Final = re.compile(r"(?P<method>\S+ )[^/\s]+://(?P<host>[^/]*)(?P<path>/.*)")

_LOAD: Final = "want a slot"
"""The label of the line that counts those that hold a slot or wait for one."""


class _Pen(NamedTuple):
    """The characters for each state of a connection, told apart by shape and not by colour."""

    queued: str
    waiting: str
    streaming: str
    evicted: str
    edge: str
    cut: str


_BLOCKS: Final = _Pen("·", "▒", "█", "✗", "│", "…")
_ASCII: Final = _Pen(".", "-", "=", "x", "|", "~")


def waterfall(timeline: Timeline, *, width: int, encoding: str | None = "utf-8") -> Iterator[str]:
    """Yield the lines of a drawing of an invocation.

    Args:
        timeline: What happened.
        width: Columns of the terminal.
        encoding: What is written in; without the characters for it, ASCII is used.
    """
    pen = _BLOCKS if _can_write("".join(_BLOCKS), encoding) else _ASCII
    spans = timeline.spans[:_ROWS]
    if not spans:
        return
    # The time before the first and after the last says nothing about them.
    start = min(span.opened_ms for span in spans)
    last = max(start + _SHORTEST, *(_end(span, timeline.wall_ms) for span in spans))
    columns = max(width, _NARROWEST)
    most = int(columns * _LABEL)
    labels = _shortened([_shown(span.label, encoding) for span in spans], most)
    room = min(max(map(len, (*labels, _LOAD))), most)
    chart = columns - room - 2 - 1
    scale = chart / (last - start)
    yield f"{_cut('', room, pen)} {_axis(start, last, chart)}"
    for span, label in zip(spans, labels, strict=True):
        yield f"{_cut(label, room, pen)} {pen.edge}{_bar(span, start, last, scale, chart, pen)}{pen.edge}"
    yield f"{_cut(_LOAD, room, pen)} {pen.edge}{_load(timeline, start, scale, chart)}{pen.edge}"
    hidden = len(timeline.spans) - len(spans) + timeline.dropped
    if hidden:
        yield f"and {hidden:,} more connections"
    yield f"{pen.queued} queued  {pen.waiting} waits for headers  {pen.streaming} body unread  {pen.evicted} evicted"


def _can_write(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _end(span: Span, end: float) -> float:
    return max(end if span.closed_ms is None else span.closed_ms, span.opened_ms)


def _shown(label: str, encoding: str | None) -> str:
    text = legible(label, 200)
    if not _can_write(text, encoding):
        text = text.encode("ascii", "backslashreplace").decode("ascii")
    return text


def _shortened(labels: list[str], most: int) -> list[str]:
    """Leave out what says least, of all labels alike, where one is too long: the scheme, then a host that all share."""
    if max(map(len, labels)) <= most:
        return labels
    found = [_REQUEST.fullmatch(label) for label in labels]
    pairs = list(zip(labels, found, strict=True))
    bare = [label if url is None else url["method"] + url["host"] + url["path"] for label, url in pairs]
    if max(map(len, bare)) <= most or len({url["host"] for url in found if url is not None}) != 1:
        return bare
    return [label if url is None else url["method"] + url["path"] for label, url in pairs]


def _cut(label: str, room: int, pen: _Pen) -> str:
    """Fit a label: what tells connections apart are the method and the end of the URL."""
    if len(label) <= room:
        return label.ljust(room)
    method, space, _ = label.partition(" ")
    kept = f"{method}{space}{pen.cut}" if space and len(method) < room // 2 else pen.cut
    return kept + label[len(label) - room + len(kept) :]


def _axis(start: float, last: float, chart: int) -> str:
    left, right = _time(start), _time(last)
    return f" {left}{right.rjust(chart - len(left))}"


def _time(milliseconds: float) -> str:
    return f"{milliseconds:,.1f} ms" if milliseconds < 1_000 else f"{milliseconds / 1_000:,.2f} s"  # noqa: PLR2004 - a second


def _bar(span: Span, start: float, last: float, scale: float, chart: int, pen: _Pen) -> str:
    closed = _end(span, last)
    admitted = _between(span.opened_ms, span.admitted_ms, closed)
    headers = _between(admitted, span.headers_ms, closed)
    cells = [" "] * chart
    for begin, finish, mark in (
        (span.opened_ms, admitted, pen.queued),
        (admitted, headers, pen.waiting),
        (headers, closed, pen.streaming),
    ):
        first, beyond = _column((begin - start) * scale, chart), _column((finish - start) * scale, chart)
        if finish > begin:
            cells[first : beyond + 1] = mark * (beyond + 1 - first)
    if closed == span.opened_ms:  # too short for the clock
        cells[_column((closed - start) * scale, chart)] = pen.waiting
    if span.outcome == "evicted":
        cells[_column((closed - start) * scale, chart)] = pen.evicted
    return "".join(cells)


def _between(first: float, moment: float | None, last: float) -> float:
    return last if moment is None else min(max(moment, first), last)


def _column(at: float, chart: int) -> int:
    return min(max(int(at), 0), chart - 1)


def _load(timeline: Timeline, start: float, scale: float, chart: int) -> str:
    """Write for each column how many held a slot or asked for one; "+" for more than nine."""
    most = [0] * chart
    wanted = column = 0
    for moment, count in timeline.wanted():
        at = _column((moment - start) * scale, chart)
        _fill(most, column, at, wanted)
        wanted, column = count, at
        most[at] = max(most[at], wanted)
    _fill(most, column, chart - 1, wanted)
    return "".join(" " if not count else str(count) if count < 10 else "+" for count in most)  # noqa: PLR2004 - a digit


def _fill(most: list[int], first: int, last: int, count: int) -> None:
    for column in range(first + 1, last + 1):
        most[column] = max(most[column], count)


def drawn(timelines: Sequence[Timeline]) -> Timeline | None:
    """Choose the one to draw: that in which most connections were opened beyond the limit."""
    return max(timelines, key=lambda timeline: sum(span.beyond for span in timeline.spans), default=None)
