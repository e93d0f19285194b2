"""Applies the migrations of a wrangler project, in wrangler's order, recorded as wrangler records them.

https://developers.cloudflare.com/d1/reference/migrations/,
https://github.com/cloudflare/workers-sdk/tree/main/packages/wrangler/src/d1/migrations (both checked
2026-11-24)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_cfworkers.d1.backend import Query
from pytest_cfworkers.d1.errors import Refused
from pytest_cfworkers.d1.splitting import split_statements

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from pytest_cfworkers.d1.engine import Engine

DEFAULT_TABLE: Final = "d1_migrations"
"""Where wrangler records what has been applied, unless `migrations_table` says otherwise."""

DEFAULT_PATTERN: Final = "*.sql"
"""Which files of `migrations_dir` are migrations, unless `migrations_pattern` says otherwise."""

# As some ORMs lay them out; wrangler, too, hints at the pattern.
_NESTED: Final = "*/migration.sql"

_TABLE: Final = """CREATE TABLE IF NOT EXISTS "{name}"(
\t\tid         INTEGER PRIMARY KEY AUTOINCREMENT,
\t\tname       TEXT UNIQUE,
\t\tapplied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
);"""
_OFFSET: Final = re.compile(r" at offset (\d+): SQLITE_")


class MigrationError(Exception):
    """A migration that cannot be read or applied; nothing of the failing file remains.

    The message names the file, and the line where it is known.
    """


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration file.

    Attributes:
        name: Its name within the directory, as wrangler records it.
        path: Where it is.
    """

    name: str
    path: Path


def find_migrations(directory: str | os.PathLike[str], pattern: str = DEFAULT_PATTERN) -> list[Migration]:
    """List the migrations of a directory in the order in which wrangler applies them.

    Args:
        directory: `migrations_dir` of the D1 binding.
        pattern: `migrations_pattern` of the D1 binding, seen from the directory.

    Returns:
        What matches: by the number that a name begins with, then by name, folder by folder.

    Raises:
        MigrationError: There is no such directory, or only folders of one migration each where none is looked for.
    """
    root = Path(directory)
    if not root.is_dir():
        raise MigrationError(
            f"No migrations present at {root}: the directory does not exist. "
            "Set migrations_dir of the D1 binding in the wrangler configuration, or create the directory."
        )
    names = sorted(_matching(root, pattern), key=_order)
    if not names and _matching(root, _NESTED):
        raise MigrationError(
            f"No migration in {root} matches {pattern}, but there are files that match {_NESTED}. "
            f'Set migrations_pattern = "{root.name}/{_NESTED}" of the D1 binding in the wrangler configuration.'
        )
    return [Migration(name, root / name) for name in names]


def _matching(root: Path, pattern: str) -> list[str]:
    """Return the files below a folder that a pattern matches; hidden ones only where it names the dot."""
    found = glob(pattern, root_dir=root, recursive=True)  # noqa: PTH207 - pathlib's `*` matches hidden files
    return [Path(name).as_posix() for name in found if (root / name).is_file()]


def _order(name: str) -> list[tuple[bool, int, str]]:
    numbers = [(segment, re.match(r"\d+", segment)) for segment in name.split("/")]
    return [(number is None, int(number[0]) if number else 0, segment) for segment, number in numbers]


def apply_migrations(
    engine: Engine,
    directory: str | os.PathLike[str],
    table: str = DEFAULT_TABLE,
    pattern: str = DEFAULT_PATTERN,
) -> list[str]:
    """Apply the migrations that a database has not seen yet.

    Each file is one transaction together with its record, as with `wrangler d1 migrations apply`.

    Args:
        engine: The database.
        directory: `migrations_dir` of the D1 binding.
        table: `migrations_table` of the D1 binding.
        pattern: `migrations_pattern` of the D1 binding, seen from the directory.

    Returns:
        The names of what was applied now, in order.

    Raises:
        MigrationError: A directory is missing, or a file cannot be read or fails; earlier files stay applied.
    """
    migrations = find_migrations(directory, pattern)
    quoted = table.replace('"', '""')
    engine.answer("query", [(_TABLE.format(name=quoted), ())])
    seen = {row[0] for row in engine.answer("query", [(f'SELECT name FROM "{quoted}"', ())]).results[0][1]}  # noqa: S608
    applied = []
    for migration in migrations:
        if migration.name not in seen:
            _apply(engine, migration, quoted)
            applied.append(migration.name)
    return applied


def transactions(path: Path, table: str = DEFAULT_TABLE, pattern: str = DEFAULT_PATTERN) -> Iterator[list[Query]]:
    """Yield what makes a schema, transaction by transaction, for a database that is not in this process.

    Args:
        path: `migrations_dir` of the D1 binding, or a file of SQL statements.
        table: `migrations_table` of the D1 binding.
        pattern: `migrations_pattern` of the D1 binding, seen from the directory.

    Raises:
        MigrationError: The directory is missing, or a file cannot be read.
    """
    if path.is_file():
        yield [(piece.sql, ()) for piece in _pieces(path)]
        return
    migrations = find_migrations(path, pattern)
    quoted = table.replace('"', '""')
    yield [(_TABLE.format(name=quoted), ())]
    for migration in migrations:
        yield [*((piece.sql, ()) for piece in _pieces(migration.path)), _record(migration, quoted)]


def _record(migration: Migration, quoted: str) -> Query:
    return f'INSERT INTO "{quoted}" (name) VALUES (?)', (migration.name,)  # noqa: S608 - a quoted name


def _apply(engine: Engine, migration: Migration, quoted: str) -> None:
    apply_script(engine, migration.path, [_record(migration, quoted)])


def apply_script(engine: Engine, path: Path, also: list[Query] | None = None) -> None:
    """Run the statements of a file, in one transaction.

    Args:
        engine: The database.
        path: A file of SQL statements.
        also: Queries that belong to the same transaction, behind the file's own.

    Raises:
        MigrationError: The file cannot be read, or one of its statements fails; nothing of it remains.
    """
    pieces = _pieces(path)
    queries = [(piece.sql, ()) for piece in pieces] + (also or [])
    if not queries:
        return
    try:
        engine.answer("batch", queries)
    except Refused as refused:
        piece = pieces[min(refused.position, len(pieces) - 1)]
        offset = _OFFSET.search(refused.reason)
        line = piece.line + (piece.sql.encode()[: int(offset[1])].count(b"\n") if offset else 0)
        raise MigrationError(f"{path}:{line}: {refused.reason}") from None


def _pieces(path: Path) -> list[_Piece]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MigrationError(f"{path}: cannot be read: {error}") from error
    return [piece for piece in _statements(text) if piece.sql]


@dataclass(frozen=True, slots=True)
class _Piece:
    sql: str
    line: int


def _statements(text: str) -> list[_Piece]:
    """Cut a file into its statements, with the line on which each starts."""
    pieces = []
    at = 0
    for sql in split_statements(text):
        start = text.index(sql, at) if sql else at
        at = start + len(sql)
        bare = _LEADING.match(sql)
        skipped = bare.end() if bare else 0
        pieces.append(_Piece(sql[skipped:].strip(), text.count("\n", 0, start + skipped) + 1))
    return pieces


_LEADING: Final = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?(?:\*/|\Z))*", re.DOTALL)
