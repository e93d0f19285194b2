"""A prepared statement: a text, the values bound to it, and the four ways to run it."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from pytest_cfworkers.d1.errors import D1Error, JsException, Refused
from pytest_cfworkers.d1.javascript import js_string
from pytest_cfworkers.d1.result import JsDict, d1_results, shape_of
from pytest_cfworkers.d1.values import refuse_unsendable, to_wires

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_cfworkers.d1.backend import Query
    from pytest_cfworkers.d1.session import Connection

_ABSENT: Final = object()


def execution_error(refused: Refused) -> D1Error:
    """Return what the binding throws when the database refuses a query or a batch."""
    if refused.kind == "reset":
        return D1Error(refused.reason)
    return D1Error.caused("D1_ERROR", refused.reason)


class D1PreparedStatement:
    """A statement that `prepare` made. It is immutable; `bind` returns another one.

    https://developers.cloudflare.com/d1/worker-api/prepared-statements/ (checked 2026-11-24)
    """

    __slots__ = ("_connection", "_query")

    def __init__(self, connection: Connection, query: Query) -> None:
        self._connection = connection
        self._query = query

    def __str__(self) -> str:
        """Return what JavaScript says about any object."""
        return "[object Object]"

    def bind(self, *values: object, **options: object) -> D1PreparedStatement:
        """Return a new statement with values in place of `?`, `?1`, `?2` ...

        Args:
            *values: None, bool, int, float, str, bytes, or a list of ints from 0 to 255 (a blob).
                Numbers are always bound as REAL. How many the statement takes is checked when it runs.
            **options: Become one trailing JavaScript object, as Pyodide does it; D1 then refuses that object.

        Raises:
            D1Error: `D1_TYPE_ERROR`: a type that D1 does not take (int beyond 2**53 - 2, dict, datetime ...).
            TypeError: A type that the SDK does not send (tuple, bytearray, awaitable).
        """
        __tracebackhide__ = True
        if options:
            values = (*values, options)
        return D1PreparedStatement(self._connection, (self._query[0], to_wires(values)))

    async def all(self, *_: object, **__: object) -> JsDict:
        """Run the statement.

        Returns:
            `results` (a list of rows as dictionaries), `meta` and `success`, which is always True.

        Raises:
            D1Error: `D1_ERROR`: the database refused.
        """
        __tracebackhide__ = True
        return d1_results([await self._connection.query(self._query)])[0]

    async def run(self, *_: object, **__: object) -> JsDict:
        """Run the statement; the same as `all()`, rows included.

        Returns:
            `results`, `meta` and `success`.

        Raises:
            D1Error: `D1_ERROR`: the database refused.
        """
        __tracebackhide__ = True
        return d1_results([await self._connection.query(self._query)])[0]

    async def first(self, column: object = _ABSENT, /, *_: object, **options: object) -> Any:
        """Run the statement and return its first row.

        D1 adds no `LIMIT 1`: all rows are read, and counted.

        Args:
            column: The name of a column, to get its value alone.
            **options: Become one JavaScript object, as Pyodide does it, so that `first(column="a")` asks for
                a column of the name `[object Object]`.

        Returns:
            The row, the value, or None where no row came back.

        Raises:
            D1Error: `D1_ERROR`: the database refused; `D1_COLUMN_NOTFOUND`: there is a row, but no such
                column.
        """
        __tracebackhide__ = True
        if column is _ABSENT:
            name = js_string(options) if options else None
        else:
            refuse_unsendable(column)
            name = js_string(column)
        columns, rows, _meta = await self._connection.query(self._query, "rows")
        if not rows:
            return None
        row = shape_of(columns).row(rows[0])
        if name is None:
            return row
        if name not in row:
            raise D1Error(f"D1_COLUMN_NOTFOUND: Column not found ({name})", cause=JsException("Column not found"))
        return row[name]

    async def raw(self, options: object = None, /, **named: object) -> list[list[Any]]:
        """Run the statement and return its rows as lists; columns of equal names all stay.

        Args:
            options: `{"columnNames": True}` puts the list of column names first.
            **named: The same as keywords: `raw(columnNames=True)`.

        Returns:
            The rows.

        Raises:
            D1Error: `D1_ERROR`: the database refused.
        """
        __tracebackhide__ = True
        refuse_unsendable(options)
        chosen = options if options is not None or not named else named
        names = chosen.get("columnNames") if isinstance(chosen, dict) else None
        columns, rows, _meta = await self._connection.query(self._query, "rows")
        return [list(columns), *rows] if _is_truthy(names) else rows


query_of: Final[Callable[[D1PreparedStatement], Query]] = attrgetter("_query")
"""Returns the text and values of a statement, for `batch`."""


def _is_truthy(value: object) -> bool:
    """Whether JavaScript takes a value for true: empty lists and dictionaries are."""
    return value == value and (bool(value) or isinstance(value, list | dict | bytes))  # noqa: PLR0124 - NaN is false
