"""d1-queries: a statement for each row, where one batch would do. A batch counts once, whatever it holds."""

import asyncio

import pytest

from pytest_cfworkers.d1 import D1Database


async def load(database: D1Database, names: list[str]) -> list[object]:
    statement = database.prepare("SELECT stars FROM repos WHERE name = ?")
    return [await statement.bind(name).first("stars") for name in names]


@pytest.mark.cf_limits(d1_queries=50)
def test_stars_of_sixty_repositories(cf_d1: D1Database) -> None:
    async def run() -> list[object]:
        names = [f"repo-{number}" for number in range(60)]
        await cf_d1.exec("CREATE TABLE repos (name TEXT PRIMARY KEY, stars INTEGER)")
        insert = cf_d1.prepare("INSERT INTO repos VALUES (?, ?)")
        await cf_d1.batch([insert.bind(name, stars) for stars, name in enumerate(names)])
        return await load(cf_d1, names)

    assert asyncio.run(run()) == list(range(60))
