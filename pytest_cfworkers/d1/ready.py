"""The short way for statements that have been run before and hold no surprises.

A single statement that changes no schema, sets no pragma and cannot see the runtime's bookkeeping needs
neither to be split nor compiled again. This file runs it with as little around it as can be; everything else,
and everything that fails, takes the long way in `engine`.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_cfworkers.d1.backend import RawResult
from pytest_cfworkers.d1.javascript import SAFE_INTEGER
from pytest_cfworkers.d1.result import JsDict
from pytest_cfworkers.d1.rows import Linear
from pytest_cfworkers.d1.rules import Acts
from pytest_cfworkers.d1.values import from_database

if TYPE_CHECKING:
    import apsw

    from pytest_cfworkers.d1.backend import Wire
    from pytest_cfworkers.d1.compiled import Compiled
    from pytest_cfworkers.d1.store import Store

_NOTHING: Final = Linear(0, 0, 0)
NO_META: Final[dict[str, object]] = {}


class Ready(NamedTuple):
    """A statement that needs nothing but to be run.

    Attributes:
        sql: what SQLite gets.
        parameters: how many values it takes.
        columns: the names of its result's columns.
        pure_read: it needs no transaction.
        generation: the state of the schema for which this holds.
        frees: it may set pages free.
        read: how `rows_read` follows from rows and changes; None where that is not known.
        written: how `rows_written` does.
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
        store: the database.
    """

    __slots__ = ("_changes", "_rowid", "_size", "clock", "last", "size", "store", "total")

    def __init__(self, store: Store) -> None:
        self.store = store
        # Bound once, because a batch reads them after each statement.
        self._changes = store.connection.total_changes
        self._rowid = store.connection.last_insert_rowid
        self._size = store.size
        self.read()

    def read(self) -> None:
        """Look at the counters, and at the clock (in seconds), now."""
        self.total = self._changes()
        self.last = self._rowid()
        self.size = self._size()
        self.clock = perf_counter()


def make_ready(compiled: Compiled) -> Ready | None:
    """Return the short way for a compiled statement, or None if it has none."""
    if compiled.acts & ~Acts.WRITES or not (compiled.pure_read or compiled.acts):
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
        ready: the statement.
        params: its values.
        cursor: what to run it with.

    Returns:
        The result, without `meta`.

    Raises:
        Exception: whatever apsw raises; the caller takes the long way then.
    """
    rows = cursor.execute(ready.sql, params).fetchall()
    return RawResult(ready.columns, from_database(rows) if rows else [], NO_META)


def run_ready(ready: Ready, params: tuple[Wire, ...], cursor: apsw.Cursor, meter: Meter) -> RawResult:
    """Run a statement the short way.

    Args:
        ready: the statement.
        params: its values.
        cursor: what to run it with; the caller has opened a transaction if one is needed.
        meter: the counters before the statement; afterwards, those behind it.

    Returns:
        The result.

    Raises:
        Exception: whatever apsw raises; the caller takes the long way then.
    """
    started, total, last, size = meter.clock, meter.total, meter.last, meter.size
    rows = cursor.execute(ready.sql, params).fetchall()
    if ready.frees and not ready.pure_read:
        meter.store.size_changed()
    meter.read()
    changes = meter.total - total
    changed = changes != 0 or meter.last != last or meter.size != size
    last = meter.last
    reads, writes = ready.read or _NOTHING, ready.written or _NOTHING
    meta = JsDict(
        served_by="miniflare.db",
        duration=(meter.clock - started) * 1000,
        changes=changes,
        last_row_id=last if -SAFE_INTEGER <= last <= SAFE_INTEGER else float(last),
        changed_db=changed,
        size_after=meter.size,
        rows_read=reads.one + reads.rows * len(rows) + reads.changes * changes,
        rows_written=writes.one + writes.rows * len(rows) + writes.changes * changes,
    )
    return RawResult(ready.columns, from_database(rows) if rows else [], meta)
