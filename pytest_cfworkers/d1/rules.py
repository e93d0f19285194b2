"""What a statement may do: the runtime's authorizer.

https://github.com/cloudflare/workerd/blob/main/src/workerd/util/sqlite.c++ and .../api/sql.c++,
https://developers.cloudflare.com/d1/sql-api/sql-statements/ (all checked 2026-11-24)
"""

from __future__ import annotations

import re
from enum import Flag, auto
from typing import Final

import apsw

FUNCTIONS: Final = frozenset(
    """
    abs changes char coalesce concat concat_ws format glob hex ifnull iif instr last_insert_rowid length like
    likelihood likely load_extension lower ltrim max_scalar min_scalar nullif octet_length printf quote random
    randomblob replace round rtrim sign soundex substr substring total_changes trim typeof unhex unicode
    unlikely upper zeroblob

    date time datetime julianday unixepoch strftime timediff current_date current_time current_timestamp

    avg count group_concat max min string_agg sum total

    row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value

    acos acosh asin asinh atan atan2 atanh ceil cos cosh degrees exp floor ln log log2 mod pi pow radians sin
    sinh sqrt tan tanh trunc

    json jsonb json_array jsonb_array json_array_length json_extract jsonb_extract -> ->> json_insert
    jsonb_insert json_object jsonb_object json_patch jsonb_patch json_remove jsonb_remove json_replace
    jsonb_replace json_set jsonb_set json_type json_valid json_quote json_group_array jsonb_group_array
    json_group_object jsonb_group_object json_each json_tree

    match highlight bm25 snippet rtreecheck

    sqlite_rename_column sqlite_rename_table sqlite_rename_test sqlite_drop_column sqlite_rename_quotefix
    """.split()  # noqa: SIM905 - a list would be a page long
)
"""The functions that a statement may call."""

MODULES: Final = frozenset({"fts5", "fts5vocab", "rtree", "rtree_i32"})
"""The virtual tables that a statement may create."""

_BOOLEAN: Final = re.compile(r"true|false|yes|no|on|off|1|0", re.IGNORECASE)
_INT32: Final = re.compile(r"[+-]?(?:0x[0-9a-f]{1,8}|\d{1,10})", re.IGNORECASE)

_ABSENT_TABLES: Final = frozenset({"carray"})
"""Table-valued functions that PyPI's apsw cannot leave out and the runtime's SQLite was built without."""

TRANSACTION_REFUSED: Final = (
    "To execute a transaction, please use the state.storage.transaction() or "
    "state.storage.transactionSync() APIs instead of the SQL BEGIN TRANSACTION or SAVEPOINT statements. The "
    "JavaScript API is safer because it will automatically roll back on exceptions, and because it interacts "
    "correctly with Durable Objects' automatic atomic write coalescing."
)
"""The runtime's own words for BEGIN, COMMIT, ROLLBACK, SAVEPOINT and RELEASE."""


class Acts(Flag):
    """What a compiled statement does, as far as the engine treats it differently."""

    NONE = 0
    WRITES = auto()
    """It changes rows."""
    SCHEMA = auto()
    """It changes the schema, so that what is known about other statements may be out of date."""
    PRAGMA = auto()
    """It reads or sets a pragma."""
    COUNTS_CHANGES = auto()
    """It calls `changes()` or `total_changes()`, and so sees the runtime's own bookkeeping."""
    ANALYZES = auto()
    """It writes SQLite's statistics tables."""


def is_allowed_name(name: str | None) -> bool:
    """Whether a name is outside of the runtime's own name space, `_cf_`."""
    return name is None or name[:4].lower() != "_cf_"


