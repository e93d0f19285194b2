"""The short way for statements that have been run before and hold no surprises.

A single statement that changes no schema, sets no pragma and cannot see the runtime's bookkeeping needs
neither to be split nor compiled again. This file runs it with as little around it as can be; everything else,
and everything that fails, takes the long way in `engine`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pytest_cfworkers.clock import SystemClock
from pytest_cfworkers.d1.javascript import SAFE_INTEGER
from pytest_cfworkers.d1.result import JsDict
from pytest_cfworkers.d1.rows import Linear
from pytest_cfworkers.d1.rules import Acts
from pytest_cfworkers.d1.store import CACHE_USED
from pytest_cfworkers.d1.values import WithBlob, from_database

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from pytest_cfworkers.d1.backend import Query, RawResult, Wire
    from pytest_cfworkers.d1.compiled import Compiled
    from pytest_cfworkers.d1.store import Store

_NO_ROWS: Final[list[Any]] = []
_NOTHING: Final = Linear(0, 0, 0)
NO_META: Final[dict[str, object]] = {}


class Ready(NamedTuple):
    """A statement that needs nothing but to be run.

    Attributes:
        sql: What SQLite gets.
        parameters: How many values it takes.
        columns: The names of its result's columns.
        pure_read: It needs no transaction.
        generation: The state of the schema for which this holds.
        frees: It may set pages free.
        read: How `rows_read` follows from rows and changes; None where that is not known.
        written: How `rows_written` does.
    """

    sql: str
    parameters: int
    columns: list[str]
    pure_read: bool
    generation: int
    frees: bool
    read: Linear | None
    written: Linear | None


class Meter:
    """What `meta` compares: the counters of a connection as the last statement left them.

    Args:
        store: The database.
    """

    __slots__ = ("clock", "last", "size", "store", "total")

    def __init__(self, store: Store) -> None:
        self.store: Store = store
        self.read()

    def read(self) -> None:
        """Look at the counters, and at the clock (in seconds), now."""
        connection = self.store.connection
        self.total: int = connection.total_changes()
        self.last: int = connection.last_insert_rowid()
        self.size: int = self.store.size()
        self.clock: float = SystemClock.perf_counter()


def make_ready(compiled: Compiled) -> Ready | None:
    """Return the short way for a compiled statement, or None if it has none."""
    if compiled.explains or compiled.acts & ~Acts.WRITES or not (compiled.pure_read or compiled.acts):
        return None
    counts = compiled.counts
    read, written = (None, None) if counts is None else (counts.read_linear, counts.written_linear)
    if not compiled.pure_read and (read is None or written is None):
        return None
    return Ready(
        sql=compiled.sql,
        parameters=compiled.parameters,
        columns=compiled.columns,
        pure_read=compiled.pure_read,
        generation=compiled.generation,
        frees=counts is None or counts.frees,
        read=read,
        written=written,
    )


def read_ready(ready: Ready, params: tuple[Wire, ...], cursor: apsw.Cursor) -> RawResult:
    """Run a reading statement of whose `meta` nobody will look at anything.

    Args:
        ready: The statement.
        params: Its values.
        cursor: What to run it with.

    Returns:
        The result, without `meta`.

    Raises:
        Exception: Whatever apsw raises; the caller takes the long way then.
    """
    rows = cursor.execute(ready.sql, params).fetchall()
    return ready.columns, from_database(rows) if rows else [], NO_META


def run_ready(
    ready: Ready, queries: Sequence[Query], cursor: apsw.Cursor, meter: Meter, results: list[RawResult]
) -> None:
    """Run a statement, and those behind it that have the same text, the short way.

    This is the loop that a batch of a hundred inserts spends its time in, so everything is in local names.

    Args:
        ready: The statement.
        queries: The request. What has no result yet is run, as long as it is this statement; the caller has
            seen to it that the first is.
        cursor: What to run it with; the caller has opened a transaction if one is needed.
        meter: The counters before the statement; afterwards, those behind it.
        results: Those of the request so far; one is added for each run.

    Raises:
        Exception: Whatever apsw raises; the caller takes the long way then.
    """
    store, connection, execute, add = meter.store, meter.store.connection, cursor.execute, results.append
    changes_now, rowid_now, status = connection.total_changes, connection.last_insert_rowid, connection.status
    clock_now = SystemClock.perf_counter
    sql, columns, frees = ready.sql, ready.columns, ready.frees and not ready.pure_read
    refuses_blobs = not store.blob_like.active
    total, last, size, clock = meter.total, meter.last, meter.size, meter.clock
    cache_used, safe, unsafe = store.cache_used, SAFE_INTEGER, -SAFE_INTEGER - 1
    text, rows = queries[len(results)][0], _NO_ROWS
    changes, count = -1, 0
    meta_of: dict[str, object] = {}  # made for so many changes and rows, and this size
    try:
        for query_text, params in queries[len(results) :]:
            if query_text != text or (refuses_blobs and type(params) is WithBlob):
                break
            execute(sql, params)
            if columns:
                rows = cursor.fetchall()
            if frees:
                store.size_changed()
                cache_used = -1
            started, clock = clock, clock_now()
            before, total = total, changes_now()
            last_before, last = last, rowid_now()
            size_before = size
            if status(CACHE_USED)[0] != cache_used:
                size, cache_used = store.size(), store.cache_used
            if total - before != changes or size != size_before or (columns and len(rows) != count):
                changes, count = total - before, len(rows)
                meta_of = _meta(ready, changes, count, size)
            meta_of["duration"] = (clock - started) * 1000
            meta_of["last_row_id"] = last if unsafe < last <= safe else float(last)
            if not changes:
                meta_of["changed_db"] = last != last_before or size != size_before
            # Filling in one dictionary and copying it is faster than making one.
            add((columns, from_database(rows) if rows else [], JsDict(meta_of)))
    finally:
        meter.total, meter.last, meter.size, meter.clock = total, last, size, clock


def _meta(ready: Ready, changes: int, count: int, size: int) -> dict[str, object]:
    """Return the `meta` of a run, as far as it follows from its changes, its rows and the size of the database."""
    read_one, read_rows, read_changes = ready.read or _NOTHING
    written_one, written_rows, written_changes = ready.written or _NOTHING
    return {
        "served_by": "miniflare.db",
        "duration": 0.0,
        "changes": changes,
        "last_row_id": 0,
        "changed_db": changes != 0,
        "size_after": size,
        "rows_read": read_one + read_rows * count + read_changes * changes,
        "rows_written": written_one + written_rows * count + written_changes * changes,
    }
