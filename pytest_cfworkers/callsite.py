"""Call sites: which lines of the user's own code led here.

A site is taken at every request, so taking one walks raw frames and formats nothing.
"""

import enum
import gc
import inspect
import linecache
import os
import sys
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple, final

from pytest_cfworkers.lineage import waiting_coroutines

_DEPTH: Final = 2
"""User frames kept per site: the one that sends, and who called it."""


@cache
def _foreign_folders() -> tuple[str, ...]:
    import sysconfig  # noqa: PLC0415 - a run without guarded tests need not wait for it

    names = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = {*(sysconfig.get_path(name) for name in names), str(Path(__file__).parent)}
    return tuple(f"{Path(folder).resolve()}{os.sep}" for folder in folders)


_LOOPS: Final = tuple(
    str(Path(path))
    for path in ("asyncio/events.py", "asyncio/base_events.py", "asyncio/runners.py", "trio/_core/_run.py")
)
"""Where event loops run tasks: what is below on the stack is not the task's own."""


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


def shorten(path: str) -> str:
    """Write a path from the current folder if it is inside, else as it is."""
    inside = Path(path).is_relative_to(Path.cwd())
    return os.path.relpath(path) if inside else path


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
    """

    __slots__ = ("frames",)

    frames: tuple[Frame, ...]

    def __init__(self, frames: tuple[Frame, ...] = ()) -> None:
        self.frames = frames

    def __repr__(self) -> str:
        return f"<Site {self.frames}>"


NOWHERE: Final = Site()
"""The site of what no line of the user led to."""


class Owner(enum.Enum):
    """Whose code a file is."""

    USER = "user"
    LOOP = "loop"
    OTHER = "other"


_USER, _OTHER = Owner.USER, Owner.OTHER
_owners: Final[dict[str, Owner]] = {}


def owner_of(path: str) -> Owner:
    """Tell whose code a file is: the user's, an event loop's, or else Python's, an installed package's or ours."""
    known = _owners.get(path)
    if known is None:
        known = _owners[path] = _owner_of(path)
    return known


def _owner_of(path: str) -> Owner:
    if path.endswith(_LOOPS):
        return Owner.LOOP
    real = str(Path(path).resolve())
    foreign = (
        path.startswith("<")
        or real.startswith(_foreign_folders())
        or "/site-packages/" in real
        or "/dist-packages/" in real
    )
    return Owner.OTHER if foreign else Owner.USER


_sites: Final[dict[tuple[int, ...], Site]] = {}
_codes: Final[dict[int, CodeType]] = {}
"""The code objects of known sites, kept alive so that their ids stay theirs."""


def capture(frame: FrameType | None = None) -> Site:
    """Take the user's lines that led here, `NOWHERE` where there are none.

    A coroutine that was handed to a task as it is (`gather(*map(client.get, urls))`) has no caller on the stack;
    then the line is taken at which the user waits for it.

    Args:
        frame: Where to start. Every frame that is walked must be made into an object first, which is most of the
            cost; so whoever knows a frame closer to the user's says so.
    """
    if frame is None:
        frame = sys._getframe(1)  # noqa: SLF001 - the documented way to walk raw frames
    start = first = frame
    known = _owners
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
    return _sites.get(key) or _remember(key, first) if key else _waited_at(start)


def _remember(key: tuple[int, ...], *found: FrameType) -> Site:
    site = _sites[key] = Site(
        tuple(Frame(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name) for frame in found)
    )
    _codes.update((id(frame.f_code), frame.f_code) for frame in found)
    return site


_waited: Final[dict[tuple[Frame, ...], Site]] = {}


def _waited_at(frame: FrameType) -> Site:
    """Take the line at which the user waits for this task, or the one that runs its loop."""
    frames: tuple[Frame, ...] = ()
    for coroutine in waiting_coroutines():
        frames = tuple(_suspended(coroutine))[::-1]
        if frames:
            break
    frames = (frames or tuple(_below(frame)))[:_DEPTH]
    return _waited.setdefault(frames, Site(frames)) if frames else NOWHERE


def _below(frame: FrameType | None) -> Iterator[Frame]:
    while frame is not None:
        if owner_of(frame.f_code.co_filename) is Owner.USER:
            yield Frame(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
        frame = frame.f_back


def _suspended(coroutine: Any) -> Iterator[Frame]:
    """Yield the user's lines at which a suspended coroutine stands, the outermost first."""
    step = coroutine
    while (frame := getattr(step, "cr_frame", None) or getattr(step, "ag_frame", None)) is not None:
        if owner_of(frame.f_code.co_filename) is Owner.USER:
            yield Frame(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
        step = getattr(step, "cr_await", None) or getattr(step, "ag_await", None)
        if step is not None and not hasattr(step, "cr_frame"):
            # What awaits the next item of an asynchronous generator names the generator only to the collector.
            step = next(filter(inspect.isasyncgen, gc.get_referents(step)), step)
