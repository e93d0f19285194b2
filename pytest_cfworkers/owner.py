"""`Owner`: whose code a file is."""

import enum
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final


class Owner(enum.Enum):
    """Whose code a file is."""

    USER = "user"
    LOOP = "loop"
    RUNNER = "runner"
    OTHER = "other"


DOCTEST: Final = "<doctest "
"""How the name of what a user wrote as an example in a docstring begins: `<doctest module.function[0]>`."""

_LOOPS: Final = (
    ("asyncio", "events.py"),
    ("asyncio", "base_events.py"),
    ("asyncio", "runners.py"),
    ("trio", str(Path("_core/_run.py"))),
)
"""Where event loops run tasks, by package: what is below on the stack is not the task's own."""

_RUNNERS: Final = (("_pytest", "runner.py"),)
"""Where tests are run: what is below on the stack started the run, and led to no request."""

_INSTALLED: Final = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))

KNOWN: Final[dict[str, Owner]] = {}
"""The files that were asked for, for whoever asks too often to call a function."""


def owner_of(path: str) -> Owner:
    """Tell whose code a file is.

    It is the user's, an event loop's, the runner's of tests, or else Python's, an installed package's, a command's or
    ours.
    """
    known = KNOWN.get(path)
    if known is None:
        known = KNOWN[path] = _owner_of(path)
    return known


def _owner_of(path: str) -> Owner:
    if path in _files(_LOOPS):
        return Owner.LOOP
    if path in _files(_RUNNERS):
        return Owner.RUNNER
    if path.startswith("<"):
        return Owner.USER if path.startswith(DOCTEST) else Owner.OTHER
    # As it is written: to look for links would ask the disk, where the loop that runs must not be blocked.
    foreign = path.startswith(foreign_folders()) or any(folder in path for folder in _INSTALLED)
    return Owner.OTHER if foreign else Owner.USER


def _files(places: tuple[tuple[str, str], ...]) -> Iterator[str]:
    """Yield where files are, of the packages that are loaded: code that is of no loaded package runs nothing."""
    for package, name in places:
        if (file := getattr(sys.modules.get(package), "__file__", None)) is not None:
            yield os.path.join(os.path.dirname(file), name)  # noqa: PTH118, PTH120 - as it stands in a frame


@cache
def foreign_folders() -> tuple[str, ...]:
    """Return the folders of Python, of installed packages, of commands and of this package, links followed and not.

    Asked for before a loop runs, since it asks the disk.
    """
    import sysconfig  # noqa: PLC0415 - a run without guarded tests need not wait for it

    # Commands such as `pytest` are Python files, too.
    names = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
    written = [Path(path) for path in (*map(sysconfig.get_path, names), os.path.dirname(__file__))]  # noqa: PTH120
    return tuple({f"{folder}{os.sep}" for path in written for folder in (path, path.resolve())})