class Authorizer:
    """Answers SQLite, while it compiles a statement, whether each of its actions is allowed.

    Attributes:
        trusted: True while the engine runs a statement of its own; everything is allowed then.
        refusal: A text that replaces SQLite's, after a refused statement.
        acts: What the statement does; cleared by whoever compiles the next one.
        asked: Whether SQLite has asked anything since; it does not where it has a compiled form of the text.
    """

    def __init__(self) -> None:
        self.trusted = False
        self.refusal: str | None = None
        self.acts: Acts = Acts.NONE
        self.asked: bool = False

    def __call__(
        self, action: int, first: str | None, second: str | None, schema: str | None, _trigger: str | None
    ) -> int:
        """Return apsw.SQLITE_OK or apsw.SQLITE_DENY."""
        if self.trusted:
            return apsw.SQLITE_OK
        self.asked = True
        if action == apsw.SQLITE_ALTER_TABLE:
            # SQLite hands over the schema first and the table second, for this action alone.
            first, second, schema = second, None, first
        if first in _ABSENT_TABLES and action == apsw.SQLITE_READ:
            self.refusal = f"no such table: {first}: SQLITE_ERROR"
            return apsw.SQLITE_DENY
        self.acts |= _ACTS.get(action, Acts.NONE)
        if action == apsw.SQLITE_FUNCTION and second in ("changes", "total_changes"):
            self.acts |= Acts.COUNTS_CHANGES
        return apsw.SQLITE_OK if self._allows(action, first, second, schema) else apsw.SQLITE_DENY

    def _allows(  # noqa: PLR0911 - one kind of action after the other
        self, action: int, first: str | None, second: str | None, schema: str | None
    ) -> bool:
        if schema == "temp":
            return action in (apsw.SQLITE_READ, apsw.SQLITE_UPDATE) and is_allowed_name(first)
        if schema not in (None, "main"):
            return False
        if action in _ALWAYS:
            return True
        if action in _BY_FIRST_NAME:
            return is_allowed_name(first)
        if action in _BY_BOTH_NAMES:
            return is_allowed_name(first) and is_allowed_name(second)
        if action == apsw.SQLITE_FUNCTION:
            return (second or "").lower() in FUNCTIONS
        if action == apsw.SQLITE_PRAGMA:
            return allows_pragma(first or "", second)
        if action in (apsw.SQLITE_CREATE_VTABLE, apsw.SQLITE_DROP_VTABLE):
            return (second or "").lower() in MODULES and is_allowed_name(first)
        if action in (apsw.SQLITE_TRANSACTION, apsw.SQLITE_SAVEPOINT):
            self.refusal = TRANSACTION_REFUSED
        return False


_ALWAYS: Final = {apsw.SQLITE_SELECT, apsw.SQLITE_RECURSIVE, apsw.SQLITE_ANALYZE}
_BY_FIRST_NAME: Final = {
    apsw.SQLITE_READ,
    apsw.SQLITE_INSERT,
    apsw.SQLITE_UPDATE,
    apsw.SQLITE_DELETE,
    apsw.SQLITE_CREATE_TABLE,
    apsw.SQLITE_DROP_TABLE,
    apsw.SQLITE_ALTER_TABLE,
    apsw.SQLITE_CREATE_VIEW,
    apsw.SQLITE_DROP_VIEW,
    apsw.SQLITE_REINDEX,
}
_BY_BOTH_NAMES: Final = {
    apsw.SQLITE_CREATE_INDEX,
    apsw.SQLITE_DROP_INDEX,
    apsw.SQLITE_CREATE_TRIGGER,
    apsw.SQLITE_DROP_TRIGGER,
}
_ACTS: Final = {
    apsw.SQLITE_INSERT: Acts.WRITES,
    apsw.SQLITE_UPDATE: Acts.WRITES,
    apsw.SQLITE_DELETE: Acts.WRITES,
    apsw.SQLITE_PRAGMA: Acts.PRAGMA,
    apsw.SQLITE_ANALYZE: Acts.SCHEMA | Acts.ANALYZES,
    **dict.fromkeys(
        (
            apsw.SQLITE_CREATE_TABLE,
            apsw.SQLITE_DROP_TABLE,
            apsw.SQLITE_ALTER_TABLE,
            apsw.SQLITE_CREATE_VIEW,
            apsw.SQLITE_DROP_VIEW,
            apsw.SQLITE_REINDEX,
            apsw.SQLITE_CREATE_INDEX,
            apsw.SQLITE_DROP_INDEX,
            apsw.SQLITE_CREATE_TRIGGER,
            apsw.SQLITE_DROP_TRIGGER,
            apsw.SQLITE_CREATE_VTABLE,
            apsw.SQLITE_DROP_VTABLE,
        ),
        Acts.SCHEMA,
    ),
}

_WITHOUT_ARGUMENT: Final = frozenset({"data_version", "page_size"})
_WITH_BOOLEAN: Final = frozenset(
    """
    case_sensitive_like foreign_keys defer_foreign_keys ignore_check_constraints legacy_alter_table
    recursive_triggers reverse_unordered_selects
    """.split()  # noqa: SIM905 - a list would be a page long
)
_WITH_NAME: Final = frozenset(
    {"foreign_key_list", "index_info", "index_list", "index_xinfo", "table_info", "table_xinfo"}
)


def allows_pragma(name: str, argument: str | None) -> bool:
    """Whether a pragma is allowed with its argument.

    Args:
        name: The pragma's name.
        argument: What stands behind `=` or between parentheses, or None.
    """
    name = name.lower()
    if name in _WITH_BOOLEAN:
        return argument is None or _BOOLEAN.match(_unquoted(argument)) is not None
    if name in _WITH_NAME:
        return argument is not None and is_allowed_name(argument)
    if name in _WITHOUT_ARGUMENT:
        return argument is None
    if name == "quick_check":
        return is_allowed_name(argument)
    if name == "optimize":
        return argument is None or _INT32.fullmatch(argument) is not None
    return name == "table_list" or (name == "foreign_key_check" and is_allowed_name(argument))


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
