"""What a user reads about memory: too much of it, what cannot be decided, and what was not measured."""

import linecache
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from pytest_cfworkers.calibration import PYODIDE_BASELINE, worker_memory
from pytest_cfworkers.callsite import shorten
from pytest_cfworkers.counted import counted
from pytest_cfworkers.guards.memory import HeldLine, Measurement
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.size import format_size
from pytest_cfworkers.violation import Violation
from pytest_cfworkers.wording.lines import prose, quoted
from pytest_cfworkers.wording.records import origin, own, violation_of

_LINES: Final = 8
"""Lines named in one message; the rest are summed up."""

_WORTH_NAMING: Final = 0.005
"""The share of what is held from which on a line is named."""

_SOURCE: Final = 60
"""Characters of a source line that are quoted."""

_PLATFORM: Final = (
    "A Worker has 128 MB for its whole isolate: JavaScript, WebAssembly, and every request it serves at the time. "
    "Beyond it requests end with error 1102."
)

_BY: Final = {
    "high-water": "measured by the kernel's high-water mark and the allocators' books",
    "tracemalloc": "every allocation counted, by tracemalloc",
    "memray": "every allocation counted, by memray",
    "sampling": "measured by looking at the process every 10 ms",
}


def memory(measured: Measurement, limits: Limits) -> Violation:
    """More memory was held at once than there is."""
    limit, baseline = limits.memory or 0, limits.memory_baseline
    return violation_of(
        "memory",
        limits,
        measured.peak + baseline,
        f"{format_size(measured.peak + baseline)} held at once, the limit is {format_size(limit)}"
        f"{origin('memory', limits)}",
        [*_evidence(measured, baseline), *_held(measured)],
        own("memory", limits) + _PLATFORM,
    )


def asserted_memory(measured: Measurement, limits: Limits) -> Violation:
    """More memory was held at once than an assertion of the test's own takes, which no mark allows."""
    violation = memory(measured, limits)
    return replace(violation, remedy=violation.remedy.rpartition("\n")[0])


def undecided_memory(measured: Measurement, limits: Limits) -> Violation:
    """The cheap figure is a range, and the limit is inside of it."""
    low, high = _range(measured, limits.memory_baseline)
    limit = format_size(limits.memory or 0)
    violation = violation_of(
        "memory",
        limits,
        measured.peak + limits.memory_baseline,
        f"cannot be decided: between {low} and {high} held, the limit is {limit}",
        _evidence(measured, limits.memory_baseline),
        "",
    )
    return replace(violation, remedy="@pytest.mark.cf_limits(trace=True) or --cf-memory=trace decides it, slowly.")


def unmeasured_memory(measured: Measurement, limits: Limits) -> Violation:
    """No figure would have been right."""
    violation = violation_of("memory", limits, 0, f"memory was not measured: {measured.why}", [], "")
    return replace(violation, remedy="The limit of memory was not judged for this test.")


def _evidence(measured: Measurement, baseline: int) -> list[str]:
    return [line for told in _figures(measured, baseline) for line in prose(told, indent=4, hang="  ")]


def _figures(measured: Measurement, baseline: int) -> list[str]:
    lines = [_BY[measured.engine]]
    if not measured.exact:
        low, high = _range(measured, 0)
        lines[0] += f": between {low} and {high}"
    if baseline:
        whose = "Pyodide's own" if baseline == PYODIDE_BASELINE else "what is there before the code of the test"
        lines.append(f"{format_size(baseline)} of it are the baseline, {whose}: cf_memory_baseline")
    estimate = format_size(worker_memory(measured.peak))
    lines.append(f"a Worker would hold about {estimate} for the same work, its interpreter included: an estimate")
    return lines


def _held(measured: Measurement) -> Iterator[str]:
    if not measured.lines:
        if measured.engine in {"tracemalloc", "memray"}:
            yield "it was freed again before the lines that held it could be looked at"
        else:
            yield "which lines held it: @pytest.mark.cf_limits(trace=True), or --cf-memory=trace"
        return
    least = sum(line.size for line in measured.lines) * _WORTH_NAMING
    named = [line for line in measured.lines if line.size >= least]
    yield "held at:"
    for line in named[:_LINES]:
        yield f"  {format_size(line.size):>9} in {counted(line.count, 'block')}  {_place(line)}"
    if rest := named[_LINES:]:
        yield f"  {format_size(sum(line.size for line in rest)):>9} at {len(rest)} other lines"


def _place(line: HeldLine) -> str:
    if not line.line:
        return f"{line.path}, in the place of the platform: what it answered"
    # Library code is told by its package: the way to it says nothing.
    path = shorten(line.path) if line.user else "/".join(Path(line.path).parts[-2:])
    source = quoted(linecache.getline(line.path, line.line).strip(), _SOURCE)
    return f"{path}:{line.line}{f': {source}' if source else ''}"


def _range(measured: Measurement, baseline: int) -> tuple[str, str]:
    return format_size(measured.low + baseline), format_size(measured.high + baseline)
