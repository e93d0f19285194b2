"""Measure workloads in a fresh interpreter: `python -m tests.memory NUMBER ...`; a line of JSON for each.

The heap is looked at ten times as often as it is elsewhere, so that what is decided follows from what is seen, and not
from when a busy machine lets the ticker have its turn.
"""

import json
import sys
from unittest.mock import patch

from pytest_cfworkers.memory import ticker
from tests.memory.workloads import CASES, measured, true_peak

FAR = 1.2
"""How far the limits are from the true peak, as a factor."""

RUNS = 6
"""A figure is a range whose width depends on when the process was looked at; so an undecided case is run again."""


def verdict(number: int) -> dict[str, object]:
    """Judge a case by a limit below and one above its true peak."""
    case = CASES[number]
    peak = true_peak(case.workload)
    answer: dict[str, object] = {"case": str(case), "peak": peak}
    for name, limit in (("below", int(peak / FAR)), ("above", int(peak * FAR))):
        for _ in range(RUNS):
            found = measured(case, limit)
            answer[name] = found.judge(limit)
            answer[f"figure {name}"] = [found.low, found.peak, found.high, found.engine, found.why]
            if answer[name] in {"over", "under"}:
                break
    return answer


sys.setswitchinterval(0.0005)
with patch.object(ticker, "INTERVAL_S", 0.001):
    for argument in sys.argv[1:]:
        sys.stdout.write(json.dumps(verdict(int(argument))) + "\n")
