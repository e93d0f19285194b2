"""One statement of a text, compiled, with what the engine remembers about it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import apsw

from pytest_cfworkers.d1.connection import refusal
from pytest_cfworkers.d1.engine_limits import SQL_LENGTH
from pytest_cfworkers.d1.errors import Refused
from pytest_cfworkers.d1.limited_writes import RowKey, rewrite
from pytest_cfworkers.d1.rules import Acts, is_allowed_name
from pytest_cfworkers.d1.write_clauses import tail_of, without_limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_cfworkers.d1.rows import RowCounts
    from pytest_cfworkers.d1.rules import Authorizer

_RENAMES = re.compile(r"\brename\s+to\s+[\"'`\[]?(\w+)", re.IGNORECASE)
# A pragma that PyPI's apsw is built without and the runtime's SQLite with; its argument names a schema.
_OMITTED_PRAGMA = re.compile(r"\bpragma_default_cache_size\b(?:\s*\(\s*'([^']*)')?", re.IGNORECASE)
_SYNTAX = re.compile(r'near ".*": syntax error|incomplete input|unrecognized token', re.DOTALL)
_UNEQUAL = re.compile(r"\d+ columns assigned \d+ values")
_UNFINISHED = "incomplete input"
# ORDER BY and LIMIT are read here as they are behind an UPDATE or DELETE where SQLite knows them there.
_BEFORE_TAIL = "SELECT 1 "
_NO_STATEMENT = "SQL code did not contain a statement."


@dataclass(slots=True)
class Compiled:
    """What is known about a statement after compiling it.

    Attributes:
        sql: The text that SQLite gets.
        parameters: How many values it takes.
        columns: The names of its result's columns.
        acts: What it does.
        pure_read: It does nothing but read rows, so that it needs no transaction of its own.
        explains: It is an EXPLAIN.
        generation: The state of the schema for which this holds; -1 before it is known.
        counts: How many rows it reads and writes; None before it is known.
    """

    sql: str
    parameters: int = 0
    columns: list[str] = field(default_factory=list)
    acts: Acts = Acts.NONE
    pure_read: bool = False
    explains: bool = False
    generation: int = -1
    counts: RowCounts | None = None

    @property
    def cacheable(self) -> bool:
        """Whether SQLite may use a compiled form again.

        Pragmas act, and read, while they are compiled; EXPLAIN does not look whether the schema has changed since.
        """
        return not self.explains and Acts.PRAGMA not in self.acts


class Compiler:
    """Compiles statements without running them.

    Args:
        connection: Whose schema and rules hold.
        authorizer: The connection's authorizer, which notes what each statement does.
        key_of: Returns what names a row of a table or view.
    """

    def __init__(self, connection: apsw.Connection, authorizer: Authorizer, key_of: Callable[[str], RowKey]) -> None:
        self._authorizer = authorizer
        self._key_of = key_of
        self._cursor = connection.cursor()
        self._cursor.exec_trace = self._seen
        self._current = Compiled("")

    def compile(self, sql: str, length: int, generation: int, *, fresh: bool = False) -> Compiled:
        """Compile one statement.

        Args:
            sql: The statement.
            length: Bytes from the statement's start to the end of the whole text, which is what the limit
                counts.
            generation: The state of the schema.
            fresh: Compile anew, though SQLite has a compiled form of the same text.

        Returns:
            What is known about the statement.

        Raises:
            Refused: SQLite, or a rule of the platform, refuses it.
        """
        if length > SQL_LENGTH:
            raise Refused("statement too long: SQLITE_TOOBIG")
        try:
            current = self._compile(sql, fresh=fresh)
        except apsw.SQLError as error:
            current = self._without_limit(sql, error)
        except apsw.Error as error:
            raise self._refused(error) from None
        current.generation = generation
        return current

    def _compile(self, sql: str, *, fresh: bool) -> Compiled:
        current = self._current = Compiled(sql)
        authorizer = self._authorizer
        authorizer.acts, authorizer.refusal, authorizer.asked = Acts.NONE, None, False
        self._stop_before_first_step(sql, can_cache=not fresh)
        if not authorizer.asked:
            self._stop_before_first_step(sql, can_cache=False)
        if current.generation == -1:
            raise Refused(_NO_STATEMENT)
        current.acts = authorizer.acts
        current.pure_read = current.pure_read and current.acts is Acts.NONE
        if current.acts & Acts.SCHEMA and (renamed := _RENAMES.search(sql)) and not is_allowed_name(renamed[1]):
            raise Refused("not authorized: SQLITE_AUTH")
        return current

    def _without_limit(self, sql: str, error: apsw.SQLError) -> Compiled:
        """Compile an UPDATE or DELETE with LIMIT in other words, or raise what SQLite would say with LIMIT built in."""
        tail = tail_of(sql, _offset(error))
        head_error = None if tail is None else self._error_of(sql[:tail])
        if tail is None or str(head_error) == _UNFINISHED:
            raise self._refused(error, sql) from None
        tail_error = self._error_of(_BEFORE_TAIL + sql[tail:])
        if tail_error is not None and _SYNTAX.match(str(tail_error)):
            offset = _offset(tail_error)
            raise self._refused_at(tail_error, offset - len(_BEFORE_TAIL) + len(sql[:tail].encode())) from None
        if head_error is not None and _UNEQUAL.match(str(head_error)):
            raise self._refused(head_error) from None
        rewritten = rewrite(sql, self._key_of)
        if rewritten is None:
            raise self._unlimited(sql, head_error or error) from None
        try:
            return self._compile(rewritten.sql, fresh=False)
        except apsw.Error as other:
            raise self._refused_at(other, rewritten.original_offset(_offset(other), sql)) from None

    def _unlimited(self, sql: str, error: apsw.SQLError) -> Refused:
        """Return the error of a write that has nothing but an ORDER BY, or that cannot be put in other words."""
        verb = without_limit(sql)
        if verb is None or not str(error).startswith("near "):
            return self._refused(error, sql)
        return Refused(f"ORDER BY without LIMIT on {verb}: SQLITE_ERROR")

    def _error_of(self, sql: str) -> apsw.SQLError | None:
        """Return what SQLite has against a text."""
        try:
            self._compile(sql, fresh=False)
        except apsw.SQLError as error:
            return error
        except (apsw.Error, Refused):
            pass
        return None

    def _refused_at(self, error: apsw.Error, offset: int) -> Refused:
        """Return an error of a text of the engine's own, at its place in the user's text."""
        if _offset(error) >= 0:
            vars(error)["error_offset"] = offset
        return self._refused(error)

    def _refused(self, error: apsw.Error, sql: str = "") -> Refused:
        omitted = _OMITTED_PRAGMA.search(sql)
        if omitted and str(error).startswith("no such table: pragma_"):
            schema = omitted[1]
            known = schema is None or schema.lower() in ("main", "temp")
            return Refused("not authorized: SQLITE_AUTH" if known else f"unknown database '{schema}': SQLITE_ERROR")
        if self._authorizer.refusal and isinstance(error, apsw.AuthError):
            return Refused(self._authorizer.refusal)
        return refusal(error)

    def _stop_before_first_step(self, sql: str, *, can_cache: bool) -> None:
        with suppress(apsw.ExecTraceAbort):
            try:
                self._cursor.execute(sql, can_cache=can_cache)
            except apsw.BindingsError as error:
                # apsw wants the values before it shows the statement, and says how many.
                self._cursor.execute(sql, (None,) * _parameters(error), can_cache=can_cache)

    def _seen(self, cursor: apsw.Cursor, _sql: str, _bindings: object) -> bool:
        """Take down what only a compiled statement tells, and stop before its first step."""
        if cursor.has_vdbe:
            current = self._current
            current.columns = [column[0] for column in cursor.get_description()]
            current.parameters = cursor.bindings_count
            current.pure_read = cursor.is_readonly
            current.explains = cursor.is_explain > 0
            current.generation = 0
        return False


def _offset(error: apsw.Error) -> int:
    """Return the byte at which SQLite noticed an error; -1 where it does not say."""
    return int(getattr(error, "error_offset", -1))


def _parameters(error: apsw.BindingsError) -> int:
    stated = re.search(r"has (\d+) bindings", str(error))
    return int(stated[1]) if stated else 1
