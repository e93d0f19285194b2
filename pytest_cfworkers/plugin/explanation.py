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


def leave_ours_out(errors: Iterable[BaseException]) -> None:
    """Take lines of ours out of the notes of errors, and an explanation that names no others."""
    for error in errors:
        notes = getattr(error, "__notes__", None)
        if isinstance(notes, list) and any(_OURS in str(note) for note in notes):
            lines = "\n".join(map(str, notes)).split("\n")  # it may be one note, or one for each line
            error.__notes__ = list(_kept(lines))


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
