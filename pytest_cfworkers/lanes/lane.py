"""The workerd lane of one pytest run: starts the runtime when it is needed and hands out databases."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pytest_cfworkers.d1.database import channel_of
from pytest_cfworkers.lanes.bridge import CALL_SECONDS, Bridge
from pytest_cfworkers.lanes.database import WorkerdChannel, WorkerdDatabase
from pytest_cfworkers.lanes.errors import LaneError
from pytest_cfworkers.lanes.remote import RemoteDatabase
from pytest_cfworkers.lanes.wire import Chain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from pytest_cfworkers.d1.backend import Query
    from pytest_cfworkers.d1.database import D1Database


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of a database at one moment, outside of the runtime.

    Attributes:
        files: Paths by their endings.
    """

    files: dict[str, Path]


class WorkerdLane:
    """Owns one runtime at a time, for as long as it lives.

    A pytest session makes one of these (each xdist worker its own), asks it for a database for each test, and
    closes it at its end. A runtime that has died is replaced when the next database is asked for.

    Args:
        call_seconds: How long a call may take before the runtime is stopped.
    """

    def __init__(self, *, call_seconds: float = CALL_SECONDS) -> None:
        self._call_seconds = call_seconds
        self._bridge: Bridge | None = None
        self._starting = threading.Lock()
        self._names = itertools.count(1)
        self._snapshots: tempfile.TemporaryDirectory[str] | None = None

    @property
    def bridge(self) -> Bridge:
        """The running runtime; starts one where none runs.

        Raises:
            LaneUnavailable: Node or the runtime is not installed.
            RuntimeFailed: It did not start.
        """
        with self._starting:
            if self._bridge is not None and not self._bridge.alive:
                self._bridge.close()
                self._bridge = None
            if self._bridge is None:
                self._bridge = Bridge(call_seconds=self._call_seconds)
            return self._bridge

    def fresh_database(self, snapshot: Snapshot | None = None) -> WorkerdDatabase:
        """Return a database that no request has touched.

        Args:
            snapshot: What it holds at the start; nothing if left out. As after a restart of the runtime,
                `last_row_id` starts at 0 and settings of the connection at their defaults.

        Raises:
            LaneUnavailable: Node or the runtime is not installed.
            RuntimeFailed: The runtime did not start.
        """
        remote = RemoteDatabase(self.bridge, f"database {next(self._names)}")
        if snapshot is not None:
            places = remote.files()
            for ending, source in snapshot.files.items():
                places[ending].parent.mkdir(exist_ok=True)
                shutil.copyfile(source, places[ending])
        return WorkerdDatabase(remote)

    def apply(self, database: D1Database, queries: Sequence[Query]) -> None:
        """Run statements in one transaction, from code that cannot await.

        Raises:
            D1Error: One of them failed; nothing of them remains.
            LaneError: It is not a database of this lane, or its runtime has ended.
        """
        statements = [Chain().then("prepare", sql) for sql, _ in queries]
        bound = [
            statement.then("bind", *params) if params else statement
            for statement, (_, params) in zip(statements, queries, strict=True)
        ]
        _remote(database).run_blocking(Chain().then("batch", bound))

    def snapshot(self, database: D1Database) -> Snapshot:
        """Return what a database holds now; no call on it may be running.

        Raises:
            LaneError: It is not a database of this lane, or its runtime has ended.
        """
        remote = _remote(database)
        if self._snapshots is None:
            self._snapshots = tempfile.TemporaryDirectory(prefix="pytest-cfworkers-", ignore_cleanup_errors=True)
        folder = Path(tempfile.mkdtemp(dir=self._snapshots.name))
        files = {}
        for ending, source in remote.files().items():
            with contextlib.suppress(FileNotFoundError):
                files[ending] = Path(shutil.copyfile(source, folder / f"database{ending}"))
        return Snapshot(files)

    def release(self, database: D1Database) -> None:
        """Remove a database; it must not be used again. A runtime that has ended took its databases with it.

        Raises:
            LaneError: It is not a database of this lane.
            RuntimeFailed: The runtime has ended, and nobody has been told yet.
        """
        remote = _remote(database)
        if not remote.bridge.end_told:
            remote.remove()

    def close(self) -> None:
        """End the runtime and remove everything it stored. Idempotent."""
        with self._starting:
            if self._bridge is not None:
                self._bridge.close()
                self._bridge = None
        if self._snapshots is not None:
            self._snapshots.cleanup()
            self._snapshots = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _remote(database: D1Database) -> RemoteDatabase:
    channel = channel_of(database)
    if not isinstance(channel, WorkerdChannel):
        raise LaneError(f"{database!r} is not a database of the workerd lane")
    return channel.remote
