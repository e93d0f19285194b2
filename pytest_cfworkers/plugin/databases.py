"""Where the databases of `cf_d1` come from: migrated once in a run, and a copy for each test."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, final

from pytest_cfworkers.d1.migrations import DEFAULT_PATTERN, DEFAULT_TABLE, transactions
from pytest_cfworkers.d1.snapshot import Snapshot
from pytest_cfworkers.plugin.options import D1Limits

if TYPE_CHECKING:
    from pytest_cfworkers.d1 import D1Database
    from pytest_cfworkers.lanes.lane import Snapshot as FileSnapshot


@final
@dataclass(frozen=True, slots=True)
class Schema:
    """What a database starts with.

    Attributes:
        path: An .sql file or a folder of migrations; None for nothing.
        table: Where applied migrations are recorded.
        pattern: Which files of the folder are migrations.
    """

    path: Path | None = None
    table: str = DEFAULT_TABLE
    pattern: str = DEFAULT_PATTERN

    def on_the_fake(self) -> Snapshot:
        """Make the database in this process.

        Raises:
            MigrationError: A file cannot be read or fails; names the file and the line.
        """
        if self.path is None:
            return Snapshot()
        if self.path.is_file():
            return Snapshot.of_script(self.path)
        return Snapshot.migrated(self.path, table=self.table, pattern=self.pattern)


class Lane(Protocol):
    """What stands behind the fixture."""

    def fresh(self, schema: Schema) -> "D1Database":
        """Return a database for one test."""

    def release(self, database: "D1Database") -> None:
        """Take it back.

        Raises:
            LaneError: What ran it has ended since, and no test has been told.
        """

    def close(self) -> None:
        """End what the lane runs."""


@final
class FakeLane:
    """Databases in this process.

    Args:
        limits: Whose limits hold.
    """

    def __init__(self, limits: D1Limits) -> None:
        self._limits: D1Limits = limits
        self._snapshots: dict[Schema, Snapshot] = {}

    def fresh(self, schema: Schema) -> "D1Database":
        """Return a database for one test."""
        if schema not in self._snapshots:
            self._snapshots[schema] = schema.on_the_fake()
        return self._snapshots[schema].database(limits=self._limits)

    def release(self, database: "D1Database") -> None:
        """Nothing to do: it goes with its last reference."""

    def close(self) -> None:
        """Nothing to do."""


@final
class RealLane:
    """Databases in the real runtime, which is started for the first of them."""

    def __init__(self) -> None:
        from pytest_cfworkers.lanes.lane import WorkerdLane  # noqa: PLC0415 - only where it is asked for

        self._lane = WorkerdLane()
        self._snapshots: dict[Schema, FileSnapshot] = {}

    def fresh(self, schema: Schema) -> "D1Database":
        """Return a database for one test."""
        if schema.path is None:
            return self._lane.fresh_database()
        if schema not in self._snapshots:
            schema.on_the_fake()  # which names the file and the line of a mistake
            template = self._lane.fresh_database()
            for queries in transactions(schema.path, schema.table, schema.pattern):
                self._lane.apply(template, queries)
            self._snapshots[schema] = self._lane.snapshot(template)
            self._lane.release(template)
        return self._lane.fresh_database(self._snapshots[schema])

    def release(self, database: "D1Database") -> None:
        """Remove the database."""
        self._lane.release(database)

    def close(self) -> None:
        """End the runtime."""
        self._lane.close()


LANES: dict[str, Callable[[D1Limits], Lane]] = {"fake": FakeLane, "workerd": lambda _: RealLane()}
"""By the values of the option."""
