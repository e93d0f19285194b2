"""`UPDATE ... LIMIT` and `DELETE ... LIMIT`, which PyPI's SQLite is built without and the runtime's with.

SQLite itself carries them out as `WHERE rowid IN (SELECT rowid FROM ... LIMIT ...)`; so does this file, on
the text. https://sqlite.org/lang_delete.html#optional_limit_and_order_by_clauses (checked 2026-11-24)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_cfworkers.d1.splitting import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

_CLAUSES: Final = ("SET", "INDEXED", "NOT", "WHERE", "RETURNING", "ORDER", "LIMIT")


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A text that does the same without the clauses that SQLite does not know here.

    Attributes:
        sql: the text.
        pieces: what it is made of: each piece of the original, as (start, end), or words that are new.
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
class _Word:
    text: str
    start: int
    end: int


def is_limited_write(sql: str) -> bool:
    """Whether a text may be an UPDATE or DELETE with ORDER BY or LIMIT."""
    upper = sql.upper()
    return ("LIMIT" in upper or "ORDER" in upper) and ("UPDATE" in upper or "DELETE" in upper)


def rewrite(sql: str, key_of: Callable[[str], tuple[str, ...]]) -> Rewritten | None:
    """Rewrite an UPDATE or DELETE that has a LIMIT.

    Args:
        sql: one statement.
        key_of: returns the columns that name a row of a table: its rowid, or the primary key where it has
            none.

    Returns:
        The new text, or None if the text is something else.
    """
    words = _outer_words(sql)
    verb = next((at for at, word in enumerate(words) if word.text in ("UPDATE", "DELETE")), None)
    if verb is None or any(word.text in ("SELECT", "INSERT", "REPLACE", "CREATE") for word in words[:verb]):
        return None
    clauses = _clauses(words[verb + 1 :])
    if "LIMIT" not in clauses or clauses.get("RETURNING", 0) > clauses["LIMIT"]:
        return None
    if words[verb].text == "UPDATE" and any(word.text == "FROM" for word in words[verb:]):
        return None  # which row of a join is meant cannot be said by a subselect; SQLite refuses it by itself
    table_from, table_to, name = _table(words, verb, min(clauses.values()), sql)
    key = key_of(name)
    end = max(word.end for word in words if word.text != ";")  # what follows may be a comment
    borders = sorted([*clauses.values(), end])

    def piece(*names: str) -> list[str | tuple[int, int]]:
        found = [clauses[name] for name in names if name in clauses]
        return [(start, next(border for border in borders if border > start)) for start in found]

    keys = ", ".join(key)
    left = f"({keys})" if len(key) > 1 else keys
    pieces: list[str | tuple[int, int]] = [
        (0, clauses.get("SET", table_to) if "SET" in clauses else table_to),
        *piece("SET"),
        f" WHERE {left} IN (SELECT {keys} FROM ",  # noqa: S608 - names of the user's own table
        (table_from, table_to),
        " ",
        *piece("INDEXED", "NOT", "WHERE", "ORDER", "LIMIT"),
        ") ",
        *piece("RETURNING"),
    ]
    return Rewritten("".join(part if isinstance(part, str) else sql[slice(*part)] for part in pieces), tuple(pieces))


def _outer_words(sql: str) -> list[_Word]:
    """Return the words, quoted names and other characters that stand outside of all parentheses."""
    depth = 0
    words = []
    for token in TOKEN.finditer(sql):
        text = token[0]
        if text == "(":
            depth += 1
        elif text == ")":
            depth -= 1
        elif depth == 0 and token.lastgroup != "space":
            words.append(_Word(text.upper() if token.lastgroup == "word" else text, token.start(), token.end()))
    return words


def _clauses(words: list[_Word]) -> dict[str, int]:
    """Return where each clause starts."""
    found: dict[str, int] = {}
    for at, word in enumerate(words):
        following = words[at + 1].text if at + 1 < len(words) else ""
        wanted = {"ORDER": "BY", "INDEXED": "BY", "NOT": "INDEXED"}.get(word.text, following)
        late = "WHERE" in found or "SET" in found
        if word.text in _CLAUSES and following == wanted and not (word.text in ("INDEXED", "NOT") and late):
            found.setdefault(word.text, word.start)
    return found


def _table(words: list[_Word], verb: int, before: int, sql: str) -> tuple[int, int, str]:
    """Return where the table and its alias stand, and the table's name."""
    rest = [word for word in words[verb + 1 :] if word.start < before]
    while rest and rest[0].text in ("FROM", "OR", "ROLLBACK", "ABORT", "REPLACE", "FAIL", "IGNORE"):
        rest.pop(0)
    if not rest:
        return before, before, ""
    named = rest[2] if len(rest) > 2 and rest[1].text == "." else rest[0]  # noqa: PLR2004 - schema, dot, name
    name = sql[named.start : named.end]
    return rest[0].start, rest[-1].end, name.strip('"`[]') if name[0] in '"`[' else name
