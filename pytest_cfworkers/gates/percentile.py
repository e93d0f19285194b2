"""Percentiles, by the nearest rank: always a value that was measured."""

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many percent of the values do not exceed.

    Args:
        values: At least one.
        percent: From 0, exclusive, to 100.
    """
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]
