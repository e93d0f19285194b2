"""How many rows ALTER TABLE reads and writes.

SQLite carries it out by statements of its own on the schema table, whose loops the flow equations leave open. Which
rows of the schema each of them reads and rewrites follows from its WHERE clause.
https://github.com/sqlite/sqlite/blob/master/src/alter.c (checked 2026-11-24); the sums are those of all alterations
in the recordings.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_cfworkers.d1.rows import NOTHING, RowCounts
from pytest_cfworkers.d1.write_clauses import outer_words

if TYPE_CHECKING:
    from pytest_cfworkers.d1.store import Store

# What lets ADD COLUMN look at the table once more: a CHECK, a table whose types are strict, NOT NULL without a value.
_CHECKED: Final = re.compile(r"\bCHECK\b", re.IGNORECASE)
_STRICT: Final = re.compile(r"\bSTRICT\b[^)]*\Z", re.IGNORECASE)
_FILLED: Final = re.compile(r"\bNOT\s+NULL\b(?!.*\bDEFAULT\b)", re.IGNORECASE | re.DOTALL)
_SCHEMA: Final = """
    SELECT count(*),
        sum(name NOT LIKE 'sqlite\\_%' ESCAPE '\\'),
        sum(name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND (type <> 'index' OR tbl_name = ?1 COLLATE NOCASE)),
        sum(type <> 'view' AND tbl_name = ?1 COLLATE NOCASE),
        sum(type <> 'view' AND tbl_name = ?1 COLLATE NOCASE AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'),
        sum(name = 'sqlite_sequence')
    FROM sqlite_schema
"""
_TEXT: Final = "SELECT sql FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE AND type = 'table'"
_SEQUENCE: Final = "SELECT count(*), sum(name = ?) FROM sqlite_sequence"


class _Schema(NamedTuple):
    """Rows of the schema table: all, those with a name of the user's, and those that belong to the table."""

    rows: int
    named: int
    renamed: int
    own: int
    own_named: int
    sequence: int


def alteration_counts(sql: str, store: Store) -> RowCounts | None:
    """Return what an ALTER TABLE is going to read and write; None for other statements.

    Args:
        sql: One statement.
        store: The database, before the statement runs.
    """
    words = outer_words(sql)
    texts = [word.text for word in words[:7]]
    if texts[:2] != ["ALTER", "TABLE"]:
        return None
    at = 5 if texts[3:4] == ["."] else 3  # behind the name of the table
    if len(texts) <= at:
        return None
    name = sql[words[at - 1].start : words[at - 1].end]
    table = name[1:-1] if name[0] in '"`[' else name
    [numbers] = store.run_own(_SCHEMA, (table,))
    schema = _Schema(*(int(number or 0) for number in numbers))
    read, written = _rows(sql, texts[at : at + 2], table, schema, store)
    return NOTHING._replace(read={"one": read}, written={"one": written})


def _rows(sql: str, action: list[str], table: str, schema: _Schema, store: Store) -> tuple[int, int]:
    if action[0] == "ADD":
        [[text]] = store.run_own(_TEXT, (table,))
        looks = _CHECKED.search(sql) or _FILLED.search(sql) or _STRICT.search(str(text))
        return schema.rows + (3 if looks else 2), 1
    if action == ["RENAME", "TO"]:
        [[counters, own]] = store.run_own(_SEQUENCE, (table,)) if schema.sequence else [(0, 0)]
        written = schema.renamed + schema.own + int(own or 0)
        return 4 * schema.rows + written + schema.own_named + int(counters or 0) + 3, written
    if action[0] == "RENAME":
        written = schema.named + schema.renamed
        return 4 * schema.rows + 2 * written + 6, written
    quoted = table.replace('"', '""')
    kept = int(store.run_own(f'SELECT count(*) FROM "{quoted}"')[0][0])  # type: ignore[arg-type]  # noqa: S608 - quoted
    return 4 * schema.rows + 2 * schema.named + max(kept, 1) + 6, schema.named + 1 + kept
