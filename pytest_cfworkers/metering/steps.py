"""The steps of an event loop: each is charged to the invocation of its context, so tasks that take turns do not mix.

A task may be started with a context that knows no invocation, which is told of it then.

asyncio offers no hook for steps. Its loops in Python run each step by `asyncio.Handle._run`, a private name that this
file alone knows; under uvloop, whose handles are its own, a thread's steps stay with the invocation it works for.
trio has instruments.
"""

import sys
import threading
from collections.abc import Callable
from contextvars import Context
from typing import Any, final
from weakref import ref

from pytest_cfworkers.metering.account import Account, account_here, switch
from pytest_cfworkers.metering.replaced import Replaced

OwnerOf = Callable[[Context], Account | None]


def loop_here() -> object | None:
    """Return the loop of asyncio, or the run of trio, in which this code is a step; None where it is in none."""
    if (trio := sys.modules.get("trio")) is not None and trio.lowlevel.in_trio_run():
        return trio.lowlevel.current_root_task()  # type: ignore[no-any-return]
    if (asyncio := sys.modules.get("asyncio")) is None:
        return None
    try:
        return asyncio.get_running_loop()  # type: ignore[no-any-return]
    except RuntimeError:
        return None


Adopt = Callable[[Context], None]
"""Lets a context that somebody has made for a task belong to who starts the task."""


def watch_asyncio(replaced: Replaced, owner_of: OwnerOf, adopt: Adopt) -> None:
    """Let each step of asyncio's loops be charged by its context, and a context that is given to a task be known."""
    if (asyncio := sys.modules.get("asyncio")) is None:
        return

    def make(run: Any) -> Any:
        def _run(handle: Any) -> Any:
            owner, before = owner_of(handle._context), account_here()  # noqa: SLF001 - see above
            if owner is before:  # a loop with one invocation reads no clock
                return run(handle)
            switch(owner)
            try:
                return run(handle)
            finally:
                switch(before)

        return _run

    def make_create(create_task: Any) -> Any:
        def created(loop: Any, coroutine: Any, **options: Any) -> Any:
            if (context := options.get("context")) is not None:
                adopt(context)
            return create_task(loop, coroutine, **options)

        return created

    replaced(asyncio.Handle, "_run", make)
    replaced(asyncio.BaseEventLoop, "create_task", make_create)


@final
class TrioSteps(threading.local):
    """A trio instrument that charges each step of a task by its context. Runs in several threads stay apart.

    Args:
        owner_of: Tells which account the work of a context belongs to.
    """

    def __init__(self, owner_of: OwnerOf) -> None:
        self._owner_of = owner_of
        self._root: Callable[[], object] = lambda: None
        self._between: Account | None = None

    def join(self, trio: Any, between: Account | None) -> None:
        """Watch the run of trio that this is called in. It is watched to its end.

        Args:
            trio: The library.
            between: For whom the thread works between steps.
        """
        root = trio.lowlevel.current_root_task()
        if self._root() is not root:
            self._root, self._between = ref(root), between
            trio.lowlevel.add_instrument(self)

    def before_task_step(self, task: Any) -> None:
        """Work for the task's invocation."""
        switch(self._owner_of(task.context))

    def after_task_step(self, task: Any) -> None:  # noqa: ARG002 - the signature is trio's
        """Work again for whom the thread works between steps."""
        switch(self._between)
