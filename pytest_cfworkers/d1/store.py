"""What the runtime's Durable Object keeps for a database: the connection, its transaction, its size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from pytest_cfworkers.d1.blob_like import BlobLike
from pytest_cfworkers.d1.compiled import Compiler
from pytest_cfworkers.d1.connection import MEMORY, open_connection
from pytest_cfworkers.d1.engine_limits import PAGE_SIZE
from pytest_cfworkers.d1.limited_writes import RowKey
from pytest_cfworkers.d1.row_counter import RowCounter
from pytest_cfworkers.d1.rules import Acts, Authorizer

if TYPE_CHECKING:
    from pytest_cfworkers.d1.engine_limits import LimitSet

_SAVEPOINT = "_cf_savepoint_0"
CACHE_USED = apsw.SQLITE_DBSTATUS_CACHE_USED
_BEGIN = f"SAVEPOINT {_SAVEPOINT}"
_COMMIT = f"RELEASE {_SAVEPOINT}"


class Store:
    """An open database.

    Args:
        path: A file, or `":memory:"`.
        limits: Whose numbers hold.
        image: The content of a database in memory, as `image()` gives it; None for an empty one.

    Attributes:
        connection: The open connection; another one after a reset.
        authorizer: The rules, and what the statement compiled last does.
        compiler: Compiles without running.
        cache_used: With so many bytes of pages in memory the size is what it was last; -1 where that is no sign.
        generation: Changes whenever what was known about compiled statements may be out of date.

    Raises:
        DatabaseFileError: The file cannot be used.
    """

    def __init__(self, path: str, limits: LimitSet, image: bytes | None = None) -> None:
        self.path = path
        self.limits: LimitSet = limits
        self.authorizer: Authorizer = Authorizer()
        self.generation: int = 0
        self._open(image)

    def _open(self, image: bytes | None) -> None:
        self.authorizer.trusted = True
        self.connection: apsw.Connection = open_connection(self.path, self.limits, self.authorizer, image)
        self.authorizer.trusted = False
        self.blob_like: BlobLike = BlobLike(
            self.connection, self.connection.limit(apsw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH)
        )
        if image is not None or self.path != MEMORY:
            self.blob_like.activate()
        self.compiler: Compiler = Compiler(self.connection, self.authorizer, self.key_of)
        self.row_counter: RowCounter = RowCounter(self)
        self._own = self.connection.cursor()
        self._sizes = self.connection.cursor()
        self._none_free = False
        self.cache_used: int = -1
        self._size = 0
        self.generation += 1

    def run_own(self, sql: str, bindings: tuple[object, ...] = ()) -> list[tuple[apsw.SQLiteValue, ...]]:
        """Run a statement of the engine's own, which no rule restricts."""
        authorizer = self.authorizer
        authorizer.trusted = True
        try:
            return self._own.execute(sql, bindings).fetchall()
        finally:
            authorizer.trusted = False

    def begin(self) -> None:
        """Open the transaction of a request."""
        self.run_own(_BEGIN)

    def commit(self) -> None:
        """Keep what the request did.

        Raises:
            apsw.ConstraintError: A deferred foreign key is violated.
            apsw.Error: A statement that writes is still running.
        """
        self.run_own(_COMMIT)

    def roll_back(self) -> bool:
        """Undo what the request did.

        Returns:
            False if SQLite had already ended the transaction by itself.
        """
        self.generation += 1
        self.size_changed()
        if not self.connection.in_transaction:
            return False
        self.run_own(f"ROLLBACK TO {_SAVEPOINT}")
        self.run_own(_COMMIT)
        return True

    def note_acts(self, acts: Acts) -> None:
        """Take down what a statement has done; a pragma may have done more than its compiling showed."""
        if Acts.PRAGMA in acts:
            acts |= self.authorizer.acts
        if Acts.SCHEMA in acts:
            self.generation += 1
            if Acts.ANALYZES in acts:
                self._drop_wider_statistics()

    def _drop_wider_statistics(self) -> None:
        """Remove the table of samples that PyPI's SQLite collects in ANALYZE and the runtime's does not."""
        if self.run_own("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat4'"):
            self.run_own("DROP TABLE sqlite_stat4")

    def key_of(self, table: str) -> RowKey:
        """Return what names a row of a table or view."""
        columns = self.run_own("SELECT lower(name), name, pk FROM pragma_table_xinfo(?)", (table,))
        kinds = self.run_own("SELECT type, wr FROM pragma_table_list WHERE name = ? COLLATE NOCASE", (table,))
        kind, without_rowid = kinds[0] if kinds else ("table", 0)
        if kind == "view":
            return RowKey(tuple(_quoted(name) for _, name, _ in columns), of_view=True)
        if without_rowid:
            return RowKey(tuple(_quoted(name) for _, name in sorted((pk, name) for _, name, pk in columns if pk)))
        taken = {column[0] for column in columns}
        return RowKey((next((name for name in ("rowid", "_rowid_", "oid") if name not in taken), "rowid"),))

    def size(self) -> int:
        """Return the size of the database in bytes, free pages not counted."""
        if self.connection.status(CACHE_USED)[0] == self.cache_used:
            return self._size
        authorizer = self.authorizer
        authorizer.trusted = True
        pages: int = self._sizes.execute("PRAGMA page_count").fetchall()[0][0]  # type: ignore[assignment]
        free: int = 0
        if not self._none_free:
            free = self._sizes.execute("PRAGMA freelist_count").fetchall()[0][0]  # type: ignore[assignment]
        authorizer.trusted = False
        # A new page takes memory, so that as long as no page is free, equal memory means equal size.
        self._none_free = not free and self.path == MEMORY
        self.cache_used = self.connection.status(CACHE_USED)[0] if self._none_free else -1
        self._size = (pages - free) * PAGE_SIZE
        return self._size

    def size_changed(self) -> None:
        """Measure anew next time: something may have set pages free."""
        self._none_free = False
        self.cache_used = -1

    def image(self) -> bytes:
        """Return the content of the database, as of its last committed request."""
        self.authorizer.trusted = True  # serializing reads a pragma
        try:
            return self.connection.serialize("main")
        finally:
            self.authorizer.trusted = False

    def reset(self) -> None:
        """Start anew from what was committed: settings and counters of the connection are lost."""
        if self.connection.in_transaction:
            self.run_own("ROLLBACK")
        image = self.image() if self.path == MEMORY else None
        self.connection.close(force=True)
        self._open(image)

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close(force=True)


def _quoted(name: object) -> str:
    return '"' + str(name).replace('"', '""') + '"'
