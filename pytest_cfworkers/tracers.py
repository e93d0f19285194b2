"""Who watches the program line by line: a debugger, which may stop it, or a tool that slows it down."""

import sys
from typing import Any, Final

_DEBUGGERS: Final = frozenset({"pdb", "bdb", "pydevd", "pydevd_tracing", "_pydevd_bundle", "_pydevd_sys_monitoring"})


def debugger() -> str | None:
    """Name the debugger that is attached to this thread; None without one."""
    name = _tracer(sys.gettrace())
    if name in _DEBUGGERS:
        return name
    if (monitoring := getattr(sys, "monitoring", None)) is not None:  # from Python 3.12 on
        return str(tool) if (tool := monitoring.get_tool(monitoring.DEBUGGER_ID)) else None
    return None


def tracer() -> str | None:
    """Name the tool that traces or profiles this thread, such as "coverage"; None without one."""
    for trace in (sys.gettrace(), sys.getprofile()):
        if trace is not None:
            return _tracer(trace)
    if (monitoring := getattr(sys, "monitoring", None)) is not None:
        for tool_id in (monitoring.COVERAGE_ID, monitoring.PROFILER_ID):
            if tool := monitoring.get_tool(tool_id):
                return str(tool)
    return None


def _tracer(trace: Any) -> str:
    """Name the package that a trace function or object comes from."""
    module = getattr(trace, "__module__", None) or type(trace).__module__
    return str(module).partition(".")[0]
