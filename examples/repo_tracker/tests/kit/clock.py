"""Time that only moves when somebody sleeps."""

import asyncio


class Clock:
    """A clock and the sleep that moves it.

    Attributes:
        now: Seconds since 1970.
        slept: What was slept, in seconds, in its order.
    """

    def __init__(self, now: float = 1_764_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Move on, and give the other tasks their turn."""
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)
