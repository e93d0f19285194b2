"""What the Worker does: fetch, store, refresh."""

import datetime as dt
import time
from collections.abc import AsyncGenerator, Callable, Collection, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from repo_tracker.budget import BudgetSpentError
from repo_tracker.github import GitHubService, is_transient
from repo_tracker.logs import Log, log
from repo_tracker.models import Repository, Tier
from repo_tracker.scheduler import Progress
from repo_tracker.storage import StorageService
from repo_tracker.stream import StreamProcessor, StreamReport

STEP: Final = 40
"""Repositories refreshed in one invocation: the free plan has 50 subrequests, and some of them will be retries."""

PAUSE: Final = 60.0
"""Seconds to the next step after one that brought nothing forward: without it, a GitHub that is down is asked for
the same forty repositories over and over."""


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


class NameTakenOverError(Exception):
    """The name of a tracked repository is that of another one now.

    Attributes:
        number: GitHub's number of the other one.
    """

    def __init__(self, name: str, number: int) -> None:
        super().__init__(f"{name} is another repository now, number {number}")
        self.number = number


class RepoTracker:
    """Fetch repositories and store them; one for each invocation.

    Args:
        github: Where they come from.
        storage: Where they go to.
        stream: How much is in memory at once.
        checkpoint: Is told what was done.
        count: Is told how many repositories had their turn, and for how many of them GitHub or the network failed.
        clock: Returns seconds since 1970.
        log: Where it is told what a refresh could not fetch.
    """

    def __init__(
        self,
        github: GitHubService,
        storage: StorageService,
        *,
        stream: StreamProcessor[Repository] | None = None,
        checkpoint: Callable[[str], object] = lambda _: None,
        count: Callable[[int, int], object] = lambda *_: None,
        clock: Callable[[], float] = time.time,
        log: Log = log,
    ) -> None:
        self._github = github
        self._storage = storage
        self._stream = stream or StreamProcessor()
        self._checkpoint = checkpoint
        self._count = count
        self._clock = clock
        self._log = log

    async def track(self, names: Iterable[str]) -> Outcome:
        """Fetch repositories by name and store them, with their tier and the metrics of today.

        Args:
            names: `owner/name` of each.

        Raises:
            ServiceError: They could not be stored.
        """
        return await self._fetch_and_save(names, etags={})

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

        What GitHub or the budget left no room for is where the next step starts. What failed otherwise is told, and
        stays as it is stored until the next round.

        Args:
            tier: Which tier.
            cursor: The id after which to start.

        Raises:
            ServiceError: D1 failed; nothing is lost, and the same step may run again.
        """
        page = await self._storage.tracked(tier, after=cursor, limit=STEP)
        self._checkpoint("listed")
        outcome = await self._fetch_and_save(
            [item.full_name for item in page.items],
            etags={item.full_name: item.etag for item in page.items},
            whose={(item.full_name, item.id) for item in page.items},
        )
        postponed = {name: error for name, error in outcome.failed.items() if _is_for_later(error)}
        for name, error in outcome.failed.items():
            if name not in postponed:
                self._log("not refreshed", tier=tier, name=name, error=error)
        if not postponed:
            return Progress(cursor=page.cursor)
        first = min(item.id for item in page.items if item.full_name in postponed)
        waits = [_seconds_asked_for(error) or 0.0 for error in postponed.values()]
        if first == page.items[0].id:
            waits.append(PAUSE)
        reasons = sorted({f"{type(error).__name__}: {error}" for error in postponed.values()})
        self._log("postponed", tier=tier, repositories=len(postponed), seconds=max(waits), reasons=reasons)
        return Progress(cursor=first - 1, not_before=max(waits))

    async def _fetch_and_save(
        self, names: Iterable[str], *, etags: dict[str, str | None], whose: set[tuple[str, int]] | None = None
    ) -> Outcome:
        answer = await self._github.get_repositories(names, etags=etags)
        for name, repository in list(answer.fetched.items()):
            if whose is not None and (name, repository.id) not in whose:
                del answer.fetched[name]
                answer.failed[name] = NameTakenOverError(name, repository.id)
        self._checkpoint("fetched")
        # What has to wait has not had its turn, and what is gone is an answer.
        turns = [error for error in answer.failed.values() if not _is_for_later(error)]
        self._count(len(answer.fetched) + len(answer.unchanged) + len(turns), sum(map(is_transient, turns)))
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


def _is_for_later(error: Exception) -> bool:
    return isinstance(error, BudgetSpentError) or (is_transient(error) and _seconds_asked_for(error) is not None)


def _seconds_asked_for(error: Exception) -> float | None:
    """Return how long GitHub asks for quiet, in seconds; None where it does not."""
    return getattr(error, "retry_after", None)
