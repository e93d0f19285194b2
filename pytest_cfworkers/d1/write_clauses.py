"""Where the clauses of an UPDATE or DELETE stand in its text."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pytest_cfworkers.d1.splitting import TOKEN

_CLAUSES: Final = ("SET", "FROM", "INDEXED", "NOT", "WHERE", "RETURNING", "ORDER", "LIMIT")


@dataclass(frozen=True, slots=True)
class Word:
    """A word, a quoted name or another character: its text, in capitals where it is a word, and where it stands."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Target:
    """The table that is written to.

    Attributes:
        start: Where it starts in the text.
        end: Where it ends, its alias included.
        name: Its name, without quotes.
        called: What its columns are called by: the alias, or the name as it is written.
    """

    start: int
    end: int
    name: str
    called: str


def tail_of(sql: str, offset: int) -> int | None:
    """Return where the ORDER BY or LIMIT of an UPDATE or DELETE starts, if that is what SQLite stumbled over.

    Args:
        sql: One statement, which SQLite has refused.
        offset: The byte at which it did.
    """
    if offset < 0:
        return None
    start = len(sql.encode()[:offset].decode(errors="replace"))
    words = outer_words(sql)
    stumbled = any(word.start == start and word.text in ("ORDER", "LIMIT") for word in words)
    return start if stumbled and verb_of(words) is not None else None


def without_limit(sql: str) -> str | None:
    """Return the verb of an UPDATE or DELETE that has no LIMIT; None if it has one."""
    words = outer_words(sql)
    verb = verb_of(words)
    return None if verb is None or "LIMIT" in clauses_of(words[verb + 1 :]) else words[verb].text


def verb_of(words: list[Word]) -> int | None:
    """Return which word is the UPDATE or DELETE that a statement is."""
    verb = next((at for at, word in enumerate(words) if word.text in ("UPDATE", "DELETE")), None)
    if verb is None or any(word.text in ("SELECT", "INSERT", "REPLACE", "CREATE") for word in words[:verb]):
        return None
    return verb


def outer_words(sql: str) -> list[Word]:
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
            words.append(Word(text.upper() if token.lastgroup == "word" else text, token.start(), token.end()))
    return words


def elements(sql: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return where the elements of a list stand.

    Args:
        sql: A statement.
        start: Where the list, in parentheses, starts in it.
        end: Where it ends.
    """
    depth = 0
    borders = []
    for token in TOKEN.finditer(sql, start, end):
        depth += token[0] == "("
        if depth == 1 and token[0] in ("(", ",", ")"):
            borders.append(token.start())
        depth -= token[0] == ")"
    return [(left + 1, right) for left, right in pairwise(borders)]


def clauses_of(words: list[Word]) -> dict[str, int]:
    """Return where each clause starts, for the words behind UPDATE or DELETE."""
    found: dict[str, int] = {}
    for before, word, after in zip([None, *words], words, [*words[1:], None], strict=False):
        following = after.text if after else ""
        wanted = {"ORDER": "BY", "INDEXED": "BY", "NOT": "INDEXED"}.get(word.text, following)
        late = "WHERE" in found or "SET" in found
        if word.text == "FROM" and ("SET" not in found or (before and before.text == "DISTINCT")):
            continue  # of DELETE FROM, or of IS DISTINCT FROM
        if word.text in _CLAUSES and following == wanted and not (word.text in ("INDEXED", "NOT") and late):
            found.setdefault(word.text, word.start)
    return found


def target_of(words: list[Word], verb: int, before: int, sql: str) -> Target:
    """Return the table of an UPDATE or DELETE.

    Args:
        words: The words of the statement.
        verb: Which of them is UPDATE or DELETE.
        before: Where the first clause starts.
        sql: The statement.
    """
    rest = [word for word in words[verb + 1 :] if word.start < before and word.text != ";"]
    while rest and rest[0].text in ("FROM", "OR", "ROLLBACK", "ABORT", "REPLACE", "FAIL", "IGNORE"):
        rest.pop(0)
    if not rest:
        return Target(before, before, "", "")
    named = rest[2] if len(rest) > 2 and rest[1].text == "." else rest[0]  # noqa: PLR2004 - schema, dot, name
    name = sql[named.start : named.end]
    called = sql[rest[-1].start : rest[-1].end]
    return Target(rest[0].start, rest[-1].end, name.strip('"`[]') if name[0] in '"`[' else name, called)
