"""What the terminal tells of the whole run: gates, the bundle, and what changed since the baseline."""

from collections.abc import Iterator, Sequence

from pytest_cfworkers.counted import counted
from pytest_cfworkers.limits import BUNDLE_SIZE
from pytest_cfworkers.report.baseline import Baseline
from pytest_cfworkers.report.model import TestRecord
from pytest_cfworkers.report.run import Bundle, GateResult
from pytest_cfworkers.report.terminal import Line
from pytest_cfworkers.size import format_size


def gate_lines(gates: Sequence[GateResult], *, quiet: bool) -> Iterator[Line]:
    """Yield a line for each gate, with what was observed and its bound.

    Args:
        gates: What they came to.
        quiet: Whether to tell no more than what does not hold.
    """
    width = max((len(gate.expression) for gate in gates), default=0)
    for gate in gates:
        if gate.passed and quiet:
            continue
        state = "passed" if gate.passed else "failed" if gate.level == "critical" else "warning"
        style = {"passed": "", "failed": "red", "warning": "yellow"}[state]
        yield Line(f"  {state:<7}  {gate.expression:<{width}}  {gate.observed}; {gate.bound}", style)


def bundle_lines(bundle: Bundle, before: tuple[int, int] | None, *, top: int) -> Iterator[Line]:
    """Yield what is told of a bundle.

    Args:
        bundle: The bundle.
        before: Its bytes in the baseline, uncompressed and compressed; None where it is not there.
        top: How many packages and imports to name.
    """
    most = format_size(BUNDLE_SIZE.number)
    files = counted(bundle.files, "file")
    told = f"bundle of {bundle.path}: {format_size(bundle.size)} of {most} in {files}"
    yield Line(f"{told}, {format_size(bundle.gzip_size)} compressed", "bold")
    if before is not None and (change := bundle.size - before[0]):
        yield Line(f"  {format_size(abs(change))} {'more' if change > 0 else 'less'} than in the baseline")
    if named := ", ".join(f"{name} {format_size(size)}" for name, size in bundle.packages[:top]):
        yield Line(f"  largest: {named}")
    if bundle.startup_ms is not None:
        yield Line(f"  start: {bundle.startup_ms:,.0f} ms of CPU, in CPython on this machine")
        if slowest := ", ".join(f"{name} {spent:,.1f} ms" for name, spent in bundle.imports[:top]):
            yield Line(f"  slowest imports: {slowest}")


def baseline_lines(baseline: Baseline, records: Sequence[TestRecord], *, top: int) -> Iterator[Line]:
    """Yield what is known and what got better.

    Args:
        baseline: The baseline that the run was held to.
        records: Its tests.
        top: How many violations to name.
    """
    known = [f"{record.nodeid}: {found.rule}: {found.headline}" for record in records for found in record.known]
    fail = "fails" if len(known) == 1 else "fail"
    yield Line(f"{counted(len(known), 'violation')} known to {baseline.path.name}, which {fail} nothing", "bold")
    yield from _named(sorted(known), top)
    gone, less, more = baseline.changes(records)
    better = [f"{entry}: gone" for entry in gone] + [new.since(old) for old, new in less]
    if more:
        yield Line(f"{len(more)} worse than in {baseline.path.name}", "red")
        yield from _named([new.since(old) for old, new in more], top)
    if better:
        yield Line(f"{len(better)} better than in {baseline.path.name}: --cf-baseline-update writes it down", "green")
        yield from _named(better, top)


def update_lines(old: Baseline, new: Baseline) -> Iterator[Line]:
    """Yield what was written."""
    added, removed = len(new.entries.keys() - old.entries.keys()), len(old.entries.keys() - new.entries.keys())
    yield Line(f"{new.path} written: {counted(len(new.entries), 'violation')}, {added} new, {removed} gone", "bold")


def _named(lines: Sequence[str], top: int) -> Iterator[Line]:
    for line in lines[:top]:
        yield Line(f"  {line}")
    if len(lines) > top:
        yield Line(f"  … and {len(lines) - top} more: --cf-top={len(lines)} names them all")
