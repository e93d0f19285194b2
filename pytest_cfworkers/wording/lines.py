"""How messages name lines of the user's code."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from pytest_cfworkers.callsite import NOWHERE, Frame, Site, shorten

_LINES: Final = 8
"""Call sites named in one message; the rest are counted."""

_SOURCE: Final = 72
"""Characters of a source line that are quoted."""


def place(frame: Frame) -> str:
    """Name a line of the user's code, with a path from the current folder where that is shorter."""
    return f"{shorten(frame.path)}:{frame.line} in {frame.function}"


def quoted(source: str, most: int = _SOURCE) -> str:
    """Quote a line of code, as many characters of it as fit."""
    return source if len(source) <= most else source[:most].rstrip() + " …"


def by_line(sites: Counter[Site]) -> Iterator[str]:
    """Name each line and who called it, the most frequent first."""
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
        source = quoted(innermost.source())
        yield f"  {times}{place(innermost)}{f': {source}' if source else ''}"
        for caller in callers:
            yield f"      called from {place(caller)}"
    if len(ranked) > _LINES:
        rest = sum(count for _, count in ranked[_LINES:])
        yield f"  {rest} more from {len(ranked) - _LINES} other lines"


def first_of(sites: Counter[Site]) -> Site:
    """Return the first of several places."""
    return next(iter(sites), NOWHERE)
