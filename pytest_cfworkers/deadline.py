"""Was this cancellation a timeout? Event loops cancel alike for a deadline and for a sibling's failure."""

import asyncio
import gc
import sys
from typing import Any, Final
from weakref import WeakKeyDictionary

from pytest_cfworkers.lineage import waiting_tasks
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
    task = asyncio.current_task(loop)
    tasks = (task, *waiting_tasks(task))
    return any(map(_ends, tasks)) or not _unnoted(loop).isdisjoint(tasks)


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


def _ends(task: Any) -> bool:
    """Tell whether a deadline ends a task that was cancelled, or that waits for one that was (in a `gather`)."""
    return task is not None and (any(map(_expires, timeouts_of(task))) or _waits_for_a_cancelled_one(task))


def _expires(held: Any) -> bool:
    """Tell whether something is an `asyncio.Timeout` that has cancelled its task, and waits for its block to end."""
    return isinstance(held, asyncio.Timeout) and held.expired() and repr(held).startswith("<Timeout [expiring]")


def _waits_for_a_cancelled_one(task: Any) -> bool:
    """Tell whether a task is in a `wait_for` that ends another by hand: without time left, and on 3.11 always.

    On 3.11 it stands in the same place when it is cancelled itself, and then what it waited for is cancelled, too.
    """
    step: Any = task.get_coro()
    while step is not None:
        inner = getattr(step, "cr_await", None)
        if getattr(inner, "__name__", None) == "_cancel_and_wait":
            waiter = step.cr_frame.f_locals.get("waiter")
            return waiter is None or not waiter.cancelled()
        step = inner
    return False


def _unnoted(loop: asyncio.AbstractEventLoop) -> frozenset[object]:
    """Return the tasks of timeouts that expire and were entered before anybody noted them.

    Hundreds may be cancelled in one turn of a loop, and this looks through all that lives: so once for each turn.
    """
    known = _this_turn.get(loop)
    if known is None:
        expiring = filter(_expires, gc.get_referrers(asyncio.Timeout))
        known = _this_turn[loop] = frozenset(getattr(timeout, "_task", None) for timeout in expiring)
        loop.call_soon(_this_turn.pop, loop, None)
    return known - {None}


_this_turn: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, frozenset[object]]] = WeakKeyDictionary()
