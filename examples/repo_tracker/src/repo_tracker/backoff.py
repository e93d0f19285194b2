"""How long to wait before the next attempt: exponential, with full jitter."""

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits that double with each attempt, each drawn between nothing and its ceiling.

    Without the draw, all that failed together would come back together.
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    Attributes:
        base: The ceiling of the first wait, in seconds.
        cap: The ceiling of all waits, in seconds.
        random: Returns a number from 0 to 1. The default takes entropy when it is called, not when it is imported,
            which Workers would refuse.
    """

    base: float = 0.5
    cap: float = 30.0
    random: Callable[[], float] = random.random

    def delay(self, failures: int) -> float:
        """Return how long to wait, in seconds.

        Args:
            failures: How many attempts failed so far, from one.
        """
        exponent = min(failures - 1, 64)  # more would overflow, and the cap has long been reached
        return self.random() * min(self.cap, self.base * 2.0**exponent)
