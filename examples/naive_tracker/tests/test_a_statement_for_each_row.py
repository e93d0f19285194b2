"""Four round trips for each repository, each of which counts: `StorageService` saves many in a batch."""

import asyncio

from conftest import listed

from naive_tracker.storage import Storage
from pytest_cfworkers.d1 import D1Database


def test_save_three_hundred_repositories(cf_d1: D1Database) -> None:
    asyncio.run(Storage(cf_d1).save_in_turn(listed(range(1, 301))))
