"""The runtime's own writes, as far as a user's statements can see them.

After each request that succeeds, workerd without a cloud behind it keeps a bookmark in a table of its own:
`last_insert_rowid()` becomes 2 the first time, the database grows by a page, and each time `changes()`
becomes 1 and `total_changes()` grows by one.
https://github.com/cloudflare/workerd/blob/main/src/workerd/util/sqlite-metadata.c++ (checked 2026-11-24)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_cfworkers.d1.backend import Query
    from pytest_cfworkers.d1.store import Store

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS _cf_METADATA (\n        key INTEGER PRIMARY KEY,\n        value BLOB\n      )"
)
_UPSERT: Final = "INSERT INTO _cf_METADATA VALUES(2, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
_READ: Final = "SELECT value FROM _cf_METADATA WHERE key = 2"
_NO_CHANGE: Final = "UPDATE _cf_METADATA SET value = value WHERE 0"
_SHOWS_OR_SEVERAL: Final = re.compile(r"changes|fail|;\s*\S", re.IGNORECASE)
_BOOKMARK: Final = "00000000-%08x-00000000-00000000000000000000000000000000"


class Bookkeeping:
    """Counts requests and writes their bookmark, the first at once and later ones when somebody could see it.

    Args:
        store: The database.

    Attributes:
        written: How many rows the bookkeeping itself has changed on this connection.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._count = 0
        self._owed = 0
        self._has_table = False
        self.written: int = 0

    def note_request(self) -> str:
        """Take down that a request has succeeded, and return the new bookmark."""
        if not self._has_table:
            self._start()
        else:
            self._owed += 1
        self._count += 1
        return _BOOKMARK % self._count

    def _start(self) -> None:
        store = self._store
        store.run_own(_TABLE)
        kept = store.run_own(_READ)
        self._count = int(kept[0][0] or 0) if kept else 0
        store.run_own(_UPSERT, (self._count + 1,))
        self.written += 1
        self._has_table = True
        store.generation += 1

    def expect(self, queries: Sequence[Query]) -> None:
        """Make up for the writes before a request that may write and then show `changes()`, or leave it behind.

        Args:
            queries: The statements of the request.
        """
        if self._owed and (len(queries) > 1 or _SHOWS_OR_SEVERAL.search(queries[0][0])):
            self.settle()

    def note_refused_write(self) -> None:
        """Take down that a write was refused, which leaves `changes()` at 0 and no bookmark that makes it 1."""
        if self._owed and not self._store.connection.changes():
            self.settle()
            self._store.run_own(_NO_CHANGE)

    def settle(self) -> None:
        """Make up for the writes that nobody could see so far."""
        for number in range(self._owed):
            self._store.run_own(_UPSERT, (self._count - self._owed + number + 1,))
        self.written += self._owed
        self._owed = 0

    def forget(self) -> None:
        """Start anew with the object behind the database."""
        self._has_table = False
        self._owed = 0
        self.written = 0
