"""A ticker: calls a function every few milliseconds while other code runs.

A raw thread: `threading` does not know it, so tests that list their threads do not meet it, and tracers do not follow
it. It ends before a fork and begins again after it, so that a child has one thread and Python does not warn. Python
counts threads when all hooks are done, so it begins again as a pending call, when the main thread is back from it.
"""

import _thread
import ctypes
import os
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final, final

INTERVAL_S: Final = 0.01
"""Seconds between two calls. A busy thread lets another one have its turn after 5 ms; twice that costs half."""

_PATIENCE_S: Final = 1.0
"""Seconds after which a thread that does not end is left alone."""


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
        _running.add(self)
        self.go_on()

    def go_on(self) -> None:
        """Begin again where it was halted."""
        if self._stop is not None:
            return
        stop, ended, begun = (_thread.allocate_lock() for _ in range(3))
        for lock in (stop, ended, begun):
            lock.acquire()
        self._stop, self._ended = stop, ended
        _thread.start_new_thread(self._run, (stop, ended, begun))
        begun.acquire()

    def stop(self) -> None:
        """End; returns when the last call is over."""
        _running.discard(self)
        self._halt()

    def halt(self) -> None:
        """Call no more for the time being; returns when the last call is over, and its thread is gone."""
        self._halt()
        until = time.monotonic() + _PATIENCE_S
        while _exists(self._thread) and time.monotonic() < until:
            time.sleep(0)  # it needs its turn to end

    def _halt(self) -> None:
        if self._stop is not None and self._ended is not None:
            self._stop.release()
            self._ended.acquire()
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


def _exists(thread: int) -> bool:
    """Tell whether a thread has not ended yet, where the system tells."""
    return Path(f"/proc/self/task/{thread}").exists()


_running: Final["weakref.WeakSet[Ticker]"] = weakref.WeakSet()


@final
class _Fork:
    """The fork under way: which line of Python it is, so that it is known when it is over."""

    def __init__(self) -> None:
        self._frame: FrameType | None = None
        self._instruction = 0
        self._go_on = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(self._over)

    def before(self) -> None:
        """Halt the tickers."""
        self._frame = sys._getframe(1)  # noqa: SLF001 - who forks
        self._instruction = self._frame.f_lasti
        for ticker in tuple(_running):
            ticker.halt()

    def after(self) -> None:
        """Let them go on when the fork is over, and Python has counted the threads: other hooks may come first."""
        ctypes.pythonapi.Py_AddPendingCall(self._go_on, None)

    def _over(self, _: object) -> int:
        forks = self._frame
        if forks is not None and sys._getframe(1) is not forks and forks.f_lasti == self._instruction:  # noqa: SLF001
            self.after()
            return 0
        self._frame = None
        for ticker in tuple(_running):
            ticker.go_on()
        return 0


_fork: Final = _Fork()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_fork.before, after_in_parent=_fork.after, after_in_child=_running.clear)
