"""A look at the moment when a function returns: what it holds is freed in the next.

Nobody else sees it: a thread of its own has its turn when the function is over. From 3.12 on Python tells of returns
(`sys.monitoring`), of one function alone, so that no other code pays.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

_MONITORING: Final[Any] = getattr(sys, "monitoring", None)
_TOOLS: Final = (4, 3, 5)
"""Numbers that are not reserved, those first that others ask for least: 5 is the one that is known for optimizers."""


@contextmanager
def at_return(function: Callable[..., Any], look: Callable[[], None]) -> Iterator[None]:
    """Call something whenever a function is about to return. Where it raises, the traceback holds what it held.

    Args:
        function: The function, or what is wrapped around it. One that is not written in Python is left alone.
        look: What to call.
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None or (tool := _free_tool()) is None:
        yield
        return
    returned, nothing = _MONITORING.events.PY_RETURN, _MONITORING.events.NO_EVENTS
    _MONITORING.use_tool_id(tool, "pytest-cfworkers")
    try:
        _MONITORING.register_callback(tool, returned, lambda *_: look())
        _MONITORING.set_local_events(tool, code, returned)
        yield
    finally:
        _MONITORING.set_local_events(tool, code, nothing)
        _MONITORING.register_callback(tool, returned, None)
        _MONITORING.free_tool_id(tool)


def _free_tool() -> int | None:
    """Return a number that no tool has; None where there is none, as before Python 3.12."""
    if _MONITORING is None:
        return None
    return next((tool for tool in _TOOLS if not _MONITORING.get_tool(tool)), None)
