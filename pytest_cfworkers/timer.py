"""`Timer`: how long a piece of work takes, phase by phase, and a limit for one operation. Needs no pytest."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from pytest_cfworkers.clock import SystemClock
from pytest_cfworkers.keys import LimitsError

if TYPE_CHECKING:
    from pytest_cfworkers.invocation import Invocation

_Result = TypeVar("_Result")

_LONGEST_MS: Final = 10**15


class OperationTimeout(TimeoutError):  # noqa: N818 - a kind of TimeoutError, whose name it continues
    """An operation took longer than it may, and was cancelled."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A moment with a name, and the phase that it ends.

    Attributes:
        name: Its name.
        at_ms: Milliseconds since the timer started.
        wall_ms: Milliseconds since the checkpoint before, or since the start.
        cpu_ms: Milliseconds of CPU in the same phase.
    """

    name: str
    at_ms: float
    wall_ms: float
    cpu_ms: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TimeReport:
    """What a timer has measured so far.

    Attributes:
        total_ms: Milliseconds since it started.
        cpu_ms: Milliseconds of CPU since then.
        checkpoints: The phases, in order. What follows the last one is in the totals alone.
    """

    total_ms: float
    cpu_ms: float
    checkpoints: tuple[Checkpoint, ...] = ()

    def __str__(self) -> str:
        """Return a table of the phases and the total."""
        rows = [(point.name, point.wall_ms, point.cpu_ms) for point in self.checkpoints]
        rows.append(("total", self.total_ms, self.cpu_ms))
        width = max(len(name) for name, _, _ in rows)
        return "\n".join(f"{name:<{width}}  {wall:>12,.1f} ms  {cpu:>12,.1f} ms of CPU" for name, wall, cpu in rows)


@final
class Timer:
    """A stopwatch for wall and CPU time. It starts when it is made.

    Alone it belongs to the thread that made it. The one of `cf_timer` counts what its invocation uses in any thread.

    Args:
        clock: Monotonic seconds.
        cpu_clock: Seconds of CPU of the calling thread.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = SystemClock.monotonic,
        cpu_clock: Callable[[], float] = SystemClock.thread_time,
    ) -> None:
        self._clock = clock
        self._cpu_clock = cpu_clock
        self._told: Callable[[object], None] | None = None
        self._start()

    def follow(self, invocation: "Invocation") -> None:
        """Start anew with an invocation: its wall and CPU time are measured, and its timeline gets the checkpoints.

        Args:
            invocation: It has just begun.
        """
        self._clock = lambda: invocation.times.guard.wall_ms / 1_000
        self._cpu_clock = invocation.account.seconds
        self._told = invocation.checkpoint
        self._start()

    def _start(self) -> None:
        self._points: list[tuple[str, float, float]] = []
        self._started = self._clock(), self._cpu_clock()

    def checkpoint(self, name: object) -> None:
        """End a phase and give it a name, its `str()`. A name may come again."""
        self._points.append((str(name), *self._used()))
        if self._told is not None:
            self._told(name)

    def report(self) -> TimeReport:
        """Return what was measured so far."""
        total_ms, total_cpu_ms = self._used()
        checkpoints = []
        before_ms, cpu_before_ms = 0.0, 0.0
        for name, at_ms, cpu_ms in self._points:
            checkpoints.append(
                Checkpoint(name=name, at_ms=at_ms, wall_ms=at_ms - before_ms, cpu_ms=cpu_ms - cpu_before_ms)
            )
            before_ms, cpu_before_ms = at_ms, cpu_ms
        return TimeReport(total_ms=total_ms, cpu_ms=total_cpu_ms, checkpoints=tuple(checkpoints))

    async def with_timeout(self, awaitable: Awaitable[_Result], timeout_ms: float, operation: str) -> _Result:
        """Wait for an operation, under asyncio or trio, and cancel it where it takes too long.

        Args:
            awaitable: The operation.
            timeout_ms: Milliseconds that it may take, by the clock of the event loop.
            operation: What it is called in the error.

        Returns:
            What the operation returns.

        Raises:
            OperationTimeout: It took longer; the text says which operation, and how long it took. So also where it
                could not be cancelled, because it never waited or went on all the same. A TimeoutError of the
                operation's own passes as it is.
            LimitsError: `timeout_ms` is no positive number.
        """
        __tracebackhide__ = True
        import anyio  # noqa: PLC0415 - who only measures needs no event loop

        given: Any = timeout_ms
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given <= _LONGEST_MS:
            if inspect.iscoroutine(awaitable):
                awaitable.close()  # it is not begun, and nobody needs to hear that it was never awaited
            raise LimitsError(f"timeout_ms={timeout_ms!r} is not a time; valid: a positive number of milliseconds")
        began, deadline = self._clock(), anyio.current_time() + timeout_ms / 1_000
        what = "was cancelled after"
        with anyio.CancelScope(deadline=deadline):
            result = await awaitable
            if anyio.current_time() <= deadline:
                return result
            what = "could not be cancelled and took"
        took_ms = (self._clock() - began) * 1_000
        raise OperationTimeout(f"{operation} {what} {took_ms:,.1f} ms; it may take {timeout_ms:,} ms")

    def _used(self) -> tuple[float, float]:
        """Return the milliseconds of wall and CPU time since the start."""
        wall, cpu = self._started
        return (self._clock() - wall) * 1_000, (self._cpu_clock() - cpu) * 1_000
