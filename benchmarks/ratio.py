"""Ratios that hold on a noisy machine: two ways of doing a thing in turn, compared pair by pair."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """How much longer one way takes than the other.

    Attributes:
        median: The median of the ratios of the pairs.
        low: The lower quartile.
        high: The upper quartile.
        base_us: Microseconds of the other way, the least measured.
    """

    median: float
    low: float
    high: float
    base_us: float

    def __str__(self) -> str:
        return f"{self.median:.2f}x (quartiles {self.low:.2f} to {self.high:.2f}; base {self.base_us:,.0f} us)"


def compare(measured: Callable[[], float], base: Callable[[], float], *, rounds: int, repeats: int = 1) -> Ratio:
    """Time two ways in turn.

    Args:
        measured: Does the thing one way and returns the seconds it took.
        base: Does it the other way.
        rounds: How many pairs, after one that is not counted. Every other begins with the base, so that neither
            way has the quieter place.
        repeats: How many things one call does.
    """
    measured()
    base()
    pairs = [_pair(measured, base, turned=bool(number % 2)) for number in range(rounds)]
    ratios = [first / second for first, second in pairs]
    low, median, high = statistics.quantiles(ratios, n=4)
    return Ratio(median, low, high, min(second for _, second in pairs) / repeats * 1e6)


def _pair(measured: Callable[[], float], base: Callable[[], float], *, turned: bool) -> tuple[float, float]:
    if turned:
        second = base()
        return measured(), second
    return measured(), base()
