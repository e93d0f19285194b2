"""Clocks that tests turn."""

import threading
from typing import final


@final
class Clock:
    """A clock that stands until it is turned."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@final
class Processor(threading.local):
    """A clock of CPU time: each thread has its own, which goes on by what the thread works."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        """Use the processor."""
        self.now += seconds
