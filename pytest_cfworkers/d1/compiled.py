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
from pytest_cfworkers.d1.rules import Acts

if TYPE_CHECKING:
    from pytest_cfworkers.d1.rules import Authorizer


@dataclass(slots=True)
class Compiled:
    """What is known about a statement after compiling it.

    Attributes:
        sql: the statement's own text.
        parameters: how many values it takes.
        columns: the names of its result's columns.
        acts: what it does.
        pure_read: it neither writes nor reads anything but rows, so that it needs no transaction of its own.
        generation: the state of the schema for which this holds.
    """

    sql: str
    parameters: int = 0
    columns: list[str] = field(default_factory=list)
    acts: Acts = Acts.NONE
    pure_read: bool = False
    generation: int = -1


class Compiler:
    """Compiles statements without running them.

    Args:
        connection: whose schema and rules hold.
        authorizer: the connection's authorizer, which notes what each statement does.
    """

    def __init__(self, connection: apsw.Connection, authorizer: Authorizer) -> None:
        self._authorizer = authorizer
        self._cursor = connection.cursor()
        self._cursor.exec_trace = self._seen
        self._current = Compiled("")

    def compile(self, sql: str, length: int, generation: int) -> Compiled:
        """Compile one statement.

        Args:
            sql: the statement.
            length: bytes from the statement's start to the end of the whole text, which is what the limit counts.
            generation: the state of the schema.

        Returns:
            What is known about the statement.

        Raises:
            Refused: SQLite, or a rule of the platform, refuses it.
        """
        if length > SQL_LENGTH:
            raise Refused("statement too long: SQLITE_TOOBIG")
        current = self._current = Compiled(sql)
        authorizer = self._authorizer
        authorizer.acts, authorizer.refusal = Acts.NONE, None
        try:
            self._stop_before_first_step(sql)
        except apsw.Error as error:
            if isinstance(error, apsw.AuthError) and authorizer.refusal:
                raise Refused(authorizer.refusal) from None
            raise refusal(error) from None
        if current.generation == -1:
            raise Refused("SQL code did not contain a statement.")
        current.generation = generation
        current.acts = authorizer.acts
        current.pure_read = current.pure_read and current.acts is Acts.NONE
        return current

    def _stop_before_first_step(self, sql: str) -> None:
        with suppress(apsw.ExecTraceAbort):
            try:
                self._cursor.execute(sql)
            except apsw.BindingsError as error:
                # apsw wants the values before it shows the statement, and says how many.
                self._cursor.execute(sql, (None,) * _parameters(error))

    def _seen(self, cursor: apsw.Cursor, _sql: str, _bindings: object) -> bool:
        """Take down what only a compiled statement tells, and stop before its first step."""
        current = self._current
        current.columns = [column[0] for column in cursor.get_description()]
        current.parameters = cursor.bindings_count
        current.pure_read = cursor.is_readonly
        current.generation = 0
        return False


def _parameters(error: apsw.BindingsError) -> int:
    stated = re.search(r"has (\d+) bindings", str(error))
    return int(stated[1]) if stated else 1
