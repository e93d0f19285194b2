"""Whose work is it: which invocation a request belongs to.

A context variable holds the invocation, so tasks inherit it and concurrent invocations stay apart. Work whose
context knows none, or only one that has ended (a thread, a task that was started elsewhere), falls to the
invocation that runs. CPU time goes by the context alone: a thread that knows no invocation works for none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, Token
from typing import TYPE_CHECKING, Final

from pytest_cfworkers.lineage import be_home
from pytest_cfworkers.metering.account import Account, account_here, switch
from pytest_cfworkers.metering.watch import Watch

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


def running() -> tuple["Invocation", ...]:
    """Return the invocations that run, the oldest first."""
    return tuple(_running)


def anything_runs() -> bool:
    """Tell whether any invocation runs, so that work done somewhere may count."""
    return bool(_running)


def begin(invocation: "Invocation") -> None:
    """Let work that belongs to nobody else fall to an invocation from now on."""
    _running.append(invocation)
    _watch.begin(invocation.account)


def end(invocation: "Invocation") -> None:
    """End what `begin` began."""
    _running.remove(invocation)
    if account_here() is invocation.account:
        switch(_owner())
    _watch.end()


def enter(invocation: "Invocation") -> Entered:
    """Let work done in this context, and in the tasks that it starts, belong to an invocation."""
    switch(invocation.account)
    be_home()
    return _current.set(invocation)


def leave(entered: Entered) -> None:
    """End what `enter` began."""
    try:
        _current.reset(entered)
    except ValueError:  # left in another context than it was entered in, as fixtures of async plugins do
        _current.set(None)
    switch(_owner())


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
    before = switch(None)
    try:
        yield
    finally:
        _uncounted.reset(token)
        switch(before)


def _owner() -> Account | None:
    """Tell which account this thread works for, after something that belonged to another one has ended."""
    invocation = current()
    return None if invocation is None else invocation.account


def _owner_of(context: Context) -> Account | None:
    """Tell which account the work of a context belongs to."""
    invocation = context.get(_current)
    if invocation is None or context.get(_uncounted) or not invocation.running:
        return None
    return invocation.account


def _stands() -> None:
    """Note that the program stands at a breakpoint, whoever reached it."""
    for invocation in running():
        invocation.note_breakpoint()


_watch: Final = Watch(_owner_of, _stands)
