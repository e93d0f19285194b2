"""How many rows the statements read and write that change a schema: ALTER TABLE, CREATE INDEX and DROP.

SQLite carries them out by statements of its own on the schema table, whose loops the flow equations leave open. Which
rows of the schema each of them reads and rewrites follows from its WHERE clause.
https://github.com/sqlite/sqlite/blob/master/src/alter.c, https://github.com/sqlite/sqlite/blob/master/src/build.c (both
checked 2026-11-24); the sums are those of all such statements in the recordings.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_cfworkers.d1.rows import NOTHING, RowCounts
from pytest_cfworkers.d1.write_clauses import outer_words

if TYPE_CHECKING:
    from pytest_cfworkers.d1.store import Store
    from pytest_cfworkers.d1.write_clauses import Word

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
_NAMED: Final = "SELECT 1 FROM sqlite_schema WHERE name = ? COLLATE NOCASE"
_TREES: Final = """
    SELECT count(*) + sum(rootpage <> 0 AND (name = ?1 COLLATE NOCASE OR tbl_name = ?1 COLLATE NOCASE))
    FROM sqlite_schema
"""
_ENTANGLED: Final = """
    SELECT 1 FROM sqlite_schema WHERE
        tbl_name = ?1 COLLATE NOCASE
            AND (type IN ('trigger', 'view') OR sql LIKE '%AUTOINCREMENT%' OR sql LIKE 'CREATE VIRTUAL%')
        OR name LIKE 'sqlite_stat_'
        OR sql LIKE '%REFERENCES%'
"""
_VIRTUAL: Final = "SELECT 1 FROM pragma_table_xinfo(?) WHERE name = ? COLLATE NOCASE AND hidden = 2"
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
    """Return what a statement that changes the schema is going to read and write; None for other statements.

    Args:
        sql: One statement.
        store: The database, before the statement runs.
    """
    words = outer_words(sql)
    texts = [word.text for word in words]
    counts = None
    if texts[:2] == ["ALTER", "TABLE"]:
        counts = _altered(sql, words, store)
    elif texts[:2] == ["CREATE", "INDEX"] or texts[:3] == ["CREATE", "UNIQUE", "INDEX"]:
        counts = _indexed(sql, words, store)
    elif texts[:1] == ["DROP"] and texts[1:2] in (["TABLE"], ["INDEX"]):
        counts = _dropped(sql, words, store)
    if counts is None:
        return None
    read, written = counts
    return NOTHING._replace(read={"one": read}, written={"one": written})


def _altered(sql: str, words: list[Word], store: Store) -> tuple[int, int] | None:
    at = 5 if words[3].text == "." else 3  # behind the name of the table
    if len(words) <= at:
        return None
    table = _name(sql, words[at - 1])
    [numbers] = store.run_own(_SCHEMA, (table,))
    schema = _Schema(*(int(number or 0) for number in numbers))
    column = _name(sql, words[-2] if words[-1].text == ";" else words[-1])
    return _rows(sql, [word.text for word in words[at : at + 2]], table, column, schema, store)


def _indexed(sql: str, words: list[Word], store: Store) -> tuple[int, int] | None:
    """Each row is read, and what gets an entry is sorted and put behind the last, which is looked for twice."""
    texts = [word.text for word in words]
    on = texts.index("ON")
    if store.run_own(_NAMED, (_name(sql, words[on - 1]),)):
        return None  # it is there already, and IF NOT EXISTS says so
    table = _quoted(_name(sql, words[on + 1]))
    where = sql[words[texts.index("WHERE")].start :].rstrip().rstrip(";") if "WHERE" in texts else ""
    rows = _count(table, store)
    entries = _count(f"{table} {where}", store) if where else rows
    return max(rows, 1) + max(entries, 1) + min(entries, 2), entries + 1


def _dropped(sql: str, words: list[Word], store: Store) -> tuple[int, int] | None:
    """The schema is read once, and one row more for each tree of pages that is given back."""
    name = _name(sql, words[-2] if words[-1].text == ";" else words[-1])
    if store.run_own(_ENTANGLED, (name,)):
        return None
    [[rows]] = store.run_own(_TREES, (name,))
    return int(rows), 0  # type: ignore[arg-type]


def _name(sql: str, word: Word) -> str:
    name = sql[word.start : word.end]
    return name[1:-1] if name[0] in '"`[' else name


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _count(source: str, store: Store) -> int:
    return int(store.run_own(f"SELECT count(*) FROM {source}")[0][0])  # type: ignore[arg-type]  # noqa: S608 - quoted


def _rows(sql: str, action: list[str], table: str, column: str, schema: _Schema, store: Store) -> tuple[int, int]:
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
    read, written = 4 * schema.rows + 2 * schema.named + 6, schema.named + 1
    if store.run_own(_VIRTUAL, (table, column)):
        return read, written  # no row holds its values
    kept = _count(_quoted(table), store)
    return read + max(kept, 1), written + kept
