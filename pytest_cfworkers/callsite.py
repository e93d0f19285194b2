"""Call sites: which lines of the user's own code led here.

A site is taken at every request, so taking one walks raw frames and formats nothing.
"""

import gc
import inspect
import linecache
import os
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from sys import _getframe
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple, final

from pytest_cfworkers.doctests import written_at
from pytest_cfworkers.lineage import home_coroutine, task_here, thread, waiting_coroutines
from pytest_cfworkers.owner import DOCTEST, KNOWN, Owner, owner_of

_DEPTH: Final = 2
"""User frames kept per site: the one that sends, and who called it."""

_COMPREHENSIONS: Final = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
"""Frames that say less than the function they stand in; Python 3.12 has no frames of most of them any more."""


class Frame(NamedTuple):
    """One line of the user's code.

    Attributes:
        path: The file, as Python knows it.
        line: The line number, from 1.
        function: The name of the function.
    """

    path: str
    line: int
    function: str

    def source(self) -> str:
        """Return the text of the line, or "" where the file cannot be read."""
        return linecache.getline(self.path, self.line).strip()


_starts: Final[list[str]] = []
"""Where the runs of tests began that last; one inside of a test is the last."""


def shorten_from(folder: Path) -> Callable[[], None]:
    """Write paths from the folder where a run of tests begins, whatever folder a test changes to.

    Returns:
        What is to be called when the run ends.
    """
    _starts.append(str(folder))
    return partial(_starts.remove, str(folder))


def shorten(path: str) -> str:
    """Write a path from the folder where the run began if it is inside, else as it is."""
    try:
        folder = _starts[-1] if _starts else os.getcwd()  # noqa: PTH109 - a text is what is needed
    except FileNotFoundError:  # the current folder was removed
        return path
    return os.path.relpath(path, folder) if Path(path).is_relative_to(folder) else path


@lru_cache(maxsize=4_096)
def inside(frames: tuple[Frame, ...], root: str) -> tuple[Frame, ...]:
    """Write the paths of frames from a folder where they are inside, with forward slashes; else as they are."""
    return tuple(frame._replace(path=_inside(frame.path, root)) for frame in frames)


def _inside(path: str, root: str) -> str:
    found = Path(path)
    return (found.relative_to(root) if found.is_relative_to(root) else found).as_posix()


@final
class Site:
    """A place in the user's code. One place is one object, so that counting by place is quick.

    Attributes:
        frames: The user's frames that led there, the innermost first; () where there are none.
        alone: Whether there is one only, so that who started its task or thread says more.
    """

    __slots__ = ("alone", "frames")

    frames: tuple[Frame, ...]
    alone: bool

    def __init__(self, frames: tuple[Frame, ...] = ()) -> None:
        self.frames = frames
        self.alone = len(frames) == 1

    def __repr__(self) -> str:
        return f"<Site {self.frames}>"


NOWHERE: Final = Site()
"""The site of what no line of the user led to."""


_USER, _OTHER = Owner.USER, Owner.OTHER
_sites: Final[dict[tuple[int, ...], Site]] = {}
_codes: Final[dict[int, CodeType]] = {}
"""The code objects of known sites, kept alive so that their ids stay theirs."""


def capture(frame: FrameType | None = None) -> Site:
    """Take the user's lines that led here, `NOWHERE` where there are none.

    A coroutine that was handed to a task as it is (`gather(*map(client.get, urls))`) has no caller on the stack, nor
    has a function that was handed to a thread (`pool.map(client.get, urls)`). Then the line is taken at which the user
    waits for it or handed it over.

    Args:
        frame: Where to start. Every frame that is walked must be made into an object first, which is most of the
            cost; so whoever knows a frame closer to the user's says so.
    """
    if frame is None:
        frame = _getframe(1)
    start = first = frame
    known = KNOWN
    key: tuple[int, ...] = ()
    while frame is not None:
        code = frame.f_code
        owner = known.get(code.co_filename) or owner_of(code.co_filename)
        if owner is _USER:
            if code.co_name not in _COMPREHENSIONS:
                if key:
                    key = (*key, id(code), frame.f_lasti)
                    return _sites.get(key) or _remember(key, first, frame)
                key, first = (id(code), frame.f_lasti), frame
        elif key or owner is not _OTHER:
            break
        frame = frame.f_back
    return _sites.get(key) or _remember(key, first) if key else _elsewhere(start)


def _remember(key: tuple[int, ...], *found: FrameType) -> Site:
    site = _sites[key] = Site(tuple(map(_line, found)))
    _codes.update((id(frame.f_code), frame.f_code) for frame in found)
    return site


def _line(frame: FrameType) -> Frame:
    code = frame.f_code
    if code.co_filename.startswith(DOCTEST) and (written := written_at(frame)) is not None:
        return Frame(*written)
    return Frame(code.co_filename, frame.f_lineno, code.co_name)


# where no line on the stack led


_others: Final[dict[tuple[Frame, ...], Site]] = {}


def site_of(frames: tuple[Frame, ...]) -> Site:
    """Return the place that is these frames, innermost first."""
    return _others.setdefault(frames, Site(frames)) if frames else NOWHERE


def _elsewhere(frame: FrameType) -> Site:
    """Take the line at which the user waits for this task, runs its loop, or handed the work to this thread."""
    return site_of(next(filter(None, _around(frame)), ())[:_DEPTH])


def _around(frame: FrameType) -> Iterator[tuple[Frame, ...]]:
    task = task_here()
    yield from map(suspended, waiting_coroutines(task))
    yield tuple(_below(frame))
    yield thread.handed.frames if thread.handed is not None else ()
    yield from map(suspended, home_coroutine(task))


def _is_told(frame: FrameType) -> bool:
    code = frame.f_code
    return code.co_name not in _COMPREHENSIONS and owner_of(code.co_filename) is _USER


def _below(frame: FrameType | None) -> Iterator[Frame]:
    while frame is not None and owner_of(frame.f_code.co_filename) is not Owner.RUNNER:
        if _is_told(frame):
            yield _line(frame)
        frame = frame.f_back


def suspended(coroutine: Any) -> tuple[Frame, ...]:
    """Return the user's lines at which a coroutine stands, the innermost first; of one that runs, its own."""
    found: list[Frame] = []
    step = coroutine
    while (frame := getattr(step, "cr_frame", None) or getattr(step, "ag_frame", None)) is not None:
        if _is_told(frame):
            found.append(_line(frame))
        step = getattr(step, "cr_await", None) or getattr(step, "ag_await", None)
        if step is not None and not hasattr(step, "cr_frame"):
            # What awaits the next item of an asynchronous generator names the generator only to the collector.
            step = next(filter(inspect.isasyncgen, gc.get_referents(step)), step)
    return tuple(reversed(found))
