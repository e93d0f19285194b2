"""Fail a pytest run where the code would break the limits of Cloudflare Workers.

The names below are resolved when they are used, so that importing the package imports neither pytest nor an
HTTP client.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_cfworkers.clients.app import guard_app as guard_app
    from pytest_cfworkers.clients.httpx import GuardedTransport as GuardedTransport
    from pytest_cfworkers.in_force import Limits as Limits
    from pytest_cfworkers.invocation import Invocation as Invocation
    from pytest_cfworkers.keys import LimitsError as LimitsError
    from pytest_cfworkers.memory.tracker import MemoryTracker as MemoryTracker
    from pytest_cfworkers.plugin.fixtures import Ledger as Ledger
    from pytest_cfworkers.plugin.memory import Memory as Memory
    from pytest_cfworkers.statistics import Statistics as Statistics
    from pytest_cfworkers.timer import OperationTimeout as OperationTimeout
    from pytest_cfworkers.timer import Timer as Timer
    from pytest_cfworkers.violation import CfLimitExceeded as CfLimitExceeded
    from pytest_cfworkers.violation import Violation as Violation

__all__ = [
    "CfLimitExceeded",
    "GuardedTransport",
    "Invocation",
    "Ledger",
    "Limits",
    "LimitsError",
    "Memory",
    "MemoryTracker",
    "OperationTimeout",
    "Statistics",
    "Timer",
    "Violation",
    "guard_app",
]

_HOMES = {
    "CfLimitExceeded": "violation",
    "GuardedTransport": "clients.httpx",
    "Invocation": "invocation",
    "Ledger": "plugin.fixtures",
    "Limits": "in_force",
    "LimitsError": "keys",
    "Memory": "plugin.memory",
    "MemoryTracker": "memory.tracker",
    "OperationTimeout": "timer",
    "Statistics": "statistics",
    "Timer": "timer",
    "Violation": "violation",
    "guard_app": "clients.app",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
