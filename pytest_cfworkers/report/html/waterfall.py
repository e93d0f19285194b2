"""The waterfall of an invocation as a picture that needs no JavaScript. Places and lengths are percent of its width."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, final

from pytest_cfworkers.report.html.figures import milliseconds, share
from pytest_cfworkers.report.timeline import Span, Timeline
from pytest_cfworkers.size import format_size
from pytest_cfworkers.wording.lines import place

ROWS: Final = 40
"""Connections that one picture shows; the rest are counted."""

CHECKPOINTS: Final = 20
"""Moments that the test named and one picture shows."""

_TICKS: Final = 5
_LAST_TICK: Final = 94.0
"""Percent: the text of a later one would stand outside."""

_LEAST: Final = 0.4
"""Percent that the shortest part of a bar is wide, so that it is seen."""


class Part(NamedTuple):
    """One state of a connection: what it is called, where it begins and how long it is."""

    state: str
    start: float
    length: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One connection.

    Attributes:
        label: What it was for.
        site: The line that opened it; "" where it is not known.
        parts: Its states, in their order.
        end: Where it ended.
        outcome: How it ended; "open" while it is.
        words: All of that, in words.
    """

    label: str
    site: str
    parts: tuple[Part, ...]
    end: float
    outcome: str
    words: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """The picture of one invocation.

    Attributes:
        name: What it is called.
        ticks: Of the axis of time: place and text.
        rows: Its connections.
        more: Connections that are not shown.
        open: How many connections wanted a slot over time: an SVG path, 1000 wide and 100 high.
        peak: The most that did.
        slots: How many there are; None for no limit.
        mark: How high the line of the limit is, in percent from the bottom.
        memory: The bytes held over time: an SVG path, 1000 wide and 100 high; "" where it was not measured.
        peak_memory: The most that were held, in words.
        checkpoints: The first moments that the test named: place, name, and when that was.
        more_checkpoints: Moments that the test named and are not shown.
    """

    name: str
    ticks: tuple[tuple[float, str], ...]
    rows: tuple[Row, ...]
    more: int
    open: str
    peak: int
    slots: int | None
    mark: float
    memory: str
    peak_memory: str
    checkpoints: tuple[tuple[float, str, str], ...]
    more_checkpoints: int


class Window(NamedTuple):
    """The stretch of time that a picture shows, in milliseconds."""

    start: float
    end: float

    def at(self, moment: float) -> float:
        """Return where a moment is, in percent."""
        return min(100.0, max(0.0, share(moment - self.start, self.end - self.start)))


def draw(timeline: Timeline) -> Waterfall:
    """Draw an invocation."""
    window = _window(timeline)
    steps = list(timeline.wanted())
    peak = max((count for _, count in steps), default=0)
    top = max(peak, timeline.slots or 0, 1)
    most = max((held for _, held in timeline.memory), default=0)
    return Waterfall(
        name=timeline.name,
        ticks=tuple(
            (window.at(moment), f"{round(moment, 6):,.12g} ms")
            for moment in _ticks(window)
            if window.at(moment) < _LAST_TICK
        ),
        rows=tuple(_row(span, window) for span in timeline.spans[:ROWS]),
        more=max(0, len(timeline.spans) - ROWS) + timeline.dropped,
        open=_staircase([(window.at(moment), count / top) for moment, count in steps]),
        peak=peak,
        slots=timeline.slots,
        mark=share(timeline.slots or 0, top),
        memory=_line([(window.at(moment), held / most) for moment, held in timeline.memory]) if most else "",
        peak_memory=format_size(most),
        checkpoints=tuple(
            (window.at(moment), name, milliseconds(moment)) for name, moment in timeline.checkpoints[:CHECKPOINTS]
        ),
        more_checkpoints=max(0, len(timeline.checkpoints) - CHECKPOINTS),
    )


def _window(timeline: Timeline) -> Window:
    """Fit the window to what is shown, for a test may do other things for long before and after."""
    moments = [moment for span in timeline.spans for moment in _moments(span)]
    moments += [moment for moment, _ in timeline.memory] + [moment for _, moment in timeline.checkpoints]
    start, end = min(moments, default=0.0), max(moments, default=timeline.wall_ms)
    if any(span.closed_ms is None for span in timeline.spans):
        end = max(end, timeline.wall_ms)
    room = (end - start) * 0.02 or 0.5
    return Window(max(0.0, start - room), end + room)


def _moments(span: Span) -> Iterator[float]:
    for moment in (span.opened_ms, span.admitted_ms, span.headers_ms, span.closed_ms):
        if moment is not None:
            yield moment


def _ticks(window: Window) -> Iterator[float]:
    """Yield round moments, about five of them."""
    rough = (window.end - window.start) / _TICKS
    base = 10.0 ** math.floor(math.log10(rough))
    step = next(base * factor for factor in (1, 2, 5, 10) if base * factor >= rough)
    moment = math.ceil(window.start / step) * step
    while moment <= window.end:
        yield moment
        moment += step


def _row(span: Span, window: Window) -> Row:
    parts, words, last = [], [], span.opened_ms
    for state, end in _states(span, window):
        start = window.at(last)
        parts.append(Part(state, start, max(_LEAST, round(window.at(end) - start, 2))))
        words.append(f"{state} {milliseconds(end - last)}")
        last = end
    outcome = span.outcome or "open"
    return Row(
        label=span.label,
        site=place(span.frames[0]) if span.frames else "",
        parts=tuple(parts),
        end=window.at(last),
        outcome=outcome,
        words=", ".join([*words, outcome]),
    )


def _states(span: Span, window: Window) -> Iterator[tuple[str, float]]:
    """Yield the states of a connection and when each of them ended."""
    closed = window.end if span.closed_ms is None else span.closed_ms
    admitted = closed if span.admitted_ms is None else span.admitted_ms
    if admitted > span.opened_ms or span.admitted_ms is None:
        yield "queued", admitted
    if span.admitted_ms is None:
        return
    if span.internal:
        yield "service", closed
        return
    yield "waiting", closed if span.headers_ms is None else span.headers_ms
    if span.headers_ms is not None and closed > span.headers_ms:
        yield "streaming", closed


def _staircase(points: list[tuple[float, float]]) -> str:
    if not points:
        return ""
    steps = "".join(f"H{place * 10:.1f}V{100 - height * 100:.1f}" for place, height in points)
    return f"M0 100{steps}H1000V100Z"


def _line(points: list[tuple[float, float]]) -> str:
    steps = "L".join(f"{place * 10:.1f} {100 - height * 100:.1f}" for place, height in points)
    return f"M{points[0][0] * 10:.1f} 100L{steps}V100Z"
