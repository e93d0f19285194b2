"""Percentiles, by the nearest rank: always a value that was measured."""

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], per_mille: int) -> float:
    """Return the smallest value that so many of the values do not exceed.

    Args:
        values: At least one.
        per_mille: How many of a thousand of them: 950 for P95.
    """
    return sorted(values)[math.ceil(len(values) * per_mille / 1_000) - 1]
