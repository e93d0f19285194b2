"""What a task or a thread runs for: the coroutines that wait for a task, the test that opened its invocation.

`gather(client.get(a), client.get(b))` runs each request in a task whose whole stack is the client's. The user's line is
where the parent stands, waiting. Python could remember where each coroutine was made
(`sys.set_coroutine_origin_tracking_depth`), but every coroutine of every test would pay for that.
"""

import asyncio
import functools
import sys
import threading
from asyncio import _get_running_loop, current_task
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Final
from weakref import ReferenceType, ref

_DEPTH: Final = 6
"""Steps from a task to who waits for it: callback, closure, future, callback, task."""

_home: Final[ContextVar[ReferenceType[Any] | None]] = ContextVar("pytest_cfworkers_home", default=None)
"""The task in which the invocation was entered: that of an asynchronous test. Its own context holds it, so weakly."""


class _Thread(threading.local):
    """What a thread is told of its work.

    Attributes:
        handed: The site of the user's lines that handed it over.
    """

    handed: Any = None


thread: Final = _Thread()


def task_here() -> Any:
    """Return the task of asyncio or trio that runs here; None where none does."""
    # The public way to ask for the loop raises where none runs, which takes longer than a site does.
    loop = _get_running_loop()
    if loop is not None and (task := current_task(loop)) is not None:  # trio may be a guest in a loop of asyncio
        return task
    trio: Any = sys.modules.get("trio")
    return trio.lowlevel.current_task() if trio is not None and trio.lowlevel.in_trio_task() else None


def be_home() -> None:
    """Let work in this context, and in what inherits it, know the task that runs here."""
    task = task_here()
    _home.set(None if task is None else ref(task))


def home_coroutine(task: Any) -> Iterator[Any]:
    """Yield the coroutine in which the invocation of this context was entered, unless it is that of the task itself."""
    home = known() if (known := _home.get()) is not None else None
    if home is not None and home is not task:
        yield _coroutine_of(home)


def waiting_coroutines(task: Any) -> Iterator[Any]:
    """Yield the coroutines that wait for a task, the nearest first; for None there are none."""
    if task is not None and not hasattr(task, "get_coro"):  # trio's
        nursery = task.parent_nursery
        while nursery is not None:
            yield nursery.parent_task.coro
            nursery = nursery.parent_task.parent_nursery
        return
    yield from (waiter.get_coro() for waiter in waiting_tasks(task))


def waiting_tasks(task: Any) -> Iterator[Any]:
    """Yield the tasks of asyncio that wait for one of them, the nearest first; for None there are none."""
    seen = {task}
    while task is not None:
        task = next((waiter for waiter in _waiters(task) if waiter not in seen), None)
        if task is not None:
            seen.add(task)
            yield task


def _coroutine_of(task: Any) -> Any:
    return task.get_coro() if hasattr(task, "get_coro") else task.coro


def _waiters(task: Any) -> Iterator[Any]:
    host = _host(task)
    if host is not None:
        yield host
    for callback, _ in getattr(task, "_callbacks", None) or ():
        yield from _tasks_behind(callback, _DEPTH)


def _tasks_behind(thing: Any, depth: int) -> Iterator[Any]:
    """Follow what is to be called when a task is done to the tasks that it wakes."""
    if isinstance(thing, asyncio.Task):
        yield thing
    elif depth and thing is not None:
        for part in _behind(thing):
            yield from _tasks_behind(part, depth - 1)


def _behind(thing: Any) -> Iterator[Any]:
    if isinstance(thing, asyncio.Future):
        yield from (callback for callback, _ in getattr(thing, "_callbacks", None) or ())
    elif isinstance(thing, asyncio.Queue):  # where `as_completed` waits
        yield from tuple(getattr(thing, "_getters", ()))
    elif isinstance(thing, asyncio.TaskGroup):
        yield getattr(thing, "_parent_task", None)
    elif isinstance(thing, functools.partial):
        yield from (thing.func, *thing.args)
    else:
        # The queue is in a closure up to Python 3.12, and then in an object.
        yield from (getattr(thing, "__self__", None), getattr(thing, "_done", None))
        yield from _cells(thing)


def _cells(function: Any) -> Iterator[Any]:
    for cell in getattr(function, "__closure__", None) or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue


def _host(task: Any) -> Any:
    """The task that opened the task group of anyio in which a task runs."""
    anyio = sys.modules.get("anyio._backends._asyncio")
    state = anyio._task_states.get(task) if anyio is not None else None  # noqa: SLF001 - there is no public way
    scope = getattr(state, "cancel_scope", None)
    while (host := getattr(scope, "_host_task", None)) is task:  # its own scopes, such as a timeout
        scope = getattr(scope, "_parent_scope", None)
    return host
