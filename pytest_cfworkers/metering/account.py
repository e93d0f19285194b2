"""`Account`: the CPU seconds of one invocation, charged by the threads that work for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, final


@final
class Account:
    """What one invocation has used of the processor.

    A thread works for one account at a time, or for none. What its clock goes on by until it works for another one
    is charged to that account, so threads and tasks that take turns are told apart.

    Args:
        clock: Seconds of CPU that the calling thread has used.

    Attributes:
        clock: Seconds of CPU that the calling thread has used.
        certificates: Those of its seconds in which certificates were read for SSL contexts.
    """

    __slots__ = ("_charged", "_lock", "certificates", "clock")

    clock: Callable[[], float]
    certificates: float

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.certificates = 0.0
        self._charged = 0.0
        self._lock = threading.Lock()

    def seconds(self) -> float:
        """Charge what the calling thread has used, if it works for this account, and return what was charged so far.

        So no reading is less than one before it, whichever threads they are made in.
        """
        if _thread.account is self:
            now = self.clock()
            self.charge(now - _thread.since)
            _thread.since = now
        return self._charged

    def charge(self, seconds: float) -> None:
        """Add seconds; several threads may do so at once."""
        with self._lock:
            self._charged += seconds


class _Thread(threading.local):
    """For whom a thread works, and since which reading of its clock."""

    account: Account | None = None
    since: float = 0.0
    reading: bool = False


_thread: Final = _Thread()


def account_here() -> Account | None:
    """Return the account that this thread works for."""
    return _thread.account


def switch(account: Account | None) -> Account | None:
    """Let this thread work for an account from now on; return the one before."""
    before = _thread.account
    if account is not before:
        if before is not None:
            before.charge(before.clock() - _thread.since)
        _thread.account = account
        if account is not None:
            _thread.since = account.clock()
    return before


@contextmanager
def reading_certificates() -> Iterator[None]:
    """Note that what is done in the block reads certificates; the outermost of nested ones counts."""
    account = _thread.account
    if account is None or _thread.reading:
        yield
        return
    _thread.reading, start = True, account.clock()
    try:
        yield
    finally:
        _thread.reading = False
        account.certificates += account.clock() - start
