"""Random programs, in the format of the corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.d1.differential.schemas import Table, table
from tests.d1.differential.statements import select, statement
from tests.d1.differential.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable

Operation = dict[str, Any]

_METHODS = ("all", "run", "first", "raw")


@st.composite
def programs(draw: Callable[[st.SearchStrategy[Any]], Any], most: int = 10) -> list[Operation]:
    """Return operations that create tables and then use them in every way the binding has.

    Args:
        draw: Hypothesis' own.
        most: How many operations follow the creation of the tables.
    """
    writer = Writer(draw)
    tables: list[Table] = []
    operations: list[Operation] = []
    for number in range(writer.pick([1, 1, 2, 3])):
        made = table(writer, f"t{number}", tables)
        tables.append(made)
        operations.append({"op": "exec", "sql": made.sql})
    if writer.once_in(4):
        operations.append(
            {"op": "session", "as": "s", "constraint": writer.pick(["first-primary", "first-unconstrained"])}
        )
    in_session = len(operations) > len(tables)
    kept: list[tuple[str, int]] = []
    for _ in range(writer.number(1, most)):
        made_operation = _operation(writer, tables, kept)
        if in_session and made_operation["op"] in ("query", "batch") and writer.once_in(2):
            made_operation["session"] = "s"
        operations.append(made_operation)
        if in_session and writer.once_in(8):
            operations.append({"op": "bookmark", "session": "s"})
    return operations


def _operation(writer: Writer, tables: list[Table], kept: list[tuple[str, int]]) -> Operation:
    kind = writer.number(0, 14)
    if kind <= 8:
        return _query(writer, statement(writer, tables))
    if kind <= 10:
        statements = [_bound(writer, statement(writer, tables)) for _ in range(writer.number(1, 4))]
        return {"op": "batch", "statements": statements}
    if kind == 11:
        return _exec(writer, tables)
    if kind == 12:
        return _query(writer, select(writer, tables))
    if kind == 13 and kept:
        # Run again what was prepared, perhaps with other values.
        name, count = writer.pick(kept)
        for _ in range(count):
            writer.parameter()
        return {"op": "query", "stmt": name, "method": writer.pick(_METHODS), "params": writer.take_params()}
    sql = statement(writer, tables)
    kept.append((f"p{len(kept)}", len(writer.take_params())))
    return {"op": "prepare", "as": kept[-1][0], "sql": sql}


def _bound(writer: Writer, sql: str) -> dict[str, Any]:
    params = writer.take_params()
    if writer.once_in(40):
        params = params[:-1] if params else [None]
    return {"sql": sql, "params": params} if params or writer.once_in(4) else {"sql": sql}


def _query(writer: Writer, sql: str) -> Operation:
    operation: Operation = {"op": "query", "method": writer.pick(_METHODS), **_bound(writer, sql)}
    if operation["method"] == "first" and writer.once_in(3):
        operation["column"] = writer.pick(["a", "id", "nope", "n"])
    if operation["method"] == "raw" and writer.once_in(2):
        operation["columnNames"] = True
    return operation


def _exec(writer: Writer, tables: list[Table]) -> Operation:
    lines = []
    for _ in range(writer.number(1, 3)):
        text = statement(writer, tables)
        for _ in writer.take_params():
            text = text.replace("?", writer.literal(), 1)
        lines.append(text)
    return {
        "op": "exec",
        "sql": writer.pick(["\n", "\n\n", ";\n", "; ", "\n-- c\n", "\n  -- c\n"]).join(lines),
    }
