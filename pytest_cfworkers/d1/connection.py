"""One SQLite connection, set up as the runtime sets up its own."""

from __future__ import annotations

import os
import re
from functools import cache
from typing import TYPE_CHECKING

import apsw

from pytest_cfworkers.d1.engine_limits import ENGINE_LIMITS
from pytest_cfworkers.d1.errors import Refused
from pytest_cfworkers.d1.rules import MODULES

if TYPE_CHECKING:
    from pytest_cfworkers.d1.engine_limits import LimitSet
    from pytest_cfworkers.d1.rules import Authorizer

MEMORY = ":memory:"

# Compiled statements that apsw keeps, and looks through each time. The runtime keeps 1 MiB of statement texts.
_STATEMENTS_KEPT = 128

# Functions that PyPI's apsw brings and the runtime's SQLite was built without.
# https://github.com/cloudflare/workerd/blob/main/build/BUILD.sqlite3 (checked 2026-11-24)
_ABSENT_FUNCTION = re.compile(
    r"(?:wrong number of arguments to function |not authorized to use function: )"
    r"((?:median|percentile(?:_cont|_disc)?|fts3_tokenizer|matchinfo|offsets|optimize|geopoly_\w+)\b)(?:\(\))?",
    re.IGNORECASE,
)


class DatabaseFileError(Exception):
    """A database file that cannot be used: no SQLite database, no such directory, not readable."""


def open_connection(path: str, limits: LimitSet, authorizer: Authorizer, image: bytes | None = None) -> apsw.Connection:
    """Open a database with D1's limits, rules and settings.

    Args:
        path: A file, or `":memory:"`.
        limits: Whose numbers hold.
        authorizer: Asked about every action of every statement.
        image: The content of a database in memory.

    Returns:
        The connection.

    Raises:
        DatabaseFileError: The file is not an SQLite database, or cannot be opened.
    """
    try:
        connection = apsw.Connection(path, statementcachesize=_STATEMENTS_KEPT)
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_FKEY, 1)
        if image is not None:
            connection.deserialize("main", image)
        else:
            _start_file(connection, in_memory=path == MEMORY)
    except apsw.Error as error:
        raise DatabaseFileError(f"{path}: {_why_unusable(path, error)}") from error
    for number, value in _limits(limits):
        connection.limit(number, value)
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.drop_modules(sorted(MODULES))
    connection.authorizer = authorizer
    return connection


def _start_file(connection: apsw.Connection, *, in_memory: bool) -> None:
    if not in_memory:
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
    if not connection.execute("PRAGMA page_count").fetchall()[0][0]:
        # A new file has its first page before the first request, and so has this one.
        connection.execute("PRAGMA user_version = 0")


@cache
def _limits(limits: LimitSet) -> tuple[tuple[int, int], ...]:
    return tuple((getattr(apsw, f"SQLITE_LIMIT_{limit.name}"), limit.value(limits)) for limit in ENGINE_LIMITS)


def _why_unusable(path: str, error: apsw.Error) -> str:
    if isinstance(error, apsw.NotADBError):
        return "the file is not an SQLite database"
    directory = os.path.dirname(path) or "."  # noqa: PTH120 - apsw takes plain strings
    if not os.path.isdir(directory):  # noqa: PTH112
        return f"the directory {directory} does not exist"
    return str(error)


def refusal(error: apsw.Error) -> Refused:
    """Return SQLite's error in the runtime's words: text, offset, code and extended code."""
    # An error that a function of this package raises has no code of SQLite's.
    code = getattr(error, "result", apsw.SQLITE_ERROR)
    extended_code = getattr(error, "extendedresult", code)
    name = apsw.mapping_result_codes.get(code, f"SQLITE_UNKNOWN({code})")
    reason = _ABSENT_FUNCTION.sub(r"no such function: \1", str(error))
    offset = getattr(error, "error_offset", -1)
    if offset is not None and offset >= 0:
        reason += f" at offset {offset}"
    reason += f": {name}"
    if extended_code != code:
        extended = apsw.mapping_extended_result_codes.get(extended_code)
        if extended is not None:
            reason += f" (extended: {extended})"
    return Refused(reason)
