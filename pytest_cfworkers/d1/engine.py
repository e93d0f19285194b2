"""The in-process D1: runs requests on SQLite as the runtime does."""

from __future__ import annotations

import os
import secrets
import threading
from typing import TYPE_CHECKING

import apsw

from pytest_cfworkers.clock import SystemClock
from pytest_cfworkers.d1.backend import Answer
from pytest_cfworkers.d1.bookkeeping import Bookkeeping
from pytest_cfworkers.d1.connection import MEMORY, refusal
from pytest_cfworkers.d1.damaged_text import clean, fetch_damaged
from pytest_cfworkers.d1.errors import Refused
from pytest_cfworkers.d1.programs import Programs
from pytest_cfworkers.d1.ready import Meter, make_ready, read_ready, run_ready
from pytest_cfworkers.d1.rows import NOTHING
from pytest_cfworkers.d1.rules import Acts
from pytest_cfworkers.d1.scans import scanned_tables
from pytest_cfworkers.d1.splitting import holds_statement
from pytest_cfworkers.d1.store import Store
from pytest_cfworkers.d1.values import WithBlob, from_database, from_sqlite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_cfworkers.d1.backend import Query, RawResult, RequestKind, Wire
    from pytest_cfworkers.d1.compiled import Compiled
    from pytest_cfworkers.d1.engine_limits import LimitSet
    from pytest_cfworkers.d1.program import Program
    from pytest_cfworkers.d1.ready import Ready

_STATE_VIOLATED = (
    "Durable Object was reset and rolled back to its last known good state because the application left the "
    "database in a state where constraints were violated: "
)
# After these SQLite has rolled back by itself and the runtime shows the bare text.
# https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction (checked 2026-11-24)
_CRITICAL = (apsw.FullError, apsw.IOError, apsw.NoMemError, apsw.InterruptError)

# Requests of one query, and requests of which somebody may look at `rows_read` and `rows_written`.
_OF_ONE = frozenset({"query", "rows"})
_COUNTED = frozenset({"query", "batch"})


