"""A statement of D1 has a hundred question marks at most: `json_each(?)` takes any number of values in one."""

import asyncio

from naive_tracker.storage import Storage
from pytest_cfworkers.d1 import D1Database


def test_stars_of_a_hundred_and_one_repositories(cf_d1: D1Database) -> None:
    asyncio.run(Storage(cf_d1).stars_of(list(range(101))))
