"""Work that an invocation hands to a thread. A Worker has no threads and does it itself, so its CPU time counts.

What counts is handed to a pool (`asyncio.to_thread`, `run_in_executor`, `ThreadPoolExecutor.submit`) or to a worker
thread of anyio or trio. A bare `threading.Thread` may as well be a server that the test has started, so it counts for
nobody.
"""

import sys
from collections.abc import Callable
from functools import partial, wraps
from importlib import import_module
from typing import Any

from pytest_cfworkers.metering.account import Account, account_here, switch
from pytest_cfworkers.metering.replaced import Replaced


def watch_threads(replaced: Replaced) -> None:
    """Let what is handed to threads be charged to the account that its sender works for."""
    if "concurrent.futures" in sys.modules:
        # asyncio imports this module when it first needs a pool, which may be after the invocation has begun.
        from concurrent.futures.thread import ThreadPoolExecutor  # noqa: PLC0415

        replaced(ThreadPoolExecutor, "submit", _submitting)
    for library in ("anyio", "trio"):
        if library in sys.modules:
            replaced(import_module(f"{library}.to_thread"), "run_sync", _running)


def _submitting(submit: Any) -> Any:
    @wraps(submit)
    def charged(pool: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        return submit(pool, _for_sender(function), *args, **kwargs)

    return charged


def _running(run_sync: Any) -> Any:
    @wraps(run_sync)
    def charged(function: Any, *args: Any, **kwargs: Any) -> Any:
        return run_sync(_for_sender(function), *args, **kwargs)

    return charged


def _for_sender(function: Callable[..., Any]) -> Callable[..., Any]:
    account = account_here()
    return function if account is None else partial(_charged, account, function)


def _charged(account: Account, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    before = switch(account)
    try:
        return function(*args, **kwargs)
    finally:
        switch(before)