class Engine:
    """A D1 database in this process.

    Args:
        path: A file, or `":memory:"`.
        limits: `"documented"` or `"local"`.
        image: The content of a database in memory; see `snapshot`.

    Raises:
        ValueError: `limits` is neither, or the path is empty.
        DatabaseFileError: The file cannot be used.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] = MEMORY,
        *,
        limits: LimitSet = "documented",
        image: bytes | None = None,
    ) -> None:
        if limits not in ("documented", "local"):
            raise ValueError(f"limits is {limits!r}; it takes 'documented' or 'local'")
        if not os.fspath(path):
            raise ValueError("path is ''; it takes the path of a file, or ':memory:'")
        self.store: Store = Store(os.fspath(path), limits, image)
        self._bookkeeping = Bookkeeping(self.store)
        self._programs = Programs(self.store, self._bookkeeping)
        self._cursor = self.store.connection.cursor()
        self._scanned: dict[str, tuple[str, ...]] = {}
        self._turn = threading.Lock()

    def scanned_tables(self, sql: str) -> tuple[str, ...]:
        """Return the tables that a statement reads whole, without an index; worked out once for each text."""
        if sql not in self._scanned:
            with self._turn:
                self._scanned[sql] = scanned_tables(self.store.connection, sql)
        return self._scanned[sql]

    def image(self) -> bytes:
        """Return the content of the database, as of its last request."""
        with self._turn:
            return self.store.image()

    async def send(self, kind: RequestKind, queries: Sequence[Query]) -> Answer:
        """Answer a request; see `Backend.send`."""
        return self.answer(kind, queries)

    def answer(self, kind: RequestKind, queries: Sequence[Query]) -> Answer:
        """Answer a request at once.

        Args:
            kind: Which method asked.
            queries: The statements.

        Returns:
            One result for each query that holds a statement, and a bookmark.

        Raises:
            Refused: SQLite or a rule refused; nothing of the request remains.
        """
        with self._turn:  # a request is one turn of the Durable Object, whichever thread or loop it comes from
            return self._answer(kind, queries)

    def _answer(self, kind: RequestKind, queries: Sequence[Query]) -> Answer:
        counted = kind in _COUNTED
        if kind in _OF_ONE:
            result = self._read_shortly(queries[0], counted=counted)
            if result is not None:
                return Answer([result], self._bookkeeping.note_request())
        elif kind == "dump":
            return Answer([], None)
        queries = self._with_statement(queries)
        meter = Meter(self.store)
        self.store.begin()
        results: list[RawResult] = []
        try:
            while len(results) < len(queries):
                sql, params = queries[len(results)]
                ready = self._programs.ready.get(sql)
                if ready is not None and self._programs.holds(ready, params, counted=counted):
                    self._run_shortly(ready, queries, meter, results)
                else:
                    results.append(self._run(sql, params, meter, counted=counted))
        except BaseException as error:
            if not self._roll_back():
                raise self._died(error) from None
            if isinstance(error, Refused):
                error.position = len(results)
                if error.__cause__ is not None and self._programs.writes(queries[error.position][0]):
                    self._bookkeeping.note_refused_write()
            raise
        self._commit()
        return Answer(results, self._bookkeeping.note_request())

    def _with_statement(self, queries: Sequence[Query]) -> Sequence[Query]:
        """Return the queries whose text holds a statement."""
        known = self._programs.ready.keys() >= {sql for sql, _ in queries}
        if not known:
            queries = [query for query in queries if holds_statement(query[0])]
        if not queries:
            raise Refused("No SQL statements detected.")
        if not known:
            self._bookkeeping.expect(queries)
        return queries

    def _read_shortly(self, query: Query, *, counted: bool) -> RawResult | None:
        sql, params = query
        ready = self._programs.ready.get(sql)
        if ready is None or not ready.pure_read or not self._programs.holds(ready, params, counted=counted):
            return None
        try:
            if not counted:
                return read_ready(ready, params, self._cursor)
            results: list[RawResult] = []
            run_ready(ready, (query,), self._cursor, Meter(self.store), results)
            return results[0]
        except (apsw.Error, UnicodeError):
            return None  # the long way tells it in the runtime's words

    def _run_shortly(self, ready: Ready, queries: Sequence[Query], meter: Meter, results: list[RawResult]) -> None:
        try:
            run_ready(ready, queries, self._cursor, meter, results)
        except (UnicodeError, apsw.BindingsError):
            results.append(self._run(*queries[len(results)], meter, counted=True))
        except apsw.SQLError as error:
            raise self._programs.of(queries[len(results)][0]).located(refusal(error)) from error
        except apsw.Error as error:
            raise refusal(error) from error

    def _roll_back(self) -> bool:
        """Undo what the request did; returns False if nothing but a reset does that."""
        try:
            return self.store.roll_back()
        except apsw.BusyError:  # a leading statement that writes still stands on a row
            return False

    def _commit(self) -> None:
        try:
            self.store.commit()
        except apsw.ConstraintError as error:
            self._reset()
            raise Refused(_STATE_VIOLATED + refusal(error).reason, kind="reset") from None
        except apsw.Error:
            self._reset()
            raise _internal_error() from None

    def _died(self, error: BaseException) -> BaseException:
        """Return the error of a request whose transaction SQLite has ended itself; the object dies."""
        self._reset()
        if not isinstance(error, Refused):
            return error
        if isinstance(error.__cause__, _CRITICAL):
            return Refused(error.reason, kind="reset")
        return _internal_error()

    def _reset(self) -> None:
        self._programs.forget()
        self.store.reset()
        self._bookkeeping.forget()
        self._cursor = self.store.connection.cursor()

    def _run(self, sql: str, params: tuple[Wire, ...], meter: Meter, *, counted: bool) -> RawResult:
        started = SystemClock.perf_counter()
        store, books = self.store, self._bookkeeping
        last, size, total = meter.last, meter.size, meter.total - books.written
        program = self._programs.of(sql)
        try:
            compiled = program.prepare(len(params))
        finally:
            self._programs.settle(sql, program)
        counts = store.row_counter.counts(compiled) if counted else NOTHING
        if program.is_single and (ready := make_ready(compiled)) is not None:
            self._programs.ready[sql] = ready
        before = store.connection.total_changes() - books.written
        with store.row_counter.watching(counts) as status:
            rows = self._execute(program, compiled, params)
        store.size_changed()
        meter.read()
        after = meter.total - books.written
        status |= {"rows": len(rows), "changes": after - before}
        read, written = store.row_counter.evaluate(counts, status)
        return (
            compiled.columns,
            from_database(rows) if rows else [],
            {
                "served_by": "miniflare.db",
                "duration": (SystemClock.perf_counter() - started) * 1000,
                "changes": after - total,
                "last_row_id": from_sqlite(meter.last),
                "changed_db": after != total or meter.last != last or meter.size != size,
                "size_after": meter.size,
                "rows_read": read,
                "rows_written": written,
            },
        )

    def _execute(
        self, program: Program, compiled: Compiled, params: tuple[Wire, ...]
    ) -> list[tuple[apsw.SQLiteValue, ...]]:
        if compiled.acts & Acts.COUNTS_CHANGES:
            self._bookkeeping.settle()
        store = self.store
        if not store.blob_like.active and type(params) is WithBlob:
            store.blob_like.activate()
        try:
            rows = self._fetch(compiled, params)
        except apsw.SQLError as error:
            raise program.located(refusal(error)) from error
        except apsw.Error as error:
            raise refusal(error) from error
        store.note_acts(compiled.acts)
        if Acts.PRAGMA in compiled.acts:
            store.blob_like.follow_pragma(compiled.sql)
        if compiled.columns == ["data_version"] and store.path == MEMORY:
            # A database in memory starts with version 1, a file, which the runtime has, with version 2.
            return [tuple([value + 1 if type(value) is int else value for value in row]) for row in rows]
        return rows

    def _fetch(self, compiled: Compiled, params: tuple[Wire, ...]) -> list[tuple[apsw.SQLiteValue, ...]]:
        try:
            return self._cursor.execute(compiled.sql, params, can_cache=compiled.cacheable).fetchall()
        except UnicodeEncodeError:
            return self._fetch(compiled, clean(params))
        except UnicodeDecodeError:
            self._cursor.close(force=True)
            self._cursor = self.store.connection.cursor()
            return fetch_damaged(self.store.connection, compiled.sql, params, len(compiled.columns))


def _internal_error() -> Refused:
    """Return what the runtime says when it does not say what happened."""
    return Refused(f"internal error; reference = {secrets.token_hex(12)}", kind="reset")
