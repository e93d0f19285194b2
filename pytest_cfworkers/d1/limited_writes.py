"""`UPDATE ... LIMIT` and `DELETE ... LIMIT`, which PyPI's SQLite is built without and the runtime's with.

SQLite itself carries them out as `WHERE rowid IN (SELECT rowid FROM ... LIMIT ...)`, and an UPDATE ... FROM as
a SELECT of rowids and new values; so does this file, on the text. https://sqlite.org/lang_delete.html#optional_limit_and_order_by_clauses
(checked 2026-11-24)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_cfworkers.d1.write_clauses import Target, Word, clauses_of, elements, outer_words, target_of, verb_of

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A text that does the same without the clauses that SQLite does not know here.

    Attributes:
        sql: The text.
        pieces: What it is made of: each piece of the original, as (start, end), or words that are new.
    """

    sql: str
    pieces: tuple[str | tuple[int, int], ...]

    def original_offset(self, offset: int, original: str) -> int:
        """Return where a byte of the new text stands in the original one."""
        at = 0
        for piece in self.pieces:
            if isinstance(piece, str):
                at += len(piece.encode())
                continue
            length = len(original[piece[0] : piece[1]].encode())
            if at <= offset < at + length:
                return offset - at + len(original[: piece[0]].encode())
            at += length
        return offset


@dataclass(frozen=True, slots=True)
class RowKey:
    """What names a row.

    Attributes:
        columns: The rowid, or the primary key where a table has none; all columns of a view.
        of_view: Whether rows are those of a view, where NULL and equal rows are to be reckoned with.
    """

    columns: tuple[str, ...]
    of_view: bool = False


def rewrite(sql: str, key_of: Callable[[str], RowKey]) -> Rewritten | None:
    """Rewrite an UPDATE or DELETE that has a LIMIT, or on a view an ORDER BY alone.

    Args:
        sql: One statement.
        key_of: Returns what names a row of a table or view.

    Returns:
        The new text, or None if the text is something else, or more than this file knows.
    """
    words = outer_words(sql)
    verb = verb_of(words)
    if verb is None:
        return None
    clauses = clauses_of(words[verb + 1 :])
    if not clauses.keys() & {"ORDER", "LIMIT"}:
        return None
    target = target_of(words, verb, min(clauses.values()), sql)
    key = key_of(target.name)
    if "LIMIT" not in clauses and not key.of_view:
        return None
    write = _Write(sql, words, clauses, target, key)
    pieces = write.joined() if "SET" in clauses and "FROM" in clauses else write.plain()
    if pieces is None:
        return None
    text = "".join(part if isinstance(part, str) else sql[slice(*part)] for part in pieces)
    return Rewritten(text, tuple(pieces))


_Pieces = list["str | tuple[int, int]"]
_CHOSEN: Final = '"limited write"'
_SUBSELECT: Final = re.compile(r"\s*\(\s*(?:SELECT|WITH|VALUES)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Write:
    """The parts of a statement."""

    sql: str
    words: list[Word]
    clauses: dict[str, int]
    target: Target
    key: RowKey

    def plain(self) -> _Pieces:
        """Return the statement with a condition in place of its clauses."""
        target = (self.target.start, self.target.end)
        keys = ", ".join(self.key.columns)
        chosen = "*" if self.key.of_view else keys
        select: _Pieces = [
            f"(SELECT {chosen} FROM ",  # noqa: S608 - names of the user's own table
            target,
            " ",
            *self.spans("INDEXED", "NOT", "WHERE", "ORDER", "LIMIT"),
            ")",
        ]
        if self.key.of_view:
            same = " AND ".join(f"{_CHOSEN}.{name} IS {self.target.called}.{name}" for name in self.key.columns)
            select = ["EXISTS (SELECT 1 FROM ", *select, f" AS {_CHOSEN} WHERE {same})"]
        else:
            select = [f"({keys}) IN " if len(self.key.columns) > 1 else f"{keys} IN ", *select]
        head = self.clauses.get("SET", self.target.end)
        return [(0, head), *self.spans("SET"), " WHERE ", *select, " ", *self.spans("RETURNING")]

    def joined(self) -> _Pieces | None:
        """Return an UPDATE ... FROM whose rows, and new values, are chosen by a subselect."""
        values = self.values()
        if values is None:
            return None
        called, names = self.target.called, self.key.columns
        keys = [f"{called}.{name}" for name in names]
        pieces: _Pieces = [(0, self.clauses["SET"] + len("SET"))]
        for at, (column, _) in enumerate(values):
            pieces += [" ", column, f" = {_CHOSEN}.c{at}", ","]
        pieces[-1] = " FROM (SELECT " + ", ".join(f"{key} AS k{at}" for at, key in enumerate(keys))
        for at, (_, value) in enumerate(values):
            pieces += [",", *value, f" AS c{at}"]
        source = self.spans("FROM")[0][0] + len("FROM"), self.spans("FROM")[0][1]
        equals = "IS" if self.key.of_view else "="
        same = " AND ".join(f"{key} {equals} {_CHOSEN}.k{at}" for at, key in enumerate(keys))
        return [
            *pieces,
            " FROM ",
            (self.target.start, self.target.end),
            " ",
            *self.spans("INDEXED", "NOT"),
            ",",
            source,
            *self.spans("WHERE"),
            # As SQLite does: a row of a table counts once, however many rows it is joined with.
            "" if self.key.of_view else f" GROUP BY {', '.join(keys)} ",
            *self.spans("ORDER", "LIMIT"),
            f") AS {_CHOSEN} WHERE {same} ",
            *self.spans("RETURNING"),
        ]

    def spans(self, *names: str) -> list[tuple[int, int]]:
        """Return where clauses stand."""
        end = max(word.end for word in self.words if word.text != ";")  # what follows may be a comment
        borders = sorted([*self.clauses.values(), end])
        found = [self.clauses[name] for name in names if name in self.clauses]
        return [(start, next(border for border in borders if border > start)) for start in found]

    def values(self) -> list[tuple[tuple[int, int], _Pieces]] | None:
        """Return where each column that is set stands, and its value; None for what is no assignment."""
        ((start, end),) = self.spans("SET")
        words = [word for word in self.words if start + len("SET") <= word.start < end]
        commas = [word for word in words if word.text == ","]
        starts = [start + len("SET"), *(comma.end for comma in commas)]
        ends = [*(comma.start for comma in commas), end]
        values: list[tuple[tuple[int, int], _Pieces]] = []
        for left, right in zip(starts, ends, strict=True):
            within = [word for word in words if left <= word.start < right]
            equals = next((word for word in within if word.text == "="), None)
            if equals is None:
                return None
            columns, value = (left, equals.start), (equals.end, right)
            if within[0] is not equals:
                values.append((columns, [value]))
                continue
            names = elements(self.sql, *columns)
            parts = _parts(self.sql, value, len(names))
            if len(parts) != len(names):
                return None
            values += zip(names, parts, strict=True)
        return values


def _parts(sql: str, value: tuple[int, int], count: int) -> list[_Pieces]:
    """Return the values that a row value is made of: those of a list, or the columns of a subselect."""
    if not _SUBSELECT.match(sql, *value):
        return [[element] for element in elements(sql, *value)]
    names = ", ".join(f"v{at}" for at in range(count))
    return [[f" (WITH row({names}) AS ", value, f" SELECT v{at} FROM row)"] for at in range(count)]  # noqa: S608 - names of its own
