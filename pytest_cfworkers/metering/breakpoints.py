"""Breakpoints: while the program stands at one, time passes for nothing."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from pytest_cfworkers.metering.replaced import Replaced


def watch_breakpoints(replaced: Replaced, stands: Callable[[], None]) -> None:
    """Tell of each breakpoint of pdb and of what is built upon it, such as ipdb.

    pytest tells of its own. Debuggers that stay attached are seen at the end: see `tracers`.
    """
    if (bdb := sys.modules.get("bdb")) is None:
        return

    def make(set_trace: Any) -> Any:
        @wraps(set_trace)
        def told(debugger: Any, frame: Any = None, *args: Any, **kwargs: Any) -> Any:
            stands()
            caller = frame or sys._getframe(1)  # noqa: SLF001 - else the program would stand here
            return set_trace(debugger, caller, *args, **kwargs)

        return told

    replaced(bdb.Bdb, "set_trace", make)
