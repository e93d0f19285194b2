"""A ticker: calls a function every few milliseconds while other code runs.

A raw thread: `threading` does not know it, so tests that list their threads do not meet it, and tracers do not follow
it. It ends before a fork and begins again after it, so that a child has one thread and Python does not warn.
"""

import _thread
import os
import weakref
from collections.abc import Callable
from typing import Final, final

INTERVAL_S: Final = 0.01
"""Seconds between two calls. A busy thread lets another one have its turn after 5 ms; twice that costs half."""


@final
class Ticker:
    """Calls a function at once and then every 10 ms.

    Args:
        tick: What to call. It must not raise.
    """

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._stop: _thread.LockType | None = None
        self._ended: _thread.LockType | None = None
        self._thread = 0

    def start(self) -> None:
        """Begin; returns when the first call is over."""
        stop, ended, begun = (_thread.allocate_lock() for _ in range(3))
        for lock in (stop, ended, begun):
            lock.acquire(blocking=False)
        self._stop, self._ended = stop, ended
        _running.add(self)
        _thread.start_new_thread(self._run, (stop, ended, begun))
        _wait_for(begun)

    def stop(self) -> None:
        """End; returns when the last call is over."""
        _running.discard(self)
        self._halt()

    def _halt(self) -> None:
        if self._stop is not None and self._ended is not None:
            self._stop.release()
            _wait_for(self._ended)
            self._stop = self._ended = None

    def _run(self, stop: _thread.LockType, ended: _thread.LockType, begun: _thread.LockType) -> None:
        self._thread = _thread.get_native_id()
        try:
            try:
                self._tick()
            finally:
                begun.release()
            while not stop.acquire(timeout=INTERVAL_S):
                self._tick()
        finally:
            ended.release()


def _wait_for(lock: _thread.LockType) -> None:
    """Wait a moment, by no name that a test puts something in the place of which refuses what blocks its loop."""
    with lock:
        pass


_running: Final["weakref.WeakSet[Ticker]"] = weakref.WeakSet()


def tickers() -> set[int]:
    """Return the native ids of the threads of all tickers."""
    return {ticker._thread for ticker in tuple(_running)}  # noqa: SLF001 - its own kind


def _before_fork() -> None:
    for ticker in tuple(_running):
        ticker._halt()  # noqa: SLF001 - its own kind


def _after_fork() -> None:
    for ticker in tuple(_running):
        ticker.start()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_running.clear)
