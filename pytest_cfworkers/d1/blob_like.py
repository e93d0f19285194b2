"""LIKE and GLOB over blobs.

PyPI's SQLite is built with SQLITE_LIKE_DOESNT_MATCH_BLOBS, the runtime's without: there `x'61' LIKE 'a'`
holds. So both are replaced as soon as a blob may be about; until then SQLite's own, which can use an index,
remains. https://sqlite.org/compile.html#like_doesnt_match_blobs (checked 2026-11-24)
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import apsw

_MAKES_BLOB: Final = re.compile(r"(?<![\w'])x'[0-9a-f]*'|\bblob\b|zeroblob|randomblob|unhex|jsonb", re.IGNORECASE)
_DEFINES: Final = re.compile(r"\s*(?:create|alter)\b(?!.*\bselect\b)", re.IGNORECASE | re.DOTALL)
_CASE_SENSITIVE: Final = re.compile(r"case_sensitive_like\s*[=(]\s*['\"]?(\w+)", re.IGNORECASE)
_WITHOUT_ESCAPE: Final = 2
_UPPER_TO_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def may_make_blob(sql: str) -> bool:
    """Whether a statement's text can bring a blob into being."""
    return _MAKES_BLOB.search(sql) is not None and _DEFINES.match(sql) is None


class BlobLike:
    """Replaces LIKE and GLOB on one connection, once.

    Args:
        connection: The connection.
        pattern_bytes: The longest pattern, in bytes.
    """

    def __init__(self, connection: apsw.Connection, pattern_bytes: int) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._pattern_bytes = pattern_bytes
        self._case_sensitive = False
        self.active: bool = False

    def activate(self) -> None:
        """Replace LIKE and GLOB from now on; later, if a statement stands on a row just now."""
        create = self._connection.create_scalar_function
        try:
            for arguments in (2, 3):
                create("like", self._like, arguments, deterministic=True)
            create("glob", self._glob, 2, deterministic=True)
        except apsw.BusyError:
            return
        self.active = True

    def follow_pragma(self, sql: str) -> None:
        """Stay in place after `PRAGMA case_sensitive_like`, which makes SQLite put in its own again.

        Args:
            sql: A pragma that has run.
        """
        setting = _CASE_SENSITIVE.search(sql)
        if setting is None:
            return
        self._case_sensitive = setting[1].lower() in ("1", "on", "yes", "true")
        if self.active:
            self.activate()

    def _like(self, *arguments: apsw.SQLiteValue) -> int | None:
        pattern, text = self._pattern(arguments[0]), self._as_text(arguments[1])
        escape = self._as_text(arguments[2]) if len(arguments) > _WITHOUT_ESCAPE else ""
        if escape is None:
            return None
        if len(arguments) > _WITHOUT_ESCAPE and len(escape) != 1:
            raise apsw.SQLError("ESCAPE expression must be a single character")
        if pattern is None or text is None:
            return None
        matcher = _like_matcher(self._folded(pattern), self._folded(escape))
        return int(matcher.fullmatch(self._folded(text)) is not None)

    def _glob(self, *arguments: apsw.SQLiteValue) -> int | None:
        pattern, text = self._pattern(arguments[0]), self._as_text(arguments[1])
        if pattern is None or text is None:
            return None
        matcher = _glob_matcher(pattern)
        return int(matcher is not None and matcher.fullmatch(text) is not None)

    def _pattern(self, value: apsw.SQLiteValue) -> str | None:
        pattern = self._as_text(value)
        if pattern is not None and len(pattern.encode()) > self._pattern_bytes:
            raise apsw.SQLError("LIKE or GLOB pattern too complex")
        return pattern

    def _as_text(self, value: apsw.SQLiteValue) -> str | None:
        if value is None:
            return None
        if isinstance(value, float):  # SQLite writes more digits than Python
            [(value,)] = self._cursor.execute("SELECT CAST(? AS TEXT)", (value,))
        text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        return text.partition("\0")[0]

    def _folded(self, text: str) -> str:
        return text if self._case_sensitive else text.translate(_UPPER_TO_LOWER)


@lru_cache(maxsize=256)
def _like_matcher(pattern: str, escape: str) -> re.Pattern[str]:
    parts = []
    characters = iter(pattern)
    for character in characters:
        if character == escape:
            escaped = next(characters, None)
            parts.append("(?!)" if escaped is None else re.escape(escaped))  # nothing matches a dangling escape
        else:
            parts.append({"%": ".*", "_": "."}.get(character) or re.escape(character))
    return re.compile("".join(parts), re.DOTALL)


@lru_cache(maxsize=256)
def _glob_matcher(pattern: str) -> re.Pattern[str] | None:
    """Return a matcher for a GLOB pattern, or None for one that matches nothing: a set without its end."""
    parts = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "[":
            negated = pattern[at : at + 1] == "^"
            start = at + negated
            # A bracket directly behind the opening one belongs to the set.
            end = pattern.find("]", start + 1)
            if end == -1:
                return None
            members = _glob_set(pattern[start:end])
            if members:
                parts.append(f"[{'^' if negated else ''}{members}]")
            else:
                parts.append("." if negated else "(?!)")
            at = end + 1
        else:
            parts.append({"*": ".*", "?": "."}.get(character) or re.escape(character))
    return re.compile("".join(parts), re.DOTALL)


def _glob_set(members: str) -> str:
    """Return the members of a set as a regular expression has them; a dash between two makes a range."""
    written = []
    at = 0
    while at < len(members):
        if members[at + 1 : at + 2] == "-" and at + 2 < len(members):
            low, high = members[at], members[at + 2]
            if low <= high:
                written.append(f"{re.escape(low)}-{re.escape(high)}")
            at += 3
        else:
            written.append(re.escape(members[at]))
            at += 1
    return "".join(written)
