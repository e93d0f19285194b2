"""How messages name lines of the user's code."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from pytest_cfworkers.callsite import NOWHERE, Frame, Site, shorten

_LINES: Final = 8
"""Call sites named in one message; the rest are counted."""

_SOURCE: Final = 72
"""Characters of a source line that are quoted."""


_PROSE: Final = 79
"""Columns that prose takes at most, with what it is indented by: a terminal has 80. Code and paths may take more."""


def prose(text: str, *, indent: int, hang: str = "") -> list[str]:
    """Break sentences into lines.

    Args:
        text: The sentences. A line that is an address stays whole.
        indent: Columns that each line will be indented by.
        hang: What each line after the first begins with.
    """
    return [
        line
        for part in text.splitlines()
        for line in textwrap.wrap(
            part,
            _PROSE - indent,
            subsequent_indent=hang,
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]


def place(frame: Frame) -> str:
    """Name a line of the user's code, with a path from the current folder where that is shorter."""
    return f"{shorten(frame.path)}:{frame.line} in {frame.function}"


def quoted(source: str, most: int = _SOURCE) -> str:
    """Quote a line of code, as many characters of it as fit."""
    return source if len(source) <= most else source[:most].rstrip() + " …"


def by_line(sites: Counter[Site], labels: Mapping[Site, object] = MappingProxyType({})) -> Iterator[str]:
    """Name each line and who called it, the most frequent first.

    Args:
        sites: How often each place was.
        labels: What the first request from a place was for.
    """
    places: Counter[tuple[Frame, ...]] = Counter()
    firsts: dict[tuple[Frame, ...], object] = {}
    for site, number in sites.items():  # two calls on one line are two sites
        places[site.frames] += number
        if site in labels:
            firsts.setdefault(site.frames, labels[site])
    ranked = places.most_common()
    for frames, count in ranked[:_LINES]:
        yield from _one_line(frames, f"{count:,} × " if count > 1 else "")
        if frames in firsts:
            yield f"      {'the first for' if count > 1 else 'for'} {quoted(str(firsts[frames]))}"
    if len(ranked) > _LINES:
        rest = sum(count for _, count in ranked[_LINES:])
        yield f"  {rest} more from {len(ranked) - _LINES} other lines"


def first_of(sites: Counter[Site]) -> Site:
    """Return the first of several places."""
    return next(iter(sites), NOWHERE)


def _one_line(frames: tuple[Frame, ...], times: str) -> Iterator[str]:
    if not frames:
        yield f"  {times}a place outside of your code"
        return
    innermost, *callers = dict.fromkeys(frames)
    source = quoted(innermost.source())
    yield f"  {times}{place(innermost)}{f': {source}' if source else ''}"
    for caller in callers:
        yield f"      called from {place(caller)}"
