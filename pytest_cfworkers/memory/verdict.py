"""What the memory of an invocation comes to: what it broke, and what must be told of a figure that is none."""

from collections.abc import Iterator

from pytest_cfworkers import wording_memory
from pytest_cfworkers.limits import Limits
from pytest_cfworkers.memory.tracker import MemoryTracker
from pytest_cfworkers.violation import Violation


def tracker_for(limits: Limits) -> MemoryTracker | None:
    """Make what measures for limits; None where they limit no memory, or it is not measured."""
    if limits.memory is None or limits.memory_mode == "off":
        return None
    mode = "trace" if limits.trace and limits.memory_mode == "auto" else limits.memory_mode
    return MemoryTracker(limits.memory, engine=mode, baseline=limits.memory_baseline)


def broken(tracker: MemoryTracker, limits: Limits) -> Iterator[Violation]:
    """Yield what is broken."""
    if tracker.measurement.judge(limits.memory or 0, limits.memory_baseline) == "over":
        yield wording_memory.memory(tracker.measurement, limits)


def advice(tracker: MemoryTracker, limits: Limits) -> Iterator[Violation]:
    """Yield what should be known and fails nothing."""
    verdict = tracker.measurement.judge(limits.memory or 0, limits.memory_baseline)
    if verdict == "undecided":
        yield wording_memory.undecided_memory(tracker.measurement, limits)
    elif verdict == "unmeasured":
        yield wording_memory.unmeasured_memory(tracker.measurement, limits)
