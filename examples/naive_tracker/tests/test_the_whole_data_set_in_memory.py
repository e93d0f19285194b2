"""All rows at once, and all of their JSON before them: `StorageService.repositories` yields a page at a time."""

import asyncio

import pytest

from naive_tracker.storage import Storage
from pytest_cfworkers.d1 import D1Database

ROWS = """
WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 20000)
INSERT INTO repositories (id, full_name, description, stars, forks, open_issues, archived)
SELECT number, 'owner/' || number, printf('%.400c', 'x'), number, 0, 0, 0 FROM numbers
"""


@pytest.mark.cf_limits(memory="16 MB")
def test_read_twenty_thousand_repositories(cf_d1: D1Database) -> None:
    async def run() -> None:
        await cf_d1.prepare(ROWS).run()
        assert len(await Storage(cf_d1).everything()) == 20_000

    asyncio.run(run())
