"""Random SQL expressions: operators, functions, casts, subqueries. No clock, no randomness, no C library."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.d1.differential.schemas import Table
    from tests.d1.differential.writer import Writer

_OPERATORS = (
    *("+", "-", "*", "/", "%", "||", "=", "<>", "<", ">=", "IS", "IS NOT", "AND", "OR", "&", "|", "<<", ">>"),
    *("LIKE", "NOT LIKE", "GLOB", "->", "->>", "IS DISTINCT FROM", "==", "COLLATE NOCASE ="),
)
_ONE = (
    *(
        "abs",
        "typeof",
        "length",
        "lower",
        "upper",
        "hex",
        "quote",
        "round",
        "trim",
        "unicode",
        "sign",
        "octet_length",
    ),
    *(
        "json",
        "json_type",
        "json_array_length",
        "json_valid",
        "json_quote",
        "date",
        "datetime",
        "julianday",
        "unixepoch",
    ),
    *(
        "floor",
        "ceil",
        "trunc",
        "zeroblob",
        "char",
        "likely",
        "unhex",
        "jsonb",
        "ltrim",
        "coalesce",
        "min",
        "max",
    ),
)
_TWO = (
    *(
        "coalesce",
        "ifnull",
        "nullif",
        "instr",
        "max",
        "min",
        "round",
        "substr",
        "json_extract",
        "json_array",
        "concat",
    ),
    *(
        "json_object",
        "json_patch",
        "json_remove",
        "mod",
        "strftime",
        "trim",
        "printf",
        "json_set",
        "concat_ws",
    ),
)
_THREE = (
    "replace",
    "substr",
    "iif",
    "json_set",
    "json_insert",
    "max",
    "json_extract",
    "printf",
    "coalesce",
    "json_array",
)
_REFUSED = (
    "sqlite_version()",
    "json_pretty('{}')",
    "log10(1)",
    "nofn(1)",
    "load_extension('x')",
    "regexp('a', 'b')",
)
_AGGREGATES = (
    *("count(*)", "count({})", "sum({})", "total({})", "avg({})", "min({})", "max({})", "group_concat({})"),
    *("count(DISTINCT {})", "json_group_array({})", "string_agg({}, '-')", "sum({}) FILTER (WHERE {} > 0)"),
    *("group_concat({} ORDER BY {} DESC)", "json_group_object('k', {})"),
)
_WINDOWS = (
    *(
        "row_number()",
        "rank()",
        "dense_rank()",
        "lag({})",
        "lead({}, 1, 'none')",
        "first_value({})",
        "sum({})",
        "ntile(2)",
    ),
    *("count(*)", "group_concat({})", "percent_rank()", "nth_value({}, 2)"),
)
_CASTS = ("INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC")


def operand(writer: Writer, columns: Sequence[str]) -> str:
    """Return a column or a value."""
    if columns and writer.number(0, 2):
        return writer.pick(columns)
    return writer.value()


def expression(writer: Writer, columns: Sequence[str], depth: int = 2) -> str:
    """Return an expression over columns."""
    if depth == 0 or writer.number(0, 2) == 0:
        return operand(writer, columns)

    def inner() -> str:
        return expression(writer, columns, depth - 1)

    kind = writer.number(0, 11)
    if kind <= 3:
        return f"({inner()} {writer.pick(_OPERATORS)} {inner()})"
    return (
        lambda: f"{writer.pick(_ONE)}({inner()})",
        lambda: f"{writer.pick(_TWO)}({inner()}, {inner()})",
        lambda: f"{writer.pick(_THREE)}({inner()}, {inner()}, {inner()})",
        lambda: f"CAST({inner()} AS {writer.pick(_CASTS)})",
        lambda: f"CASE WHEN {inner()} THEN {inner()} ELSE {inner()} END",
        lambda: f"({inner()} {writer.maybe('NOT ')}BETWEEN {inner()} AND {inner()})",
        lambda: f"({inner()} {writer.maybe('NOT ')}IN ({inner()}, {inner()}))",
        lambda: writer.pick(_REFUSED) if writer.once_in(6) else f"({writer.pick(['-', 'NOT ', '~', '+'])}{inner()})",
    )[kind - 4]()


def condition(writer: Writer, columns: Sequence[str], tables: Sequence[Table]) -> str:
    """Return a condition, perhaps with a subquery."""
    if tables and writer.once_in(8):
        other = writer.pick(tables)
        column = writer.pick(other.columns)
        return writer.pick(
            [
                f"{operand(writer, columns)} IN (SELECT {column} FROM {other.name})",
                f"EXISTS (SELECT 1 FROM {other.name} WHERE {column} IS NOT NULL)",
                f"{operand(writer, columns)} > (SELECT max({column}) FROM {other.name})",
            ]
        )
    return expression(writer, columns)


def aggregate(writer: Writer, columns: Sequence[str]) -> str:
    """Return an aggregate over one column."""
    column = writer.pick(columns)
    return writer.pick(_AGGREGATES).format(column, column)


def window(writer: Writer, columns: Sequence[str]) -> str:
    """Return a window function, ordered by every column so that ties do not matter."""
    partition = writer.maybe(f"PARTITION BY {writer.pick(columns)} ", 2)
    frame = writer.maybe(" ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", 4)
    call = writer.pick(_WINDOWS).format(writer.pick(columns))
    return f"{call} OVER ({partition}ORDER BY {', '.join(columns)}{frame})"
