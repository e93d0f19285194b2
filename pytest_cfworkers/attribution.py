"""Whose work is it: which invocation a request belongs to.

A context variable holds the invocation, so tasks inherit it and concurrent invocations stay apart. Work whose
context knows none, or only one that has ended (a thread, a task that was started elsewhere), falls to the
invocation that runs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pytest_cfworkers.invocation import Invocation

Entered = Token["Invocation | None"]

_current: Final[ContextVar["Invocation | None"]] = ContextVar("pytest_cfworkers_invocation", default=None)
_uncounted: Final[ContextVar[bool]] = ContextVar("pytest_cfworkers_uncounted", default=False)
_running: Final[list["Invocation"]] = []


underway: Final[ContextVar[object | None]] = ContextVar("pytest_cfworkers_underway", default=None)
"""The request that is being sent here, if any. Work that sending it needs must not wait for its end."""


def current() -> "Invocation | None":
    """Return the invocation that work done here belongs to; None where nothing is counted."""
    if not _running or _uncounted.get():
        return None
    invocation = _current.get()
    if invocation is None or not invocation.running:
        invocation = next(reversed(_running), None)  # another thread may have ended the last one meanwhile
        return None if invocation is None or invocation.pauses else invocation
    return invocation


def anything_runs() -> bool:
    """Tell whether any invocation runs, so that work done somewhere may count."""
    return bool(_running)


def begin(invocation: "Invocation") -> None:
    """Let work that belongs to nobody else fall to an invocation from now on."""
    _running.append(invocation)


def end(invocation: "Invocation") -> None:
    """End what `begin` began."""
    _running.remove(invocation)


def enter(invocation: "Invocation") -> Entered:
    """Let work done in this context, and in the tasks that it starts, belong to an invocation."""
    return _current.set(invocation)


def leave(entered: Entered) -> None:
    """End what `enter` began."""
    try:
        _current.reset(entered)
    except ValueError:  # left in another context than it was entered in, as fixtures of async plugins do
        _current.set(None)


@contextmanager
def belonging_to(invocation: "Invocation") -> Iterator[None]:
    """Let work done in the block belong to an invocation."""
    entered = enter(invocation)
    try:
        yield
    finally:
        leave(entered)


@contextmanager
def uncounted() -> Iterator[None]:
    """Let nothing that is done in the block count."""
    token = _uncounted.set(True)
    try:
        yield
    finally:
        _uncounted.reset(token)
