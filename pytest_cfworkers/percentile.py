"""Percentiles, by the nearest rank: always a value that was measured."""

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the least of the values that a share of them does not exceed.

    Args:
        values: At least one.
        percent: More than 0, at most 100.
    """
    return sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]
