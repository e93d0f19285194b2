"""Where threads get their work. A Worker has none and does it itself, so what an invocation hands over is its own.

It is handed to a pool (`asyncio.to_thread`, `run_in_executor`, `ThreadPoolExecutor.submit`, `ThreadPool` of
multiprocessing), to a worker thread of anyio or trio, or to a thread of its own. CPU time counts in the first two: a
bare `threading.Thread` may as well be a server that the test has started.

`run_sync` of anyio and trio is often imported by its own name, so what it looks up is replaced, not `run_sync` itself:
two names in modules of theirs, which this file alone knows.
"""

import sys
import threading
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Final, final

from pytest_cfworkers.metering.replaced import Replaced

HandOver = Callable[[Callable[..., Any], bool], Callable[..., Any]]
"""Makes of a function one that works for whoever hands it over; and whether its CPU time is the sender's, too."""

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


def watch_threads(replaced: Replaced, hand_over: HandOver) -> None:
    """Let what is handed to threads belong to its sender."""
    replaced(threading.Thread, "start", partial(_of_bare_thread, hand_over))
    if "concurrent.futures" in sys.modules:
        # asyncio imports this module when it first needs a pool, which may be after the invocation has begun.
        from concurrent.futures.thread import ThreadPoolExecutor  # noqa: PLC0415

        replaced(ThreadPoolExecutor, "submit", partial(_of_pool, hand_over))
    if (pools := sys.modules.get("multiprocessing.pool")) is not None:
        for name in _OF_A_THREAD_POOL:
            replaced(pools.ThreadPool, name, partial(_of_pool, hand_over))
    if (threads := sys.modules.get("anyio.to_thread")) is not None:
        replaced(threads, "get_async_backend", partial(_of_backend, hand_over))
    if (threads := sys.modules.get("trio._threads")) is not None:
        replaced(threads, "start_thread_soon", partial(_of_start, hand_over))


def _of_bare_thread(hand_over: HandOver, start: Any) -> Any:
    @wraps(start)
    def started(thread: threading.Thread) -> Any:
        own, work = vars(thread).get("run"), hand_over(thread.run, False)

        def run() -> None:
            vars(thread).pop("run", None)  # it refers to the thread, which would outlive its work until it is collected
            work()

        thread.run = run  # type: ignore[method-assign]
        try:
            return start(thread)
        except BaseException:
            vars(thread).pop("run", None)
            if own is not None:
                thread.run = own  # type: ignore[method-assign]
            raise

    return started


def _of_pool(hand_over: HandOver, method: Any) -> Any:
    @wraps(method)
    def charged(pool: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        return method(pool, hand_over(function, True), *args, **kwargs)

    return charged


def _of_start(hand_over: HandOver, start: Any) -> Any:
    @wraps(start)
    def charged(function: Any, *args: Any, **kwargs: Any) -> Any:
        return start(hand_over(function, True), *args, **kwargs)

    return charged


def _of_backend(hand_over: HandOver, find: Any) -> Any:
    @wraps(find)
    def charged(*args: Any, **kwargs: Any) -> Any:
        return _Backend(hand_over, find(*args, **kwargs))

    return charged


@final
class _Backend:
    """An event loop as anyio sees it, whose worker threads work for who hands them work."""

    __slots__ = ("_backend", "_hand_over")

    def __init__(self, hand_over: HandOver, backend: Any) -> None:
        self._hand_over = hand_over
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def run_sync_in_worker_thread(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        return self._backend.run_sync_in_worker_thread(self._hand_over(function, True), *args, **kwargs)
