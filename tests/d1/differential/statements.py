"""Random statements over the tables of a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.d1.differential.expressions import aggregate, condition, expression, window
from tests.d1.differential.oddities import oddity
from tests.d1.differential.schemas import change, index, trigger

if TYPE_CHECKING:
    from tests.d1.differential.schemas import Table
    from tests.d1.differential.writer import Writer

_OR = ("", "", "", " OR IGNORE", " OR REPLACE", " OR FAIL", " OR ABORT")


def select(writer: Writer, tables: list[Table]) -> str:
    """Return a query; it mostly orders its rows by everything they hold."""
    table = writer.pick(tables)
    columns = list(table.columns)
    source = table.name
    if writer.once_in(3):
        other = writer.pick(tables)
        join = writer.pick(["JOIN", "LEFT JOIN", "CROSS JOIN", "FULL JOIN", "NATURAL JOIN"])
        on = (
            ""
            if join in ("NATURAL JOIN", "CROSS JOIN")
            else f" ON x.{table.columns[0]} = y.{writer.pick(other.columns)}"
        )
        source = f"{table.name} x {join} {other.name} y{on}"
        columns = [f"x.{name}" for name in table.columns] + [f"y.{name}" for name in other.columns]
    kind = writer.number(0, 4)
    tail = ""
    if kind == 0:
        terms = ["*"]
    elif kind == 1:
        terms = [writer.pick(columns), aggregate(writer, columns), aggregate(writer, columns)]
        tail = f" GROUP BY {terms[0]}" + writer.maybe(f" HAVING {aggregate(writer, columns)} IS NOT NULL", 3)
        if writer.once_in(4):
            terms, tail = [aggregate(writer, columns)], ""
    elif kind == 2:
        terms = [*columns[:2], window(writer, columns)]
    else:
        terms = [expression(writer, columns) for _ in range(writer.number(1, 3))]
    where = f" WHERE {condition(writer, columns, tables)}" if writer.once_in(2) else ""
    with_rows = writer.maybe(f"WITH q AS (SELECT * FROM {table.name}) ", 8)
    if with_rows:
        source = source.replace(table.name, "q", 1)
    order = ", ".join(str(position + 1) for position in range(len(columns) if terms == ["*"] else len(terms)))
    ordered = f" ORDER BY {order}"
    limit = f" LIMIT {writer.pick(['2', '?1', '1 OFFSET 1', '-1'])}" if writer.once_in(6) and not writer.params else ""
    if "?1" in limit:
        writer.parameter()
    compound = ""
    if writer.once_in(8):
        joiner = writer.pick(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"])
        compound = f" {joiner} SELECT {', '.join(terms)} FROM {source}" if not writer.params else ""
    distinct = writer.maybe("DISTINCT ", 8)
    return f"{with_rows}SELECT {distinct}{', '.join(terms)} FROM {source}{where}{tail}{compound}{ordered}{limit}"


def insert(writer: Writer, table: Table, tables: list[Table]) -> str:
    """Return an INSERT, perhaps of several rows, with a conflict clause or RETURNING."""
    columns = [name for name in table.columns if name != "id" or writer.once_in(3)] or list(table.columns)
    names = f" ({', '.join(columns)})"
    if writer.once_in(8):
        source = writer.pick(tables)
        body = f" SELECT {', '.join(writer.pick(source.columns) for _ in columns)} FROM {source.name} WHERE 1"
    elif writer.once_in(16):
        names, body = "", " DEFAULT VALUES"
    else:
        rows = [
            f"({', '.join(expression(writer, (), 1) for _ in columns)})" for _ in range(writer.pick([1, 1, 1, 2, 3]))
        ]
        body = f" VALUES {', '.join(rows)}"
    conflict = ""
    if writer.once_in(5):
        column = writer.pick(table.columns)
        conflict = writer.pick(
            [
                " ON CONFLICT DO NOTHING",
                f" ON CONFLICT ({column}) DO NOTHING",
                f" ON CONFLICT ({column}) DO UPDATE SET {columns[-1]} = excluded.{columns[-1]}",
                f" ON CONFLICT DO UPDATE SET {columns[-1]} = {writer.value()}",
            ]
        )
    return f"INSERT{writer.pick(_OR)} INTO {table.name}{names}{body}{conflict}{returning(writer, table)}"


def update(writer: Writer, table: Table, tables: list[Table]) -> str:
    """Return an UPDATE."""
    column = writer.pick(table.columns)
    where = f" WHERE {condition(writer, table.columns, tables)}" if writer.once_in(2) else ""
    value = expression(writer, table.columns)
    if writer.once_in(8):
        other = writer.pick(tables)
        where = f" FROM {other.name} AS f WHERE f.{other.columns[0]} = {table.name}.{table.columns[0]}"
    return f"UPDATE{writer.pick(_OR)} {table.name} SET {column} = {value}{where}{returning(writer, table)}"


def delete(writer: Writer, table: Table, tables: list[Table]) -> str:
    """Return a DELETE."""
    where = f" WHERE {condition(writer, table.columns, tables)}" if writer.number(0, 3) else ""
    limit = writer.maybe(f" ORDER BY {', '.join(table.columns)} LIMIT 1", 12) if where else ""
    return f"DELETE FROM {table.name}{where}{'' if limit else returning(writer, table)}{limit}"


def returning(writer: Writer, table: Table) -> str:
    """Return a RETURNING clause, or nothing."""
    if not writer.once_in(5):
        return ""
    return f" RETURNING {writer.pick(['*', table.columns[-1], f'typeof({table.columns[0]})'])}"


def statement(writer: Writer, tables: list[Table]) -> str:
    """Return any statement; its parameters are in the writer."""
    if writer.once_in(12):
        # Several in one text: all run, the last one may have parameters.
        first = writer.pick([insert, delete, update])(writer, writer.pick(tables), tables)
        for _ in writer.take_params():
            first = first.replace("?", writer.literal(), 1)
        separator = writer.pick(["; ", ";", ";\n", "; -- c\n", ";;"])
        return first + separator + statement(writer, tables) + writer.maybe(writer.pick([";", "; ", " -- c"]), 3)
    table = writer.pick(tables)
    kind = writer.number(0, 19)
    if kind <= 6:
        return insert(writer, table, tables)
    if kind <= 12:
        return select(writer, tables)
    return (
        lambda: update(writer, table, tables),
        lambda: update(writer, table, tables),
        lambda: delete(writer, table, tables),
        lambda: oddity(writer, tables),
        lambda: oddity(writer, tables),
        lambda: writer.pick([index, change])(writer, table),
        lambda: trigger(writer, table, tables),
    )[kind - 13]()
