"""Where one statement of a text ends and the next begins.

SQLite's own parser takes one statement at a time; the runtime then runs it and goes on behind it.
https://github.com/cloudflare/workerd/blob/main/src/workerd/util/sqlite.c++ (checked 2026-11-24)
"""

from __future__ import annotations

import re
from typing import Final

from pytest_cfworkers.d1.javascript import WHITESPACE

# What SQLite's tokenizer knows, as far as it hides a semicolon or spells a word.
# https://sqlite.org/lang_comment.html, https://sqlite.org/lang_keywords.html (checked 2026-11-24)
TOKEN: Final = re.compile(
    r"""
      (?P<space> [\ \t\n\r\f]+ | --[^\n]*\n? | /\*(?:.*?\*/|.*\Z) )
    | (?P<string> '(?:[^']|'')*(?:'|\Z) )
    | (?P<quoted> "(?:[^"]|"")*(?:"|\Z) | `(?:[^`]|``)*(?:`|\Z) | \[[^\]]*(?:\]|\Z) )
    | (?P<word> [A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]* )
    | (?P<semicolon> ; )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)

# The whitespace that the runtime, and not SQLite, skips between two statements.
_GAP: Final = re.compile(r"[ \t\n\r\v\f]*")
_INDENTED_COMMENT: Final = re.compile(rf"^[{WHITESPACE}]+--[^\n\r\u2028\u2029]*", re.MULTILINE)


def holds_statement(sql: str) -> bool:
    """Whether a text counts as a statement at all: blank ones and indented comments are dropped."""
    if "--" in sql:
        sql = _INDENTED_COMMENT.sub("", sql)
    return bool(sql.strip(WHITESPACE))


def split_statements(sql: str) -> list[str]:
    """Cut a text into the pieces that are prepared one after the other.

    Args:
        sql: Any text.

    Returns:
        At least one piece. Each but the last ends with its semicolon. The last may hold no statement: a
        comment behind the last semicolon does that. A NUL ends a text early and leaves an empty piece behind
        it.
    """
    pieces = []
    text, nul, _ = sql.partition("\0")
    start = 0
    while True:
        end = _end_of_statement(text, start)
        pieces.append(text[start:end])
        gap = _GAP.match(text, end)
        start = gap.end() if gap else end
        if start >= len(text):
            return [*pieces, ""] if nul else pieces


def _end_of_statement(text: str, start: int) -> int:
    """Return the position behind the semicolon that ends the first statement, or the end of the text."""
    if text.find(";", start) == -1:
        return len(text)
    words: list[str] = []
    in_trigger = False
    ending = ""  # inside a trigger, "; END ;" ends the statement: what has been seen of it
    for token in TOKEN.finditer(text, start):
        kind = token.lastgroup
        if kind == "space":
            continue
        if kind != "semicolon":
            word = token[0].upper() if kind == "word" else ""
            if len(words) < _WORDS_OF_A_TRIGGER:
                words.append(word)
                in_trigger = in_trigger or _starts_trigger(words)
            ending = ";end" if ending == ";" and word == "END" else ""
        elif in_trigger and ending != ";end":
            ending = ";"
        elif words:
            return token.end()
    return len(text)


_WORDS_OF_A_TRIGGER: Final = 6  # EXPLAIN QUERY PLAN CREATE TEMP TRIGGER


def _starts_trigger(words: list[str]) -> bool:
    rest = words[1:] if words[:1] == ["EXPLAIN"] else words
    rest = rest[2:] if rest[:2] == ["QUERY", "PLAN"] else rest
    return rest[:2] == ["CREATE", "TRIGGER"] or (
        rest[:1] == ["CREATE"] and rest[1:2] in (["TEMP"], ["TEMPORARY"]) and rest[2:3] == ["TRIGGER"]
    )
