"""LIKE over blobs.

PyPI's SQLite is built with SQLITE_LIKE_DOESNT_MATCH_BLOBS, the runtime's without: there `x'61' LIKE 'a'`
holds. So LIKE is replaced as soon as a blob may be about; until then SQLite's own, which can use an index,
remains. https://sqlite.org/compile.html#like_doesnt_match_blobs (checked 2026-11-24)
"""

from __future__ import annotations

import re
from typing import Final

import apsw

_MAKES_BLOB: Final = re.compile(r"(?<![\w'])x'[0-9a-f]*'|\bblob\b|zeroblob|randomblob|unhex|jsonb", re.IGNORECASE)
_DEFINES: Final = re.compile(r"\s*(?:create|alter)\b(?!.*\bselect\b)", re.IGNORECASE | re.DOTALL)
_UPPER_TO_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def may_make_blob(sql: str) -> bool:
    """Whether a statement's text can bring a blob into being."""
    return _MAKES_BLOB.search(sql) is not None and _DEFINES.match(sql) is None


class BlobLike:
    """Replaces LIKE on one connection, once.

    Args:
        connection: the connection.
        pattern_bytes: the longest pattern, in bytes.
    """

    def __init__(self, connection: apsw.Connection, pattern_bytes: int) -> None:
        self._connection = connection
        self._pattern_bytes = pattern_bytes
        self._case_sensitive = False
        self.active = False

    def activate(self) -> None:
        """Replace LIKE from now on."""
        self.active = True
        for arguments in (2, 3):
            self._connection.create_scalar_function("like", self._like, arguments, deterministic=True)

    def follow_pragma(self, *, case_sensitive: bool) -> None:
        """Stay in place after `PRAGMA case_sensitive_like`, which makes SQLite put in its own again."""
        self._case_sensitive = case_sensitive
        if self.active:
            self.activate()

    def _like(self, *arguments: apsw.SQLiteValue) -> int | None:
        pattern, text, *rest = arguments
        escape = rest[0] if rest else ""
        pattern_text = _as_text(pattern)
        if pattern_text is not None and len(pattern_text.encode()) > self._pattern_bytes:
            raise apsw.SQLError("LIKE or GLOB pattern too complex")
        escape_text = _as_text(escape)
        if escape_text is None:
            return None
        if escape != "" and len(escape_text) != 1:
            raise apsw.SQLError("ESCAPE expression must be a single character")
        value = _as_text(text)
        if pattern_text is None or value is None:
            return None
        return int(_matcher(pattern_text, escape_text, self._case_sensitive).fullmatch(self._folded(value)) is not None)

    def _folded(self, text: str) -> str:
        return text if self._case_sensitive else text.translate(_UPPER_TO_LOWER)


def _as_text(value: apsw.SQLiteValue) -> str | None:
    if value is None or isinstance(value, str):
        text = value
    elif isinstance(value, bytes):
        text = value.decode(errors="replace")
    else:
        text = str(apsw.format_sql_value(value))
    return None if text is None else text.partition("\0")[0]


def _matcher(pattern: str, escape: str, case_sensitive: bool) -> re.Pattern[str]:
    parts = []
    characters = iter(pattern if case_sensitive else pattern.translate(_UPPER_TO_LOWER))
    escape = escape if case_sensitive else escape.translate(_UPPER_TO_LOWER)
    for character in characters:
        if character == escape:
            parts.append(re.escape(next(characters, "")))
        else:
            parts.append({"%": ".*", "_": "."}.get(character) or re.escape(character))
    return re.compile("".join(parts), re.DOTALL)
