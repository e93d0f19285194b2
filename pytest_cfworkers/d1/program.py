"""A text of one or several statements, and how the runtime runs it again.

The first time, the runtime compiles one statement after the other and runs each before it compiles the next.
It keeps all of them. The next time it runs the leading ones again, one step each; one that still stands on a
row of its last run fails then, and is free the time after.
https://github.com/cloudflare/workerd/blob/main/src/workerd/util/sqlite.c++ (checked 2026-11-24)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from pytest_cfworkers.d1.blob_like import may_make_blob
from pytest_cfworkers.d1.connection import refusal
from pytest_cfworkers.d1.damaged_text import without_surrogates
from pytest_cfworkers.d1.errors import Refused
from pytest_cfworkers.d1.rules import Acts
from pytest_cfworkers.d1.splitting import split_statements

if TYPE_CHECKING:
    from pytest_cfworkers.d1.bookkeeping import Bookkeeping
    from pytest_cfworkers.d1.compiled import Compiled
    from pytest_cfworkers.d1.store import Store


class Program:
    """The statements of one text.

    Args:
        sql: The text.
        store: The database.
        bookkeeping: Settled before a statement that can see it.
    """

    __slots__ = ("_bookkeeping", "_compiled", "_leading", "_length", "_standing", "_store", "last", "ran")

    def __init__(self, sql: str, store: Store, bookkeeping: Bookkeeping) -> None:
        if not sql.isascii():
            sql = without_surrogates(sql)
        *self._leading, last = split_statements(sql)
        self._length = len(sql.encode()) if self._leading or len(sql) > _SURELY_SHORT else 0
        self._store = store
        self._bookkeeping = bookkeeping
        self._standing: dict[int, apsw.Cursor] = {}
        self._compiled: Compiled | None = None
        self.last: str = last
        self.ran: bool = False

    @property
    def is_single(self) -> bool:
        """Whether the text is one statement."""
        return not self._leading

    @property
    def writes(self) -> bool:
        """Whether its last statement changes rows."""
        return self._compiled is not None and Acts.WRITES in self._compiled.acts

    def prepare(self, values: int) -> Compiled:
        """Run everything that leads, and compile the last statement.

        Args:
            values: How many values are bound.

        Returns:
            The last statement, compiled.

        Raises:
            Refused: One of the statements was refused, or the last one takes another number of values.
        """
        if self._leading:
            for position, sql in enumerate(self._leading):
                if self.ran:
                    self._lead_again(position, sql)
                else:
                    self._lead(position, sql)
        known = self._compiled
        if known is not None and known.parameters != values:
            # Counted before the schema is looked at again.
            raise Refused(_WRONG_NUMBER)
        if known is None or known.generation != self._store.generation or not known.cacheable:
            known = self._compiled = self._compile(self.last, fresh=known is not None)
        self.ran = True
        if known.parameters != values:
            raise Refused(_WRONG_NUMBER)
        return known

    def located(self, refused: Refused, sql: str | None = None) -> Refused:
        """Return an error of a statement with the offset that compiling it anew gives.

        SQLite compiles a statement again when the schema has changed, and apsw loses the offset of that.

        Args:
            refused: The error.
            sql: The statement; None for the last one.
        """
        try:
            self._compile(self.last if sql is None else sql, fresh=True)
        except Refused as fresh:
            if fresh.reason.startswith(refused.reason.partition(":")[0]):
                return fresh
        return refused

    def release(self) -> None:
        """Let go of statements that still stand on a row."""
        for cursor in self._standing.values():
            cursor.close(force=True)
        self._standing.clear()

    def _compile(self, sql: str, *, fresh: bool = False) -> Compiled:
        store = self._store
        if not store.blob_like.active and may_make_blob(sql):
            store.blob_like.activate()
        return store.compiler.compile(sql, self._length, store.generation, fresh=fresh)

    def _lead(self, position: int, sql: str) -> None:
        compiled = self._compile(sql)
        self._length -= len(sql.encode())
        if compiled.parameters:
            raise Refused(
                "When executing multiple SQL statements in a single call, only the last statement can have parameters."
            )
        self._step(compiled, position, keep=True)

    def _lead_again(self, position: int, sql: str) -> None:
        standing = self._standing.pop(position, None)
        if standing is not None:
            standing.close(force=True)
            raise Refused("A SQL prepared statement can only be executed once at a time.")
        self._step(self._compile(sql), position, keep=False)

    def _step(self, compiled: Compiled, position: int, *, keep: bool) -> None:
        store = self._store
        if compiled.acts & Acts.COUNTS_CHANGES:
            self._bookkeeping.settle()
        cursor = store.connection.cursor()
        try:
            cursor.execute(compiled.sql, can_cache=compiled.cacheable)
            if keep and cursor.fetchone() is not None:
                self._standing[position] = cursor
                return
        except apsw.SQLError as error:
            raise self.located(refusal(error), compiled.sql) from error
        except apsw.Error as error:
            raise refusal(error) from error
        finally:
            if position not in self._standing:
                cursor.close(force=True)
        store.note_acts(compiled.acts)


_WRONG_NUMBER = "Wrong number of parameter bindings for SQL query."

# A text of so many characters cannot reach the limit in bytes, whatever they are.
_SURELY_SHORT = 25_000
