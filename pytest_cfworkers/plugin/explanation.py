"""How hypothesis explains a failure, without lines of ours: some of them run only where a limit is broken."""

import os
import re
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Final

_TITLE: Final = "Explanation:"
_PLACE: Final = re.compile(r"\s+(.+):\d+")
_OURS: Final = f"{Path(__file__).parents[1]}{os.sep}"


def without_ours(notes: Iterable[str]) -> str:
    """Return the notes of an exception without lines of ours, and without an explanation that names no others.

    An explanation may be one note, or a note for each of its lines.
    """
    return "\n".join(_kept("\n".join(notes).split("\n")))


def _kept(lines: list[str]) -> Iterator[str]:
    while lines:
        title, *lines = lines
        if title != _TITLE:
            yield title
            continue
        said = list(takewhile(lambda line: line.startswith(" "), lines))
        lines = lines[len(said) :]
        others = [line for line in said if not _is_ours(line)]
        if any(map(_PLACE.fullmatch, others)):
            yield from (title, *others)


def _is_ours(line: str) -> bool:
    place = _PLACE.fullmatch(line)
    return place is not None and place[1].startswith(_OURS)
