"""The exact engine: `tracemalloc`, which counts each block that Python's allocators hand out, and knows its line."""

import tracemalloc
from _tracemalloc import _get_traces
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, final

from pytest_cfworkers.guards.memory import HeldLine, Measurement, unmeasured
from pytest_cfworkers.memory.ticker import Ticker
from pytest_cfworkers.memory.timeline import Samples
from pytest_cfworkers.memory.traced_peak import PEAK, Trace
from pytest_cfworkers.owner import Owner, owner_of

_AGAIN: Final = 1.25
"""How much more must be held than at the last look at the lines, to look again. A look stops everything."""

_PLUGIN: Final = Path(__file__).parents[1]
_MEASURING: Final = tracemalloc.__file__
_STAND_INS: Final = frozenset({"d1", "lanes"})
"""What stands in the place of the platform, so that what it holds is what it answered."""


@final
class Traced:
    """Measures with `tracemalloc`.

    Args:
        limit: The limit in force, in bytes. The lines are looked at when it is passed.

    Attributes:
        before: What was traced at the start.
        most: The most that was traced since the start.
        phase_most: The same since the last phase.
    """

    name = "tracemalloc"
    samples: Samples
    before: int
    most: int
    phase_most: int

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.samples = Samples()
        self.most = self.phase_most = 0
        self.before = 0
        self._traces: list[Any] = []
        self._older: list[Any] = []
        self._looked_at = 0
        self._paused: tuple[int, ...] | None = None
        self._trace: Trace
        self._ticker = Ticker(self._tick)

    def start(self) -> None:
        """Begin."""
        PEAK.begin(self)
        self._trace = Trace()
        self.before, _ = tracemalloc.get_traced_memory()
        self.most = self.phase_most = self.before
        self._ticker.start()

    def current(self) -> int:
        """Return the bytes that are held now."""
        return max(tracemalloc.get_traced_memory()[0] - self.before, 0)

    def peak(self) -> Measurement:
        """Return the peak so far."""
        PEAK.note()
        return self._measured(self.most)

    def phase(self) -> Measurement:
        """Return the peak of the phase that ends here."""
        PEAK.note()
        measured = self._measured(self.phase_most)
        self.phase_most = 0
        return measured

    def pause(self) -> None:
        """Keep the peak as it is."""
        if tracemalloc.is_tracing():
            PEAK.note()
            self._paused = tracemalloc.get_traced_memory()[0], self.most, self.phase_most

    def shift(self, taken: int) -> None:
        """Let what was taken since the last note count as held before the start."""
        self.before, self.most, self.phase_most = self.before + taken, self.most + taken, self.phase_most + taken
        if self._paused is not None:
            self._paused = tuple(figure + taken for figure in self._paused)

    def resume(self) -> None:
        """Let what was taken meanwhile count as held before the start."""
        if tracemalloc.is_tracing() and self._paused is not None:
            PEAK.note()
            (held, self.most, self.phase_most), self._paused = self._paused, None
            self.shift(tracemalloc.get_traced_memory()[0] - held)

    def stop(self) -> Measurement:
        """End, and return the peak, with the lines that held it where the limit was passed."""
        self._ticker.stop()
        PEAK.note()
        measured = self._measured(self.most)
        PEAK.end(self)
        # The code goes on until a snapshot begins, so the last one may have come too late.
        lines = max(map(_held_lines, (*self._traces, *self._older)), key=_total, default=())
        self._traces, self._older = [], []
        return replace(measured, lines=() if measured.why else lines)

    def look(self) -> None:
        """Remember the lines, where more is held than the limit and than when they were last remembered."""
        if tracemalloc.is_tracing() and self._paused is None and self.current() > max(self._limit, self._looked_at):
            self.remember()

    def remember(self) -> None:
        """Remember what is held now, and by which lines. What that takes itself does not count."""
        self._looked_at = self.current()
        PEAK.apart(self._older.clear)
        self._older = self._traces
        self._traces = [PEAK.apart(_get_traces)]

    def _tick(self) -> None:
        if not tracemalloc.is_tracing():
            return
        PEAK.see()  # it may be reset where nobody is told
        held = self.current()
        self.samples.add(held)
        if self._paused is None and held > max(self._limit, self._looked_at * _AGAIN):
            self.remember()

    def _measured(self, most: int) -> Measurement:
        if why := self._trace.lost:
            return unmeasured(self.name, why)
        peak = max(most - self.before, 0)
        return Measurement(peak=peak, low=peak, high=peak, engine=self.name)


def _held_lines(traces: Any) -> tuple[HeldLine, ...]:
    """Group what was held by the line that asked for it; what the platform's stand-ins hold, by the stand-in."""
    lines: list[HeldLine] = []
    stand_ins: dict[str, HeldLine] = {}
    for found in tracemalloc.Snapshot(traces, 1).statistics("lineno"):
        path, line = found.traceback[0].filename, found.traceback[0].lineno
        if path.startswith(_MEASURING):
            continue
        held = HeldLine(path=path, line=line, size=found.size, count=found.count, user=owner_of(path) is Owner.USER)
        if not Path(path).is_relative_to(_PLUGIN):
            lines.append(held)
            continue
        if (part := Path(path).relative_to(_PLUGIN).parts[0]) not in _STAND_INS:
            continue  # what the plugin notes is nothing that could be held less of
        name = f"{_PLUGIN.name}/{part}"
        known = stand_ins.get(name, replace(held, path=name, line=0, size=0, count=0))
        stand_ins[name] = replace(known, size=known.size + held.size, count=known.count + held.count)
    return tuple(sorted([*lines, *stand_ins.values()], key=lambda line: (not line.user, -line.size)))


def _total(lines: tuple[HeldLine, ...]) -> int:
    return sum(line.size for line in lines)
