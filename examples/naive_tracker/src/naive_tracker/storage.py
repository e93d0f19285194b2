"""D1, spoken to as if it were in the same process."""

import asyncio
from typing import Any

from .github import Repository

_COLUMNS = "id, full_name, description, language, stars, forks, open_issues, archived, pushed_at"


class Storage:
    """Save and read repositories.

    Args:
        database: `env.DB`.
    """

    def __init__(self, database: Any) -> None:
        self._database = database

    async def save(self, repository: Repository, day: str = "2026-11-24") -> None:
        """Save one: look whether it is there, insert or update it, then its metrics, then its tier."""
        number = repository["id"]
        known = await self._database.prepare("SELECT id FROM repositories WHERE id = ?").bind(number).first("id")
        values = _values(repository)
        if known is None:
            marks = ", ".join("?" * len(values))
            await self._database.prepare(f"INSERT INTO repositories ({_COLUMNS}) VALUES ({marks})").bind(*values).run()
        else:
            columns = ", ".join(f"{name.strip()} = ?" for name in _COLUMNS.split(","))
            statement = self._database.prepare(f"UPDATE repositories SET {columns} WHERE id = ?")
            await statement.bind(*values, number).run()
        metrics = self._database.prepare("INSERT OR REPLACE INTO repository_metrics VALUES (?, ?, ?, ?, ?)")
        await metrics.bind(number, day, *values[4:7]).run()
        tier = "hot" if repository["stargazers_count"] > 10_000 else "cold"
        await self._database.prepare("UPDATE repositories SET tier = ? WHERE id = ?").bind(tier, number).run()

    async def save_in_turn(self, repositories: list[Repository]) -> None:
        """Save many, one after the other."""
        for repository in repositories:
            await self.save(repository)

    async def save_all(self, repositories: list[Repository]) -> None:
        """Save many, all at once."""
        await asyncio.gather(*(self.save(repository) for repository in repositories))

    async def stars_of(self, numbers: list[int]) -> dict[int, int]:
        """Read the stars of some, with a question mark for each."""
        marks = ", ".join("?" * len(numbers))
        statement = self._database.prepare(f"SELECT id, stars FROM repositories WHERE id IN ({marks})")
        result = await statement.bind(*numbers).all()
        return {row["id"]: row["stars"] for row in result["results"]}

    async def everything(self) -> list[Repository]:
        """Read all that there is."""
        result = await self._database.prepare("SELECT * FROM repositories ORDER BY id").all()
        return list(result["results"])


def _values(repository: Repository) -> list[Any]:
    return [
        repository["id"],
        repository["full_name"],
        repository["description"],
        repository["language"],
        repository["stargazers_count"],
        repository["forks_count"],
        repository["open_issues_count"],
        int(repository["archived"]),
        repository["pushed_at"],
    ]
