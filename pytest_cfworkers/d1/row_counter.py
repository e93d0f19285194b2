"""Watches statements run, and counts the rows that they read and write."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import apsw

from pytest_cfworkers.d1.alterations import alteration_counts
from pytest_cfworkers.d1.rows import NOTHING, REPORTS, RowCounts, evaluate, event, row_counts
from pytest_cfworkers.d1.rules import Acts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_cfworkers.d1.compiled import Compiled
    from pytest_cfworkers.d1.store import Store

_kept: dict[tuple[tuple[Any, ...], ...], RowCounts] = {}
_KEPT = 4096
_BLOB_LITERAL = re.compile(r"(?<![\w'])x'[0-9a-f]*'", re.IGNORECASE)


class RowCounter:
    """Counts rows on one connection.

    Args:
        store: Whose connection it is.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cursor = store.connection.cursor()

    @contextmanager
    def watching(self, counts: RowCounts) -> Iterator[dict[str, int]]:
        """Take down what SQLite reports about the statement that runs in the block.

        Args:
            counts: What is needed of it.

        Yields:
            The reports, by the names of `REPORTS`; filled when the statement has ended.
        """
        status = {"one": 1}
        connection = self._store.connection

        def note(ended: dict[str, Any]) -> None:
            reported = ended["stmt_status"]
            for name, official in REPORTS.items():
                status[name] = reported[official]

        def note_change(change: apsw.PreUpdate) -> None:
            name = event(change.op, change.table_name)
            status[name] = status.get(name, 0) + 1

        if counts.needs_status:
            connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, note)
        if counts.needs_events:
            connection.preupdate_hook(note_change)
        try:
            yield status
        finally:
            if counts.needs_status:
                connection.trace_v2(0, None)
            if counts.needs_events:
                connection.preupdate_hook(None)

    def evaluate(self, counts: RowCounts, status: dict[str, int]) -> tuple[int, int]:
        """Return the rows read and written by a statement that has run.

        Args:
            counts: How they follow from the reports.
            status: The reports.
        """
        counted = sum(self._table_rows(root) for root in counts.counted_roots)
        read, written = evaluate(counts, status)
        return read + counted, written

    def counts(self, compiled: Compiled) -> RowCounts:
        """Return how the numbers of a statement follow from what SQLite reports."""
        if Acts.SCHEMA in compiled.acts and (counts := alteration_counts(compiled.sql, self._store)) is not None:
            return counts
        if compiled.counts is None:
            compiled.counts = self._work_out(compiled)
        return compiled.counts

    def _work_out(self, compiled: Compiled) -> RowCounts:
        if compiled.explains or Acts.PRAGMA in compiled.acts:
            return NOTHING
        store = self._store
        store.authorizer.trusted = True
        try:
            sql = _BLOB_LITERAL.sub("x'00'", compiled.sql)  # EXPLAIN would show it as text
            values = (None,) * compiled.parameters
            # Never a compiled form from before: EXPLAIN does not look whether the tables that it names are still there.
            program = tuple(self._cursor.execute(sql, values, explain=1, can_cache=False).fetchall())
        except (apsw.Error, UnicodeDecodeError):
            self._cursor.close(force=True)
            self._cursor = store.connection.cursor()
            return NOTHING
        finally:
            store.authorizer.trusted = False
        counts = _kept.get(program)
        if counts is None:
            if len(_kept) >= _KEPT:
                _kept.clear()
            counts = _kept[program] = row_counts(list(program))
        return counts

    def _table_rows(self, root: int) -> int:
        name = self._store.run_own("SELECT tbl_name FROM sqlite_schema WHERE rootpage = ?", (root,))
        if not name:
            return 0
        table = str(name[0][0]).replace('"', '""')
        return int(self._store.run_own(f'SELECT count(*) FROM "{table}"')[0][0])  # type: ignore[arg-type]  # noqa: S608
