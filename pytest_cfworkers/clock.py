"""`SystemClock`: the clocks of the system as they were when the plugin was loaded.

Tests freeze clocks (freezegun), or give them turns (mock). What waits, and what says when something happened, must
neither stand still with them nor take their turns.
"""

import time
from collections.abc import Callable
from typing import ClassVar, final


@final
class SystemClock:
    """The clocks. They stand in a class, since who freezes clocks looks for them under the names of every module."""

    monotonic: ClassVar[Callable[[], float]] = time.monotonic
    perf_counter: ClassVar[Callable[[], float]] = time.perf_counter
    thread_time: ClassVar[Callable[[], float]] = time.thread_time

    @classmethod
    def is_replaced(cls) -> bool:
        """Tell whether somebody has put something in the place of a clock that loops of asyncio and trio go by."""
        return time.monotonic is not cls.monotonic or time.perf_counter is not cls.perf_counter
