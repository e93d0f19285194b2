"""The primary rate limit: so many requests in a window, for each resource, and the headers that tell of it.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api, checked on 2026-11-24.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

ALLOWANCES: Final = {"core": (60, 5_000, 3_600.0), "search": (10, 30, 60.0)}
"""For each resource: requests in a window without and with a token, and the window in seconds."""


@final
@dataclass(slots=True)
class Window:
    """What is left of an allowance.

    Attributes:
        limit: Requests in a window.
        ends_at: When the window ends, in seconds of the clock.
        used: Requests that were answered in it.
    """

    limit: int
    ends_at: float
    used: int = 0

    @property
    def remaining(self) -> int:
        """Requests that are left."""
        return max(0, self.limit - self.used)

    def as_dict(self) -> dict[str, int]:
        """Return it as `GET /rate_limit` shows it."""
        return {"limit": self.limit, "used": self.used, "remaining": self.remaining, "reset": int(self.ends_at)}


@final
class RateLimits:
    """The windows of every token and resource.

    Args:
        clock: Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: dict[tuple[str, str], Window] = {}
        self._asked: dict[str, tuple[int, float]] = {}

    def set(self, resource: str, limit: int, window_s: float) -> None:
        """Give a resource another allowance, for everybody and from now on.

        Args:
            resource: "core" or "search".
            limit: Requests in a window.
            window_s: Seconds.

        Raises:
            ValueError: There is no such resource.
        """
        if resource not in ALLOWANCES:
            raise ValueError(f"{resource!r} has no rate limit; resources: {', '.join(ALLOWANCES)}")
        self._asked[resource] = (limit, window_s)
        self._windows = {key: window for key, window in self._windows.items() if key[1] != resource}

    def window(self, token: str, resource: str) -> Window:
        """Return the window that runs for a token; "" is whoever has none."""
        now = self._clock()
        window = self._windows.get((token, resource))
        if window is None or now >= window.ends_at:
            limit, seconds = self._asked.get(resource) or self._allowance(token, resource)
            window = self._windows[token, resource] = Window(limit, now + seconds)
        return window

    @staticmethod
    def _allowance(token: str, resource: str) -> tuple[int, float]:
        without, with_token, seconds = ALLOWANCES[resource]
        return (with_token if token else without), seconds


def headers(window: Window, resource: str) -> dict[str, str]:
    """Return the headers that every answer carries."""
    figures = {f"x-ratelimit-{name}": str(figure) for name, figure in window.as_dict().items()}
    return figures | {"x-ratelimit-resource": resource}
