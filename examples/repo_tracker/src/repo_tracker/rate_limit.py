"""How GitHub says that it has had enough.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api (checked 2026-11-24)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from repo_tracker.responses import StatusError

SECONDARY_WAIT: Final = 60.0
"""Seconds to wait after a secondary limit that does not say how long."""

_LIMITED: Final = (403, 429)
_DIGITS: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """The primary limit, as the headers of a response tell it.

    Attributes:
        resource: What it is for: `"core"` or `"search"`, each has a limit of its own.
        limit: Requests in an hour (core) or in a minute (search).
        remaining: How many of them are left.
        reset_at: When there are `limit` again, in seconds since 1970.
    """

    resource: str
    limit: int
    remaining: int
    reset_at: float

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> Self | None:
        """Read the headers of a response; return None where they say nothing of it."""
        values = [headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset")]
        if not all(value.isdecimal() and len(value) <= _DIGITS for value in values):
            return None
        limit, remaining, reset = map(int, values)
        resource = headers.get("x-ratelimit-resource", "core")
        return cls(resource=resource, limit=limit, remaining=remaining, reset_at=float(reset))

    def newer(self, other: Self | None) -> Self:
        """Return which of two of the same resource is newer, as answers may overtake each other."""
        if other is None or (self.reset_at, -self.remaining) >= (other.reset_at, -other.remaining):
            return self
        return other

    def seconds_to_wait(self, now: float) -> float:
        """Return how long there are no requests left, in seconds; 0 while there are."""
        return 0.0 if self.remaining else max(self.reset_at - now, 0.0)


class RateLimitError(Exception):
    """GitHub takes no requests for a while.

    Attributes:
        kind: `"primary"`: the hour's requests are used up; `"secondary"`: too many came at once.
        retry_after: How long to wait, in seconds.
        transient: True: the same request may succeed later.
    """

    transient: Final = True

    def __init__(self, kind: str, retry_after: float) -> None:
        super().__init__(f"GitHub's {kind} rate limit is reached for another {retry_after:.0f} s")
        self.kind = kind
        self.retry_after = retry_after

    @classmethod
    def from_status(cls, error: StatusError, *, now: float) -> Self | None:
        """Recognise a rate limit in a refusal; return None if it is another kind of refusal.

        Args:
            error: The refusal.
            now: Seconds since 1970.
        """
        if error.status not in _LIMITED:
            return None
        if error.retry_after is not None:
            return cls("secondary", error.retry_after)
        limit = RateLimit.from_headers(error.headers)
        if limit is not None and (seconds := limit.seconds_to_wait(now)):  # or else it says nothing, or is over
            return cls("primary", seconds)
        if error.status == _LIMITED[1] or "rate limit" in error.reason.lower():
            return cls("secondary", SECONDARY_WAIT)
        return None


class RateLimits:
    """What is known of the limits in force, so that no request is sent that would be refused.

    Args:
        clock: Returns seconds since 1970.

    Attributes:
        primary: The primary limits, by resource.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.primary: dict[str, RateLimit] = {}
        self._clock = clock
        self._quiet_until = 0.0

    def note(self, headers: Mapping[str, str]) -> None:
        """Take over what the headers of a response say."""
        limit = RateLimit.from_headers(headers)
        if limit is not None:
            self.primary[limit.resource] = limit.newer(self.primary.get(limit.resource))

    def recognise(self, error: StatusError) -> RateLimitError | None:
        """Return the rate limit that a refusal is, and keep it in mind; None if it is another kind of refusal."""
        now = self._clock()
        limited = RateLimitError.from_status(error, now=now)
        if limited is not None and limited.kind == "secondary":
            self._quiet_until = max(self._quiet_until, now + limited.retry_after)
        return limited

    def refuse(self, resource: str) -> None:
        """Refuse a request that GitHub would refuse.

        Args:
            resource: What it asks for: `"core"` or `"search"`.

        Raises:
            RateLimitError: It would be.
        """
        now = self._clock()
        limit = self.primary.get(resource)
        if limit is not None and (seconds := limit.seconds_to_wait(now)):
            raise RateLimitError("primary", seconds)
        if self._quiet_until > now:
            raise RateLimitError("secondary", self._quiet_until - now)
