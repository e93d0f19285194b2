"""The timeouts of asyncio that were entered while invocations run: whether one of them expires is asked often.

asyncio keeps no list of them, and to look for them among all that lives takes longer the more lives: some 50 ms in a
process of a million objects.
"""

import sys
from collections.abc import Iterator
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakSet

from pytest_cfworkers.metering.replaced import Replaced

_entered: Final[WeakKeyDictionary[Any, WeakSet[Any]]] = WeakKeyDictionary()
"""Those of each task, which touches them alone."""


def timeouts_of(task: Any) -> Iterator[Any]:
    """Yield each `asyncio.Timeout` that a task has entered while an invocation ran, and that lives."""
    yield from tuple(_entered.get(task, ()))


def watch_timeouts(replaced: Replaced) -> None:
    """Note each timeout that is entered."""
    if (asyncio := sys.modules.get("asyncio")) is None:
        return

    def make(enter: Any) -> Any:
        def __aenter__(timeout: Any) -> Any:  # noqa: N807 - as it is called in a traceback
            # The public way to ask for the loop raises where none runs.
            if (loop := asyncio._get_running_loop()) is not None and (task := asyncio.current_task(loop)) is not None:  # noqa: SLF001 - it is in `__all__`
                _entered.setdefault(task, WeakSet()).add(timeout)
            return enter(timeout)

        return __aenter__

    replaced(asyncio.Timeout, "__aenter__", make)
