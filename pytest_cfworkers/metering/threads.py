"""Work that an invocation hands to a thread. A Worker has no threads and does it itself, so its CPU time counts.

What counts is handed to a pool (`asyncio.to_thread`, `run_in_executor`, `ThreadPoolExecutor.submit`, `ThreadPool` of
multiprocessing) or to a worker thread of anyio or trio. A bare `threading.Thread` may as well be a server that the
test has started, so it counts for nobody.

`run_sync` of anyio and trio is often imported by its own name, so what it looks up is replaced, not `run_sync` itself:
two names in modules of theirs, which this file alone knows.
"""

import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Final, final

from pytest_cfworkers.metering.account import Account, account_here, switch
from pytest_cfworkers.metering.replaced import Replaced

_OF_A_THREAD_POOL: Final = (
    "apply_async",
    "imap",
    "imap_unordered",
    "map",
    "map_async",
    "starmap",
    "starmap_async",
)
"""Methods of the `ThreadPool` of multiprocessing that take a function; `apply` calls one of them."""


def watch_threads(replaced: Replaced) -> None:
    """Let what is handed to threads be charged to the account that its sender works for."""
    if "concurrent.futures" in sys.modules:
        # asyncio imports this module when it first needs a pool, which may be after the invocation has begun.
        from concurrent.futures.thread import ThreadPoolExecutor  # noqa: PLC0415

        replaced(ThreadPoolExecutor, "submit", _of_pool)
    if (pools := sys.modules.get("multiprocessing.pool")) is not None:
        for name in _OF_A_THREAD_POOL:
            replaced(pools.ThreadPool, name, _of_pool)
    if (threads := sys.modules.get("anyio.to_thread")) is not None:
        replaced(threads, "get_async_backend", _of_backend)
    if (threads := sys.modules.get("trio._threads")) is not None:
        replaced(threads, "start_thread_soon", _of_start)


def _of_pool(method: Any) -> Any:
    @wraps(method)
    def charged(pool: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        return method(pool, _for_sender(function), *args, **kwargs)

    return charged


def _of_start(start: Any) -> Any:
    @wraps(start)
    def charged(function: Any, *args: Any, **kwargs: Any) -> Any:
        return start(_for_sender(function), *args, **kwargs)

    return charged


def _of_backend(find: Any) -> Any:
    @wraps(find)
    def charged(*args: Any, **kwargs: Any) -> Any:
        return _Backend(find(*args, **kwargs))

    return charged


@final
class _Backend:
    """An event loop as anyio sees it, whose worker threads work for who hands them work."""

    __slots__ = ("_backend",)

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def run_sync_in_worker_thread(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        return self._backend.run_sync_in_worker_thread(_for_sender(function), *args, **kwargs)


def _for_sender(function: Callable[..., Any]) -> Callable[..., Any]:
    account = account_here()
    if account is None:
        return function
    account.seconds()  # what this thread has used is charged first, so that the other one sees it
    return partial(_charged, account, function)


def _charged(account: Account, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    before = switch(account)
    try:
        return function(*args, **kwargs)
    finally:
        switch(before)
