"""Who waits for this task: the coroutines in whose name a task runs that has no line of the user of its own.

`gather(client.get(a), client.get(b))` runs each request in a task whose whole stack is the client's. The user's line is
where the parent stands, waiting. Python could remember where each coroutine was made
(`sys.set_coroutine_origin_tracking_depth`), but every coroutine of every test would pay for that.
"""

import functools
import sys
from collections.abc import Iterator
from typing import Any, Final

_DEPTH: Final = 6
"""Steps from a task to who waits for it: callback, closure, future, callback, task."""


def waiting_coroutines() -> Iterator[Any]:
    """Yield the coroutines that wait for the task that runs here, the nearest first."""
    if (trio := sys.modules.get("trio")) is not None and trio.lowlevel.in_trio_task():
        nursery = trio.lowlevel.current_task().parent_nursery
        while nursery is not None:
            yield nursery.parent_task.coro
            nursery = nursery.parent_task.parent_nursery
        return
    asyncio = sys.modules.get("asyncio")
    try:
        task = asyncio.current_task() if asyncio is not None else None
    except RuntimeError:
        return
    seen = {task}
    while task is not None:
        task = next((waiter for waiter in _waiters(task) if waiter not in seen), None)
        if task is not None:
            seen.add(task)
            yield task.get_coro()


def _waiters(task: Any) -> Iterator[Any]:
    host = _host(task)
    if host is not None:
        yield host
    for callback, _ in getattr(task, "_callbacks", None) or ():
        yield from _tasks_behind(callback, _DEPTH)


def _tasks_behind(thing: Any, depth: int) -> Iterator[Any]:
    """Follow what is to be called when a task is done to the tasks that it wakes."""
    asyncio: Any = sys.modules["asyncio"]
    if isinstance(thing, asyncio.Task):
        yield thing
    elif depth == 0:
        return
    elif isinstance(thing, asyncio.Future):
        for callback, _ in getattr(thing, "_callbacks", None) or ():
            yield from _tasks_behind(callback, depth - 1)
    elif isinstance(thing, asyncio.TaskGroup):
        yield from _tasks_behind(getattr(thing, "_parent_task", None), depth - 1)
    elif isinstance(thing, functools.partial):
        for part in (thing.func, *thing.args):
            yield from _tasks_behind(part, depth - 1)
    else:
        for part in (getattr(thing, "__self__", None), *_cells(thing)):
            if part is not None:
                yield from _tasks_behind(part, depth - 1)


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
