"""Repositories, their metrics and tiers, in D1."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from repo_tracker.models import Repository, RepositoryMetrics, Tier, Tracked
from repo_tracker.service import BaseService


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of what is tracked, in the order of the ids.

    Attributes:
        items: The repositories of the page.
        cursor: Where the next page starts; None after the last one.
    """

    items: list[Tracked]
    cursor: int | None


class StorageService(BaseService):
    """Save and read what is tracked. Saving twice is the same as saving once, so each save may be sent again."""

    async def save_repositories(self, repositories: Iterable[Repository]) -> int:
        """Insert repositories, or update them if their ids are there.

        Returns:
            How many were saved.

        Raises:
            ServiceError: D1 refused. What earlier batches saved stays; saving all again is safe.
        """
        raise NotImplementedError

    async def save_metrics(self, metrics: Iterable[RepositoryMetrics]) -> int:
        """Insert the metrics of days, or replace them.

        Returns:
            How many were saved.

        Raises:
            ServiceError: D1 refused, or a repository is not stored.
        """
        raise NotImplementedError

    async def set_tiers(self, tiers: Iterable[tuple[int, Tier]]) -> None:
        """Put repositories, by their ids, into tiers. Ids that are not stored are passed over.

        Raises:
            ServiceError: D1 refused.
        """
        raise NotImplementedError

    async def tracked(self, tier: Tier, *, after: int = 0, limit: int = 40) -> Page:
        """Return a page of a tier.

        Args:
            tier: Whose repositories.
            after: The cursor of the page before; 0 for the first page.
            limit: How many repositories a page has at most.

        Raises:
            ServiceError: D1 refused.
        """
        raise NotImplementedError

    async def repositories(self, *, page_size: int = 500) -> AsyncIterator[list[Repository]]:
        """Yield all repositories, a page at a time, in the order of their ids.

        Pages are found by the last id of the page before, which an index answers; OFFSET would read all that it skips.

        Args:
            page_size: How many are read in one round trip.

        Raises:
            ServiceError: D1 refused.
        """
        raise NotImplementedError
        yield []
