"""Call sites: which lines of the user's own code led here.

A site is taken at every request, so taking one walks raw frames and formats nothing.
"""

import enum
import linecache
import os
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple, final

_DEPTH: Final = 3
"""User frames kept per site: the one that sends, and two that called it."""


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


_owners: Final[dict[str, Owner]] = {}
_others: Final[set[str]] = set()
"""The files known to be of `Owner.OTHER`: most frames of a request are, and this tells so quickest."""


def owner_of(path: str) -> Owner:
    """Tell whose code a file is: the user's, an event loop's, or else Python's, an installed package's or ours."""
    known = _owners.get(path)
    if known is None:
        known = _owners[path] = _owner_of(path)
        if known is Owner.OTHER:
            _others.add(path)
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

    A coroutine that was handed to a task as it is (`gather(*map(client.get, urls))`) has no caller on the
    stack; then the line that created it is taken, if `track_origins` was in force.

    Args:
        frame: Where to start. Every frame that is walked must be made into an object first, which is most of the
            cost; so whoever knows a frame closer to the user's says so.
    """
    if frame is None:
        frame = sys._getframe(1)  # noqa: SLF001 - the documented way to walk raw frames
    others = _others
    found: list[FrameType] = []
    key: list[int] = []
    while frame is not None:
        code = frame.f_code
        path = code.co_filename
        if path in others:
            if found:
                break
        elif (owner := owner_of(path)) is Owner.USER:
            found.append(frame)
            key += (id(code), frame.f_lasti)
            if len(found) == _DEPTH:
                break
        elif found or owner is Owner.LOOP:
            break
        frame = frame.f_back
    return _sites.get(tuple(key)) or _remember(tuple(key), found) if found else _origin()


def _remember(key: tuple[int, ...], found: list[FrameType]) -> Site:
    site = _sites[key] = Site(
        tuple(Frame(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name) for frame in found)
    )
    _codes.update((id(frame.f_code), frame.f_code) for frame in found)
    return site


class _Tracking(threading.local):
    """How many invocations want the origins of coroutines of this thread, and the depth before the first of them."""

    users: int = 0
    before: int = 0


_tracking: Final = _Tracking()

_ORIGIN_DEPTH: Final = 1
"""Frames of an origin: who called the coroutine function. Each costs every coroutine that is made a little."""


def track_origins() -> None:
    """Let each coroutine of this thread remember where it was created, until as many calls of `untrack_origins`."""
    if not _tracking.users:
        _tracking.before = sys.get_coroutine_origin_tracking_depth()
        sys.set_coroutine_origin_tracking_depth(_tracking.before or _ORIGIN_DEPTH)
    _tracking.users += 1


def untrack_origins() -> None:
    """End what `track_origins` began; of invocations that overlap, the last one to end restores the depth."""
    if _tracking.users:  # there are none where an invocation ends in another thread than it began in
        _tracking.users -= 1
        if not _tracking.users:
            sys.set_coroutine_origin_tracking_depth(_tracking.before)


_origins: Final[dict[tuple[Frame, ...], Site]] = {}


def _origin() -> Site:
    """Take the line that created the coroutine of this task, or the one at which its parent stands."""
    coroutine, parent = _task()
    created = getattr(coroutine, "cr_origin", None) or ()
    lines = {line[:2]: Frame(*line) for line in reversed(created) if owner_of(line[0]) is Owner.USER}
    frames = tuple(reversed(lines.values()))  # a generator expression stands on the line of its function
    if not frames and parent is not None:
        frames = tuple(_suspended(parent))[::-1]
    return _origins.setdefault(frames, Site(frames)) if frames else NOWHERE


def _task() -> tuple[object, object]:
    """The coroutine of this task, and that of the task whose nursery or task group it runs in."""
    if (trio := sys.modules.get("trio")) is not None and trio.lowlevel.in_trio_task():
        task = trio.lowlevel.current_task()
        nursery = task.parent_nursery
        return task.coro, nursery.parent_task.coro if nursery is not None else None
    if (asyncio := sys.modules.get("asyncio")) is None:
        return None, None
    try:
        current = asyncio.current_task()
    except RuntimeError:
        return None, None
    if current is None:
        return None, None
    return current.get_coro(), _host(current)


def _host(task: Any) -> object:
    """The coroutine of the task that opened the task group of anyio which a task runs in."""
    anyio = sys.modules.get("anyio._backends._asyncio")
    state = anyio._task_states.get(task) if anyio is not None else None  # noqa: SLF001 - there is no public way
    scope = getattr(state, "cancel_scope", None)
    while (host := getattr(scope, "_host_task", None)) is task:  # its own scopes, such as a timeout
        scope = getattr(scope, "_parent_scope", None)
    return host.get_coro() if host is not None else None


def _suspended(coroutine: Any) -> Iterator[Frame]:
    """Yield the user's lines at which a suspended coroutine stands, the outermost first."""
    step = coroutine
    while (frame := getattr(step, "cr_frame", None) or getattr(step, "ag_frame", None)) is not None:
        if owner_of(frame.f_code.co_filename) is Owner.USER:
            yield Frame(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
        step = getattr(step, "cr_await", None) or getattr(step, "ag_await", None)
