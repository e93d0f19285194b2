"""`TimeBudget`: the wall and CPU time of one invocation, and how they are judged."""

from collections.abc import Callable, Iterator
from typing import final

from pytest_cfworkers import tracers
from pytest_cfworkers.guards.time import TimeGuard
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.metering.account import Account
from pytest_cfworkers.metering.allocations import ALLOCATIONS
from pytest_cfworkers.percentile import percentile
from pytest_cfworkers.timing_keys import PERCENTILES
from pytest_cfworkers.violation import Violation
from pytest_cfworkers.wording import time as wording_time


@final
class TimeBudget:
    """The times of one invocation.

    Args:
        limits: The limits in force.
        clock: Monotonic seconds.
        cpu_clock: Seconds of CPU of the calling thread.

    Attributes:
        account: The CPU time that is charged to the invocation.
        guard: Both clocks.
        stopped_by: What stopped the program meanwhile, so that times mean nothing; "" for nothing.
        slowed_by: What traced it or its memory meanwhile, so that CPU time over a limit means nothing; "" for nothing.
        opened: Name and milliseconds of each invocation that was opened in this one, where percentiles are judged.
        checkpoints: Names given to moments, in milliseconds after the start.
    """

    account: Account
    guard: TimeGuard
    stopped_by: str
    slowed_by: str

    def __init__(self, limits: Limits, clock: Callable[[], float], cpu_clock: Callable[[], float]) -> None:
        self.account = Account(cpu_clock)
        self.guard = TimeGuard(clock, self.account.seconds)
        self.stopped_by = ""
        self.slowed_by = ""
        self.opened: list[tuple[str, float]] = []
        self.checkpoints: list[tuple[str, float]] = []
        self._limits = limits
        self._mark = 0
        self._way_out = ""

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU, by the scale in force."""
        return self.guard.cpu_ms * self._limits.cpu_scale

    def start(self) -> None:
        """Start both clocks."""
        self._mark = ALLOCATIONS.mark()
        self.guard.start()

    def stop(self) -> None:
        """Stop both clocks, and note who may have disturbed them where that matters."""
        self.guard.stop()
        if any(self._exceeded()):
            self.stopped_by = self.stopped_by or (f"the debugger {name}" if (name := tracers.debugger()) else "")
            self._note_tracers()

    def broken(self) -> Iterator[Violation]:
        """Yield what is broken."""
        for violation in self._exceeded():
            if not self._why_not(violation) and (violation.rule != "cpu-time" or "cpu_ms" in self._limits.given):
                yield violation

    def advice(self, *, opens: bool) -> Iterator[Violation]:
        """Yield what should be looked at and fails nothing.

        Args:
            opens: Whether invocations that are opened in this one are its own to judge.
        """
        for violation in self._exceeded():
            if why := self._why_not(violation):
                yield wording_time.not_judged(violation, why, self._limits)
            elif violation.rule == "cpu-time" and "cpu_ms" not in self._limits.given:
                yield violation
        if opens and self._limits.percentiles and not self.opened:
            yield wording_time.no_percentile(self._limits)

    def _note_tracers(self) -> None:
        self._way_out = "without"
        if name := tracers.tracer():
            self.slowed_by = f"{name} traced the test"
        elif (tracing := ALLOCATIONS.since(self._mark)) is not None and tracing.measures:
            self.slowed_by, self._way_out = f"{tracing.name} measured the memory", "with --cf-memory=off"
        elif tracing is not None:
            self.slowed_by = f"{tracing.name} traced the test"

    def _exceeded(self) -> Iterator[Violation]:
        limits = self._limits
        if limits.cpu_ms is not None and (used := self.cpu_ms) > limits.cpu_ms:
            certificates_ms = self.account.certificates * 1_000 * limits.cpu_scale
            yield wording_time.cpu_time(used, certificates_ms, limits)
        if limits.wall_ms is not None and (used := self.guard.wall_ms) > limits.wall_ms:
            yield wording_time.wall_time(used, limits)
        for key, bound in limits.percentiles.items() if self.opened else ():
            observed = percentile([duration for _, duration in self.opened], PERCENTILES[key])
            if observed > bound:
                yield wording_time.slow_percentile(key, observed, self.opened, limits)

    def _why_not(self, violation: Violation) -> str:
        """Say why a limit that was exceeded is not judged; "" where it is."""
        if self.stopped_by:
            return f"{self.stopped_by} may have stopped the test meanwhile. Run it without one to have it judged."
        if violation.rule == "cpu-time" and self.slowed_by:
            return (
                f"{self.slowed_by} meanwhile, which takes CPU time of its own.\n"
                f"Run it {self._way_out} to have it judged; under the limit it counts as it is."
            )
        return ""
