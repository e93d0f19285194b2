"""Repositories, their metrics and tiers, in D1."""

from collections.abc import AsyncGenerator, Iterable
from dataclasses import astuple, dataclass, fields
from typing import Any, Final

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

    async def save_observations(self, repositories: Iterable[Repository], *, day: str) -> int:
        """Save repositories, their metrics of a day and their tiers, in as few round trips as one of them takes.

        Args:
            repositories: What was seen.
            day: When, as a day in UTC such as `2026-11-24`.

        Returns:
            How many were saved.

        Raises:
            ServiceError: D1 refused. What earlier batches saved stays; saving all again is safe.
        """
        seen = list(repositories)
        return await self._save(
            "save_observations",
            (_UPSERT_REPOSITORIES, [astuple(repository) for repository in seen]),
            (_UPSERT_METRICS, [astuple(RepositoryMetrics.of(repository, day)) for repository in seen]),
            (_UPDATE_TIERS, [(repository.id, Tier.of(repository).value) for repository in seen]),
        )

    async def save_repositories(self, repositories: Iterable[Repository]) -> int:
        """Insert repositories, or update them if their ids are there.

        Args:
            repositories: What to save; all of it is prepared before the first is sent, so hand on a batch at a time.

        Returns:
            How many were saved.

        Raises:
            ServiceError: D1 refused. What earlier batches saved stays; saving all again is safe.
        """
        return await self._save("save_repositories", (_UPSERT_REPOSITORIES, [astuple(item) for item in repositories]))

    async def save_metrics(self, metrics: Iterable[RepositoryMetrics]) -> int:
        """Insert the metrics of days, or replace them.

        Args:
            metrics: What to save, of repositories that are stored.

        Returns:
            How many were saved.

        Raises:
            ServiceError: D1 refused, or a repository is not stored.
        """
        return await self._save("save_metrics", (_UPSERT_METRICS, [astuple(item) for item in metrics]))

    async def set_tiers(self, tiers: Iterable[tuple[int, Tier]]) -> int:
        """Put repositories into tiers. Those that are not stored are passed over.

        Args:
            tiers: The ids of repositories, each with its tier.

        Returns:
            How many were given.

        Raises:
            ServiceError: D1 refused.
        """
        return await self._save("set_tiers", (_UPDATE_TIERS, [(number, tier.value) for number, tier in tiers]))

    async def tracked(self, tier: Tier, *, after: int = 0, limit: int = 40) -> Page:
        """Return a page of a tier.

        Args:
            tier: Whose repositories.
            after: The cursor of the page before; 0 for the first page.
            limit: How many repositories a page has at most.

        Raises:
            ServiceError: D1 refused.
        """
        with self.operation("tracked"):
            rows = await self._rows(_TRACKED, tier.value, after, limit)
        items = [Tracked(**row) for row in rows]
        return Page(items=items, cursor=items[-1].id if len(items) == limit else None)

    async def repositories(self, *, page_size: int = 500) -> AsyncGenerator[list[Repository], None]:
        """Yield all repositories, a page at a time, in the order of their ids.

        A page is found by the last id of the page before, which an index answers; OFFSET would read all that it skips.

        Args:
            page_size: How many are read in one round trip.

        Raises:
            ServiceError: D1 refused.
        """
        after = 0
        while True:
            with self.operation("repositories"):
                rows = await self._rows(_REPOSITORIES, after, page_size)
            if rows:
                yield [Repository(**{**row, "archived": bool(row["archived"])}) for row in rows]
                after = rows[-1]["id"]
            if len(rows) < page_size:
                return

    async def _save(self, operation: str, *parts: tuple[str, list[tuple[Any, ...]]]) -> int:
        """Save rows, each list of them by the statement beside it, and return how many the first list has."""
        with self.operation(operation):
            statements = [statement for sql, rows in parts for statement in self.prepare_batch(sql, rows)]
            await self.db_batch(statements)
        return len(parts[0][1])

    async def _rows(self, sql: str, *values: object) -> list[Any]:
        result = await self.db_retry(self.env.DB.prepare(sql).bind(*values).all)
        rows: list[Any] = result["results"]
        return rows


def _upsert(table: str, columns: list[str], key: tuple[str, ...]) -> str:
    """Return a statement that inserts rows, or updates those whose keys are there."""
    updates = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in key)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES {{values}} "  # noqa: S608 - the names are our own
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {updates}"
    )


_COLUMNS: Final = [field.name for field in fields(Repository)]

_UPSERT_REPOSITORIES: Final = _upsert("repositories", _COLUMNS, ("id",))
_UPSERT_METRICS: Final = _upsert(
    "repository_metrics", [field.name for field in fields(RepositoryMetrics)], ("repository_id", "day")
)
_UPDATE_TIERS: Final = (
    "WITH given (id, tier) AS (VALUES {values}) "
    "UPDATE repositories SET tier = given.tier FROM given WHERE repositories.id = given.id"
)
_TRACKED: Final = "SELECT id, full_name, etag FROM repositories WHERE tier = ? AND id > ? ORDER BY id LIMIT ?"
_REPOSITORIES: Final = f"SELECT {', '.join(_COLUMNS)} FROM repositories WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 - our own names
