"""GitHub's REST API: bounded, conditional, patient, and content with a part of the answer."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from repo_tracker.budget import Budget
from repo_tracker.connection_pool import ConnectionPool
from repo_tracker.models import Repository
from repo_tracker.rate_limit import RateLimit
from repo_tracker.request_queue import DEFAULT_ATTEMPTS

BASE_URL: Final = "https://api.github.com"
MAX_BYTES: Final = 4 << 20
"""The largest answer that is taken, in bytes: a page of a hundred search results is well under 1 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repositories:
    """What came of asking for many repositories: all that succeeded, and why the rest did not.

    Attributes:
        fetched: The repositories that were fetched, by the names that were asked for.
        unchanged: The names whose repositories are as their etags say.
        failed: The names for which there is no answer, and why.
    """

    fetched: dict[str, Repository]
    unchanged: tuple[str, ...]
    failed: dict[str, Exception]


class GitHubService:
    """Ask GitHub for repositories.

    Each request waits for its turn in a queue, for a connection of the pool, and is tried again where that makes
    sense. Once GitHub's rate limit is reached no request is sent until it is over.

    Args:
        client: The client to send with.
        pool: The connections of this invocation.
        base_url: Where the API is.
        token: What to authenticate with; None asks as anybody, sixty times in an hour.
        budget: The subrequests that may be spent, attempts and redirects included; None is endless.
        attempts: How often a request is tried at most.
        max_wait: The longest that GitHub may ask to wait, in seconds, before the rest is left for later.
        clock: Returns seconds since 1970.
        sleep: Waits for a number of seconds.
        random: Returns a number from 0 to 1.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        pool: ConnectionPool,
        *,
        base_url: str = BASE_URL,
        token: str | None = None,
        budget: Budget | None = None,
        attempts: int = DEFAULT_ATTEMPTS,
        max_wait: float = 60.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        random: Callable[[], float] = random.random,
    ) -> None:
        raise NotImplementedError

    @property
    def rate_limit(self) -> RateLimit | None:
        """The primary rate limit as GitHub told it last; None before the first answer."""
        raise NotImplementedError

    async def get_repository(self, name: str, *, etag: str | None = None) -> Repository | None:
        """Fetch one repository, also under a name that it had before.

        Args:
            name: `owner/name`.
            etag: The version that the caller has; an unchanged repository costs nothing of the rate limit.

        Returns:
            The repository, or None if it is the version that the caller has.

        Raises:
            ValueError: It is not a name.
            StatusError: There is none, or GitHub failed, and failed again.
            RateLimitError: GitHub takes no requests for a while.
            BudgetSpentError: No subrequest is left.
            httpx.TransportError: The network failed, and failed again.
        """
        raise NotImplementedError

    async def get_repositories(
        self, names: Iterable[str], *, etags: Mapping[str, str | None] | None = None
    ) -> Repositories:
        """Fetch many repositories at once. A failure of some does not cost the others.

        Args:
            names: `owner/name` of each; a name that is there twice is fetched once.
            etags: The versions that the caller has, by name. What it has no version of is fetched first.

        Returns:
            What was fetched, what is unchanged, and what failed, with the errors of `get_repository`.
        """
        raise NotImplementedError

    async def search(self, query: str, *, per_page: int = 100, max_pages: int = 10) -> AsyncIterator[list[Repository]]:
        """Search for repositories, and yield each page as it arrives.

        Args:
            query: In GitHub's words, such as `language:python stars:>500`.
            per_page: Results on a page, up to 100.
            max_pages: How many pages to fetch at most. GitHub shows no more than the first 1,000 results.

        Raises:
            StatusError, RateLimitError, BudgetSpentError, httpx.TransportError: As `get_repository`. What was yielded
                before is good.
        """
        raise NotImplementedError
        yield []
