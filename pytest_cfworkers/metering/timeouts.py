"""The timeouts of asyncio that were entered while invocations run: whether one of them expires is asked often.

asyncio keeps no list of them, and to look for them among all that lives takes longer the more lives: some 50 ms in a
process of a million objects.
"""

import sys
from collections.abc import Iterable
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakSet

from pytest_cfworkers.metering.replaced import Replaced

_entered: Final[WeakKeyDictionary[Any, WeakSet[Any]]] = WeakKeyDictionary()
"""Those of each loop, which are touched by its own thread alone."""


def timeouts_of(loop: Any) -> Iterable[Any]:
    """Return each `asyncio.Timeout` that was entered in a loop while an invocation ran, and that lives."""
    return tuple(_entered.get(loop, ()))


def watch_timeouts(replaced: Replaced) -> None:
    """Note each timeout that is entered."""
    if (asyncio := sys.modules.get("asyncio")) is None:
        return

    def make(enter: Any) -> Any:
        def __aenter__(timeout: Any) -> Any:  # noqa: N807 - as it is called in a traceback
            if (loop := asyncio._get_running_loop()) is not None:  # noqa: SLF001 - in `__all__`; the other one raises
                _entered.setdefault(loop, WeakSet()).add(timeout)
            return enter(timeout)

        return __aenter__

    replaced(asyncio.Timeout, "__aenter__", make)
