"""A migrated database, made once, and copies of it, made for each test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pytest_cfworkers.d1.database import D1Database, database_over
from pytest_cfworkers.d1.engine import Engine
from pytest_cfworkers.d1.migrations import DEFAULT_PATTERN, DEFAULT_TABLE, apply_migrations, apply_script

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from pytest_cfworkers.d1.engine_limits import LimitSet


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The content of a database at one moment.

    Attributes:
        image: The content, as SQLite serializes it. None for an empty database.
    """

    image: bytes | None = None

    @classmethod
    def migrated(
        cls, directory: str | os.PathLike[str], *, table: str = DEFAULT_TABLE, pattern: str = DEFAULT_PATTERN
    ) -> Self:
        """Apply a wrangler project's migrations to an empty database and keep the result.

        Args:
            directory: `migrations_dir` of the D1 binding.
            table: `migrations_table` of the D1 binding.
            pattern: `migrations_pattern` of the D1 binding, seen from the directory.

        Raises:
            MigrationError: The directory is missing, or a file fails; the message names file and line.
        """
        engine = Engine()
        apply_migrations(engine, directory, table, pattern)
        return cls(engine.image())

    @classmethod
    def of_script(cls, path: Path) -> Self:
        """Run a schema file on an empty database and keep the result.

        Args:
            path: A file of SQL statements.

        Raises:
            MigrationError: The file cannot be read, or fails; the message names file and line.
        """
        engine = Engine()
        apply_script(engine, path)
        return cls(engine.image())

    @classmethod
    def of(cls, engine: Engine) -> Self:
        """Keep what a database in this process holds now."""
        return cls(engine.image())

    def database(self, *, limits: LimitSet = "documented") -> D1Database:
        """Return a new database with this content, in memory; changes to it are seen by nobody else.

        Args:
            limits: As of `D1Database`.
        """
        return database_over(self.engine(limits=limits))

    def engine(self, *, limits: LimitSet = "documented") -> Engine:
        """Return the engine of a new database with this content.

        Args:
            limits: As of `D1Database`.
        """
        return Engine(limits=limits, image=self.image)
