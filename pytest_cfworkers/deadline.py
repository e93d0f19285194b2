"""Was this cancellation a timeout? Event loops cancel alike for a deadline and for a sibling's failure."""

import asyncio
import gc
import sys
from typing import Any, Final
from weakref import WeakKeyDictionary

from pytest_cfworkers.metering.timeouts import timeouts_of


def in_trio() -> bool:
    """Tell whether this code runs in a trio task."""
    return (trio := sys.modules.get("trio")) is not None and trio.lowlevel.in_trio_task()


def is_deadline(error: BaseException) -> bool:
    """Tell whether a cancellation, while it passes through the cancelled task, comes from a deadline.

    Args:
        error: What the cancelled task got.

    Returns:
        True for an expired `asyncio.timeout` or `asyncio.wait_for`, `anyio.fail_after` or `move_on_after`, and
        trio's timeouts; False for every other reason, and where it cannot be told.
    """
    if in_trio():
        return getattr(error, "source", None) == "deadline"
    if not isinstance(error, asyncio.CancelledError):
        return False
    # anyio's scopes end with why they cancel, after names of the user's that may hold any word.
    if error.args and str(error.args[0]).endswith("; reason: deadline exceeded"):
        return True
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # a coroutine is driven by hand
        return False
    if _scope_expired(loop.time()):
        return True
    known = _this_turn.get(loop)
    if known is None:
        known = _this_turn[loop] = _timeout_expires(loop) or _wait_for_cancels()
        loop.call_soon(_this_turn.pop, loop, None)
    return known


_this_turn: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, bool]] = WeakKeyDictionary()
"""What was found in this turn of a loop: hundreds may be cancelled in one, and a look goes through all that lives.

It holds for whoever is woken before it is forgotten: a timeout that expires after the look wakes its task later.
"""


def _scope_expired(now: float) -> bool:
    """Look for a scope of anyio around this code that was cancelled and is past its deadline.

    A task group in it, such as one that connects to a host's addresses, cancels its own tasks in turn, for no reason.
    """
    anyio = sys.modules.get("anyio._backends._asyncio")
    state = anyio._task_states.get(asyncio.current_task()) if anyio is not None else None  # noqa: SLF001 - see lineage
    scope = getattr(state, "cancel_scope", None)
    while scope is not None:
        if scope.cancel_called and scope.deadline <= now:
            return True
        scope = None if scope.shield else scope._parent_scope  # noqa: SLF001
    return False


def _timeout_expires(loop: asyncio.AbstractEventLoop) -> bool:
    """Look for an `asyncio.Timeout` that has cancelled and waits for its block to end.

    It may stand in another task than the cancelled one (around a `gather`), and no public way leads from one
    to the other; so every living one is asked, at last those that were entered before anybody noted them. A timeout of
    another block that expires in the same moment cannot be told apart.
    """
    return any(map(_expires, timeouts_of(loop))) or any(map(_expires, gc.get_referrers(asyncio.Timeout)))


def _expires(held: Any) -> bool:
    return isinstance(held, asyncio.Timeout) and held.expired() and repr(held).startswith("<Timeout [expiring]")


def _wait_for_cancels() -> bool:
    """Look for a `wait_for` that ends its task by hand: without time left, and on Python 3.11 always.

    On 3.11 it stands in the same place when it is cancelled itself, and then what it waited for is cancelled, too.
    """
    for task in asyncio.all_tasks():
        step: Any = task.get_coro()
        while step is not None:
            inner = getattr(step, "cr_await", None)
            if getattr(inner, "__name__", None) == "_cancel_and_wait":
                waiter = step.cr_frame.f_locals.get("waiter")
                if waiter is None or not waiter.cancelled():
                    return True
            step = inner
    return False
