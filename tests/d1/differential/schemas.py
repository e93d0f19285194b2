"""Random tables, indices, triggers and views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.d1.differential.writer import Writer

_COLUMNS = ("a", "b", "c", "d", '"1"', '"order"')
_TYPES = ("INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC", "", "VARCHAR(10)", "BOOLEAN", "DATETIME", "INT")
_STRICT_TYPES = ("INTEGER", "TEXT", "REAL", "BLOB", "ANY", "INT")
_CONSTRAINTS = (
    *("", "", "", "UNIQUE", "NOT NULL", "DEFAULT 7", "DEFAULT 'x'", "DEFAULT (1 + 1)", "COLLATE NOCASE"),
    *(
        "CHECK ({0} IS NULL OR {0} <> 3)",
        "CHECK (length({0}) < 4)",
        "NOT NULL DEFAULT 0",
        "NOT NULL ON CONFLICT IGNORE",
    ),
    *("UNIQUE ON CONFLICT REPLACE", "DEFAULT CURRENT_DATE"),
)
_KEYS = (
    "id INTEGER PRIMARY KEY",
    "",
    "id INTEGER PRIMARY KEY AUTOINCREMENT",
    "id TEXT PRIMARY KEY",
    "id INT PRIMARY KEY",
)
_ACTIONS = (
    "",
    "ON DELETE CASCADE",
    "ON DELETE SET NULL",
    "ON DELETE RESTRICT",
    "ON UPDATE CASCADE ON DELETE SET DEFAULT",
)


_ADDED = ("INTEGER", "TEXT DEFAULT 5", "NOT NULL", "UNIQUE", "REAL DEFAULT 1")


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a program has created.

    Attributes:
        name: As written in SQL.
        columns: Names as written in SQL.
        sql: The statement that creates it.
    """

    name: str
    columns: tuple[str, ...]
    sql: str


def table(writer: Writer, name: str, others: list[Table]) -> Table:
    """Return a random table, which may refer to another one."""
    without_rowid = writer.once_in(8)
    strict = writer.once_in(6)
    key = writer.pick(_KEYS[3:] if without_rowid else _KEYS)
    if strict and not key.startswith("id INT"):
        key = "id TEXT PRIMARY KEY" if without_rowid else ""
    names = _COLUMNS[: writer.number(1, 4)] if writer.once_in(4) else _COLUMNS[: writer.number(1, 3)]
    parts = [key] if key else []
    for column in names:
        kind = writer.pick(_STRICT_TYPES if strict else _TYPES)
        parts.append(" ".join(filter(None, (column, kind, writer.pick(_CONSTRAINTS).format(column)))))
    if others and writer.once_in(2):
        parent = writer.pick(others)
        target = "(id)" if "id" in parent.columns else ""
        kind = "INTEGER" if strict else ""
        parts.append(f"p {kind} REFERENCES {parent.name}{target} {writer.pick(_ACTIONS)}".strip())
        names = (*names, "p")
    if writer.once_in(6):
        parts.append(f"g {'INT' if strict else ''} GENERATED ALWAYS AS (length({names[0]})) {writer.maybe('STORED')}")
    if writer.once_in(8) and len(names) > 1:
        parts.append(f"UNIQUE ({names[0]}, {names[1]})")
    options = ", ".join([*["STRICT"] * strict, *["WITHOUT ROWID"] * without_rowid])
    columns = (*(("id",) if key else ()), *names)
    return Table(name, columns, f"CREATE TABLE {name} ({', '.join(parts)}) {options}".strip())


def index(writer: Writer, on: Table) -> str:
    """Return a statement that creates an index."""
    column = writer.pick(on.columns)
    term = writer.pick([column, f"{column} DESC", f"{column} COLLATE NOCASE", f"length({column})"])
    second = writer.maybe(f", {writer.pick(on.columns)}", 3)
    where = writer.maybe(f" WHERE {column} IS NOT NULL", 4)
    name = f"i_{on.name}_{writer.number(1, 3)}"
    return f"CREATE {writer.maybe('UNIQUE ', 4)}INDEX {name} ON {on.name} ({term}{second}){where}"


def trigger(writer: Writer, on: Table, tables: list[Table]) -> str:
    """Return a statement that creates a trigger."""
    target = writer.pick(tables)
    moment = writer.pick(["AFTER", "BEFORE"])
    event = writer.pick(["INSERT", "UPDATE", "DELETE", f"UPDATE OF {on.columns[0]}"])
    row = "old" if event == "DELETE" else "new"
    first = target.columns[-1]
    body = writer.pick(
        [
            f"INSERT INTO {target.name} ({first}) VALUES ({row}.{on.columns[0]})",
            f"UPDATE {target.name} SET {first} = 1 WHERE {first} IS {row}.{on.columns[-1]}",
            f"DELETE FROM {target.name} WHERE {first} IS NULL",
            f"SELECT RAISE(ABORT, 'refused') WHERE {row}.{on.columns[0]} IS NULL",
            f"SELECT RAISE(IGNORE) WHERE {row}.{on.columns[0]} = 1",
        ]
    )
    when = writer.maybe(f" WHEN {row}.{on.columns[0]} IS NOT NULL", 3)
    name = f"tr_{on.name}_{writer.number(1, 2)}"
    return f"CREATE TRIGGER {name} {moment} {event} ON {on.name}{when} BEGIN {body}; END"


def change(writer: Writer, on: Table) -> str:
    """Return a statement that changes or drops what is there."""
    column = writer.pick(on.columns)
    return writer.pick(
        [
            f"ALTER TABLE {on.name} ADD COLUMN z {writer.pick(_ADDED)}",
            f"ALTER TABLE {on.name} RENAME COLUMN {column} TO {writer.pick(['y', 'a', '_cf_x'])}",
            f"ALTER TABLE {on.name} RENAME TO {writer.pick(['renamed', 't0', '_cf_t'])}",
            f"ALTER TABLE {on.name} DROP COLUMN {column}",
            f"DROP TABLE {writer.maybe('IF EXISTS ')}{on.name}",
            f"DROP INDEX {writer.maybe('IF EXISTS ')}i_{on.name}_1",
            f"CREATE TABLE IF NOT EXISTS {on.name} (x)",
            f"CREATE TABLE copy AS SELECT * FROM {on.name}",
            f"CREATE VIEW v AS SELECT {column}, count(*) AS n FROM {on.name} GROUP BY {column}",
            f"REINDEX {on.name}",
            "ANALYZE",
        ]
    )
