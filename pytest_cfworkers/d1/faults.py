"""The errors that D1 really throws now and then, on demand, so that retries can be tested.

    faults = Faults(
        Fault(NETWORK_LOST, at=2),  # the second round trip
        Fault(NETWORK_LOST, times=2),  # the next two
        Fault(OVERLOADED, matching=r"^INSERT", times=3),  # the next three inserts
        Fault(RESET_FOR_CODE, probability=0.1, seed=7),  # one in ten, the same ones in each run
        Fault(NETWORK_LOST, matching="UPDATE accounts", after=True),  # the update took effect
    )
    with inject(database, faults):
        ...

https://developers.cloudflare.com/d1/observability/debug-d1/,
https://developers.cloudflare.com/d1/best-practices/retry-queries/ (both checked 2026-11-24)
"""

from __future__ import annotations

import random
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal

from pytest_cfworkers.d1.database import channel_of
from pytest_cfworkers.d1.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_cfworkers.d1.backend import Query, RequestKind
    from pytest_cfworkers.d1.database import D1Database

RESET_FOR_CODE: Final = "D1 DB reset because its code was updated."
STARTUP_FAILED: Final = "Internal error while starting up D1 DB storage caused object to be reset."
NETWORK_LOST: Final = "Network connection lost."
STORAGE_RESET: Final = "Internal error in D1 DB storage caused object to be reset."
UNRESOLVED: Final = "Cannot resolve D1 DB due to transient issue on remote node."
CLIENT_GONE: Final = "Can't read from request stream because client disconnected."
TIMED_OUT: Final = "D1 DB storage operation exceeded timeout which caused object to be reset."
QUEUED_TOO_LONG: Final = "D1 DB is overloaded. Requests queued for too long."
OVERLOADED: Final = "D1 DB is overloaded. Too many requests queued."
OUT_OF_MEMORY: Final = "D1 DB's isolate exceeded its memory limit and was reset."
OUT_OF_CPU: Final = "D1 DB exceeded its CPU time limit and was reset."

RETRYABLE: Final = (RESET_FOR_CODE, STARTUP_FAILED, NETWORK_LOST, STORAGE_RESET, UNRESOLVED, CLIENT_GONE)
"""What Cloudflare says to retry, if the statement is idempotent."""

PERSISTENT: Final = (TIMED_OUT, QUEUED_TOO_LONG, OVERLOADED, OUT_OF_MEMORY, OUT_OF_CPU)
"""What Cloudflare says to cure by smaller or fewer statements."""


class Fault:
    """One error, and when it strikes.

    A fault strikes a round trip for which all that is given holds: position, pattern and chance. With `times` alone
    it strikes the next ones.

    Args:
        message: The error's text, one of this module's or any other.
        at: The first round trip that it may strike, counted from 1 since the faults were injected.
        matching: A regular expression that is searched in each statement of the round trip, whatever its
            case.
        probability: The chance of each round trip, from 0 to 1.
        seed: Makes the same round trips fail in each run.
        after: Whether the round trip takes effect before it fails, as when only the answer was lost.
        times: How often the fault strikes at most; None for always. Default: once, with `probability` always.

    Raises:
        ValueError: Nothing says when the fault strikes, or a value is none that the argument takes.
    """

    def __init__(
        self,
        message: str,
        *,
        at: int | None = None,
        matching: str | None = None,
        probability: float | None = None,
        seed: int = 0,
        after: bool = False,
        times: int | Literal["default"] | None = "default",
    ) -> None:
        if at is None and matching is None and probability is None and times == "default":
            raise ValueError("a fault needs at=, times=, matching= or probability= to know when it strikes")
        if not isinstance(message, str):
            raise _invalid("message", message, "a text, such as those of pytest_cfworkers.d1.faults")
        if at is not None and not _is_count(at):
            raise _invalid("at", at, "a round trip's number, counted from 1")
        if times not in {"default", None} and not _is_count(times):
            raise _invalid("times", times, "a number from 1 on, or None for always")
        if probability is not None and not _is_chance(probability):
            raise _invalid("probability", probability, "a number from 0 to 1")
        self.message = message
        self.after = after
        self._at = at
        self._matching = _pattern(matching)
        self._probability = probability
        self._chance = random.Random(seed)  # noqa: S311 - not for secrets; it has to repeat itself
        self._left = (None if probability is not None else 1) if times == "default" else times

    def strikes(self, position: int, queries: Sequence[Query]) -> bool:
        """Whether the fault strikes a round trip; counts it if so.

        Args:
            position: The round trip's position, from 1.
            queries: Its statements.
        """
        if self._left == 0 or (self._at is not None and position < self._at):
            return False
        if self._matching and not any(self._matching.search(sql) for sql, _ in queries):
            return False
        if self._probability is not None and self._chance.random() >= self._probability:
            return False
        if self._left is not None:
            self._left -= 1
        return True

    def error(self) -> Refused:
        """Return what the channel raises."""
        return Refused(self.message)


def _invalid(argument: str, value: object, valid: str) -> ValueError:
    return ValueError(f"{argument}={value!r}: it takes {valid}")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_chance(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _pattern(matching: object) -> re.Pattern[str] | None:
    if matching is None:
        return None
    if not isinstance(matching, str):
        raise _invalid("matching", matching, "a regular expression as a text")
    try:
        return re.compile(matching, re.IGNORECASE)
    except re.error as error:
        raise _invalid("matching", matching, f"a regular expression; this is none: {error}") from None


class Faults:
    """Faults for the round trips of one database; the first that strikes wins.

    Args:
        *faults: In order.

    Attributes:
        round_trips: How many round trips have been seen.
        struck: The faults that struck, with the position of their round trip.

    Raises:
        ValueError: One of them is no fault.
    """

    def __init__(self, *faults: Fault) -> None:
        for fault in faults:
            if not isinstance(fault, Fault):
                wanted = "it takes faults, such as Fault(OVERLOADED, at=1)"
                raise ValueError(f"Faults({fault!r}): {wanted}")  # noqa: TRY004 - as for every other argument
        self._faults = faults
        self.round_trips: int = 0
        self.struck: list[tuple[int, Fault]] = []

    def next(self, _kind: RequestKind, queries: Sequence[Query]) -> Fault | None:
        """Count a round trip, and return the fault that strikes it."""
        self.round_trips += 1
        for fault in self._faults:
            if fault.strikes(self.round_trips, queries):
                self.struck.append((self.round_trips, fault))
                return fault
        return None


@contextmanager
def inject(database: D1Database, faults: Faults) -> Iterator[Faults]:
    """Let faults strike a database, its statements and its sessions, inside the block.

    Args:
        database: The binding.
        faults: What strikes.

    Yields:
        The faults, which tell afterwards what struck.
    """
    channel = channel_of(database)
    before, channel.faults = channel.faults, faults
    try:
        yield faults
    finally:
        channel.faults = before
