"""internal-subrequests: each call of a Cloudflare service counts, and D1 is one."""

import asyncio

import pytest

from pytest_cfworkers.d1 import D1Database


async def save(database: D1Database, names: list[str]) -> None:
    for name in names:
        await database.prepare("INSERT INTO repos (name) VALUES (?)").bind(name).run()


@pytest.mark.cf_limits(plan="free", internal_subrequests=20, d1_queries=None)
def test_save_thirty_repositories(cf_d1: D1Database) -> None:
    async def run() -> None:
        await cf_d1.exec("CREATE TABLE repos (name TEXT)")
        await save(cf_d1, [f"repo-{number}" for number in range(30)])

    asyncio.run(run())
