"""Text that is not valid Unicode, on its way in and out.

JavaScript shows such text with replacement characters; apsw refuses to hand it out, or to take it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import apsw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_cfworkers.d1.backend import Wire

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def without_surrogates(text: str) -> str:
    """Replace lone surrogates by what reads back for each: three replacement characters."""
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return _LONE_SURROGATE.sub("\ufffd\ufffd\ufffd", joined)


def clean(params: Sequence[Wire]) -> tuple[Wire, ...]:
    """Replace lone surrogates in bound texts."""
    return tuple([without_surrogates(value) if isinstance(value, str) else value for value in params])


def fetch_damaged(connection: apsw.Connection, sql: str, params: Sequence[Wire], columns: int) -> list[tuple[Any, ...]]:
    """Run a reading statement again, and decode its texts with replacement characters.

    Args:
        connection: The connection.
        sql: A SELECT.
        params: Its values.
        columns: How many columns it has.

    Returns:
        The rows.
    """
    names = [f"c{number}" for number in range(columns)]
    picked = ", ".join(
        f"typeof({name}), CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END" for name in names
    )
    wrapped = f"WITH damaged({', '.join(names)}) AS ({sql.rstrip().rstrip(';')}\n) SELECT {picked} FROM damaged"  # noqa: S608
    limit = connection.limit(apsw.SQLITE_LIMIT_COLUMN, 2 * columns + 1)
    try:
        rows = connection.execute(wrapped, params).fetchall()
    finally:
        connection.limit(apsw.SQLITE_LIMIT_COLUMN, limit)
    return [
        tuple(
            [
                value.decode(errors="replace") if isinstance(value, bytes) and kind == "text" else value
                for kind, value in zip(row[::2], row[1::2], strict=True)
            ]
        )
        for row in rows
    ]
