"""A round trip to D1 holds a connection, too: a batch holds one, whatever it carries."""

import asyncio

from conftest import listed

from naive_tracker.storage import Storage
from pytest_cfworkers.d1 import D1Database


def test_save_twenty_repositories_at_once(cf_d1: D1Database) -> None:
    asyncio.run(Storage(cf_d1).save_all(listed(range(1, 21))))
