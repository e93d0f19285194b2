"""What the Worker does: fetch, store, refresh."""

import datetime as dt
import time
from collections.abc import AsyncGenerator, Callable, Collection, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from repo_tracker.budget import BudgetSpentError
from repo_tracker.github import GitHubService
from repo_tracker.models import Repository, Tier
from repo_tracker.rate_limit import RateLimitError
from repo_tracker.scheduler import Progress
from repo_tracker.storage import StorageService
from repo_tracker.stream import StreamProcessor, StreamReport

STEP: Final = 40
"""Repositories refreshed in one invocation: the free plan has 50 subrequests, and some of them will be retries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of asking for repositories.

    Attributes:
        saved: How many were fetched and stored.
        unchanged: How many are as they are stored.
        failed: Why there is no answer for the others, by name.
    """

    saved: int
    unchanged: int
    failed: dict[str, Exception]


class RepoTracker:
    """Fetch repositories and store them; one for each invocation.

    Args:
        github: Where they come from.
        storage: Where they go to.
        stream: How much is in memory at once.
        checkpoint: Is told what was done.
        clock: Returns seconds since 1970.
    """

    def __init__(
        self,
        github: GitHubService,
        storage: StorageService,
        *,
        stream: StreamProcessor[Repository] | None = None,
        checkpoint: Callable[[str], object] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._github = github
        self._storage = storage
        self._stream = stream or StreamProcessor()
        self._checkpoint = checkpoint
        self._clock = clock

    async def track(self, names: Iterable[str]) -> Outcome:
        """Fetch repositories by name and store them, with their tier and the metrics of today.

        Args:
            names: `owner/name` of each.

        Raises:
            ServiceError: They could not be stored.
        """
        return await self._fetch_and_save(names, {})

    async def discover(self, query: str) -> StreamReport:
        """Search for repositories and store what is found, a batch at a time.

        Args:
            query: In GitHub's words, such as `language:python stars:>500`.

        Raises:
            ServiceError: They could not be stored.
            Exception: As `GitHubService.search`. What was found before is stored.
        """
        async with aclosing(self._found(query)) as found:
            return await self._stream.process(found, self._save)

    async def refresh(self, tier: Tier, cursor: int) -> Progress:
        """Refresh a part of a tier that fits into one invocation: the `Step` of a `TierScheduler`.

        What GitHub or the budget left no room for is where the next step starts. What failed otherwise stays as it is
        stored, until the next round.

        Args:
            tier: Which tier.
            cursor: The id after which to start.

        Raises:
            ServiceError: D1 failed; nothing is lost, and the same step may run again.
        """
        page = await self._storage.tracked(tier, after=cursor, limit=STEP)
        self._checkpoint("listed")
        outcome = await self._fetch_and_save(
            [item.full_name for item in page.items], {item.full_name: item.etag for item in page.items}
        )
        postponed = {name: error for name, error in outcome.failed.items() if isinstance(error, _POSTPONED)}
        if not postponed:
            return Progress(cursor=page.cursor)
        first = min(item.id for item in page.items if item.full_name in postponed)
        waits = [error.retry_after for error in postponed.values() if isinstance(error, RateLimitError)]
        return Progress(cursor=first - 1, not_before=max(waits, default=0.0))

    async def _fetch_and_save(self, names: Iterable[str], etags: dict[str, str | None]) -> Outcome:
        answer = await self._github.get_repositories(names, etags=etags)
        self._checkpoint("fetched")
        await self._save(answer.fetched.values())
        return Outcome(saved=len(answer.fetched), unchanged=len(answer.unchanged), failed=answer.failed)

    async def _found(self, query: str) -> AsyncGenerator[Repository, None]:
        async with aclosing(self._github.search(query)) as pages:
            async for page in pages:
                for repository in page:
                    yield repository

    async def _save(self, repositories: Collection[Repository]) -> None:
        today = dt.datetime.fromtimestamp(self._clock(), dt.UTC).date().isoformat()
        await self._storage.save_observations(repositories, day=today)
        self._checkpoint("saved")


_POSTPONED: Final = (RateLimitError, BudgetSpentError)
