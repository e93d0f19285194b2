"""What changed from one run to a later one: figures, and what was broken."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self, final

from pytest_cfworkers.gates.metrics import METRICS, Metric
from pytest_cfworkers.gates.quantity import SHARE
from pytest_cfworkers.report.entry import Entry, broken
from pytest_cfworkers.report.run import Run


class Change(NamedTuple):
    """A figure that changed.

    Attributes:
        metric: The figure.
        old: What it was; None where nothing measured it.
        new: What it is; None where nothing measured it.
    """

    metric: Metric
    old: float | None
    new: float | None

    @property
    def percent(self) -> float | None:
        """How much it grew, in percent of what it was; None where that cannot be said, or it is a share itself."""
        if not self.old or self.new is None or self.metric.quantity is SHARE:
            return None
        return 100 * (self.new - self.old) / self.old


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """What changed.

    Attributes:
        changes: The figures that changed.
        new: What is broken and was not.
        worse: What is broken more than before: as it was, and as it is.
        better: What is broken less than before: as it was, and as it is.
        gone: What was broken and is not, in tests that are still there.
        added: Guarded tests that are in the later run only.
        removed: Guarded tests that are in the earlier run only.
    """

    changes: tuple[Change, ...]
    new: tuple[Entry, ...]
    worse: tuple[tuple[Entry, Entry], ...]
    better: tuple[tuple[Entry, Entry], ...]
    gone: tuple[Entry, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]

    @classmethod
    def between(cls, old: Run, new: Run) -> Self:
        """Compare two runs."""
        before, after = broken(old.tests), broken(new.tests)
        tests = [{record.nodeid for record in run.tests} for run in (old, new)]
        both = [(before[place], after[place]) for place in sorted(before.keys() & after.keys())]
        return cls(
            changes=tuple(_changes(old, new)),
            new=tuple(after[place] for place in sorted(after.keys() - before.keys())),
            worse=tuple(pair for pair in both if pair[0].is_less_than(pair[1].observed)),
            better=tuple(pair for pair in both if pair[1].is_less_than(pair[0].observed)),
            gone=tuple(before[place] for place in sorted(before.keys() - after.keys()) if place[0] in tests[1]),
            added=tuple(sorted(tests[1] - tests[0])),
            removed=tuple(sorted(tests[0] - tests[1])),
        )


def _changes(old: Run, new: Run) -> Iterator[Change]:
    for metric in METRICS:
        pair = metric.measure(old), metric.measure(new)
        before, after = (None if observed is None else observed.value for observed in pair)
        if before != after:
            yield Change(metric, before, after)
