"""Whose work is it: which invocation a request belongs to.

A context variable holds the invocation, so tasks inherit it and concurrent invocations stay apart. A thread has the
work of whoever handed it over. What an invocation has started and left behind at its end counts for nobody.

Where neither is known, a task of the loop in which an invocation began was started by somebody else, such as a
fixture, and counts for nobody, too; any other thread falls to the invocation that runs. CPU time never falls to
anybody: a thread that knows no invocation works for none.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context, ContextVar, Token
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol
from weakref import ref

from pytest_cfworkers.carrier import handed_over
from pytest_cfworkers.lineage import be_home
from pytest_cfworkers.metering.account import Account, account_here, switch
from pytest_cfworkers.metering.steps import loop_here
from pytest_cfworkers.metering.watch import Watch

if TYPE_CHECKING:
    from pytest_cfworkers.invocation import Invocation

Entered = Token["Invocation | None"]

_current: Final[ContextVar["Invocation | None"]] = ContextVar("pytest_cfworkers_invocation", default=None)
_uncounted: Final[ContextVar[bool]] = ContextVar("pytest_cfworkers_uncounted", default=False)
_running: Final[list["Invocation"]] = []
_loops: Final[dict["Invocation", object]] = {}
"""The loops in which those that run began; synchronous code begins in none."""


_Sender = Callable[[], "Invocation | None"]
"""Who handed work to a thread, held weakly: the thread may outlive many invocations. Nobody for who counts for none."""


class _Thread(threading.local):
    """Who handed a thread its work. A context that was made elsewhere and is run in the thread does not know it."""

    sender: _Sender | None = None


_thread: Final = _Thread()
_sender: Final[ContextVar[_Sender | None]] = ContextVar("pytest_cfworkers_sender", default=None)
"""The same, for the tasks that the thread starts in whatever loop."""


class Sending(Protocol):
    """A request that is being sent.

    Attributes:
        is_sent: Whether the sending has ended.
    """

    @property
    def is_sent(self) -> bool:
        """Tell whether it has ended."""


underway: Final[ContextVar[Sending | None]] = ContextVar("pytest_cfworkers_underway", default=None)
"""The request whose sending this work was started by, if any; `sending` tells whether it still goes on."""


def current() -> "Invocation | None":
    """Return the invocation that work done here belongs to; None where nothing is counted."""
    if not _running or _uncounted.get():
        return None
    invocation = _current.get()
    if invocation is None:
        return _of_thread()
    return invocation if invocation.running else None


def latest() -> "Invocation | None":
    """Return the invocation that began last of those that run; None while it is paused."""
    invocation = next(reversed(_running), None)  # another thread may have ended the last one meanwhile
    return None if invocation is None or invocation.pauses else invocation


def sending() -> Sending | None:
    """Return the request that is being sent here, if any. Work that sending it needs must not wait for its end.

    A task that its sending started, and that goes on afterwards, is no part of it any more.
    """
    request = underway.get()
    return None if request is None or request.is_sent else request


def running() -> tuple["Invocation", ...]:
    """Return the invocations that run, the oldest first."""
    return tuple(_running)


def anything_runs() -> bool:
    """Tell whether any invocation runs, so that work done somewhere may count."""
    return bool(_running)


def begin(invocation: "Invocation") -> None:
    """Let work that nobody is known for fall to an invocation from now on."""
    _running.append(invocation)
    if (loop := loop_here()) is not None:
        _loops[invocation] = loop
    _watch.begin(invocation.account)


def end(invocation: "Invocation") -> None:
    """End what `begin` began."""
    _running.remove(invocation)
    _loops.pop(invocation, None)
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


def _of_thread() -> "Invocation | None":
    """Return the invocation that has the work of this thread where its context knows none."""
    if (sender := _sender.get() or _thread.sender) is not None:
        invocation = sender()
        # Paused or not: its sender was not when it handed the work over, and pausing is for who is in the block.
        return None if invocation is None or not invocation.running else invocation
    if (loop := loop_here()) is not None and loop in list(_loops.values()):
        return None
    return latest()


def _hand_over(function: Callable[..., Any], charged: bool) -> Callable[..., Any]:
    """Make a function that works in another thread for whoever hands it over here.

    Args:
        function: What is handed over.
        charged: Whether its CPU time is the sender's, too.
    """
    if not _running:  # somebody has put back what makes this when the last invocation had ended
        return function
    sender = current()
    if sender is None:
        return partial(_work, _nobody, None, function)
    account = account_here() if charged else None
    if account is not None:
        account.seconds()  # what this thread has used is charged first, so that the other one sees it
    return partial(_work, ref(sender), account, handed_over(function))


def _nobody() -> None:
    """Stand for a sender who counts for nobody."""


def _work(sender: _Sender, account: Account | None, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Work for whoever handed a function over."""
    __tracebackhide__ = True
    outer, _thread.sender = _thread.sender, sender
    token, before = _sender.set(sender), switch(account)
    try:
        return function(*args, **kwargs)
    finally:
        switch(before)
        _sender.reset(token)
        _thread.sender = outer


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


def _adopt(context: Context) -> None:
    """Let a task that a task starts here, with a context that was made elsewhere, belong to the same invocation."""
    known = context.get(_current)
    if (known is not None and known.running) or loop_here() is None or (invocation := current()) is None:
        return
    with suppress(RuntimeError):  # it is the context that runs, and who runs in it is known as a thread is
        context.run(_inherit, invocation)


def _inherit(invocation: "Invocation") -> None:
    be_home()
    _current.set(invocation)


def _stands() -> None:
    """Note that the program stands at a breakpoint, whoever reached it."""
    for invocation in running():
        invocation.note_breakpoint()


_watch: Final = Watch(_owner_of, _adopt, _hand_over, _stands)
