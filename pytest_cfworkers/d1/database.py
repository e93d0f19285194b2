"""The D1 binding: what `env.DB` is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pytest_cfworkers.d1.channel import BackendChannel, Channel
from pytest_cfworkers.d1.errors import D1Error, JsException, Refused
from pytest_cfworkers.d1.javascript import WHITESPACE
from pytest_cfworkers.d1.result import JsDict
from pytest_cfworkers.d1.sending import note_for_traces, type_error
from pytest_cfworkers.d1.session import Connection, D1DatabaseSession, StatementSource, open_session
from pytest_cfworkers.d1.statement import execution_error
from pytest_cfworkers.d1.values import refuse_unsendable

if TYPE_CHECKING:
    import os

    from pytest_cfworkers.d1.backend import Backend


class D1Database(StatementSource):
    """A D1 database as Python code in a Worker sees it, without a Worker.

    It has the methods that the platform has and no others.
    https://developers.cloudflare.com/d1/worker-api/d1-database/ (checked 2026-11-24)

    Args:
        path: A file that keeps the data, or `":memory:"`.
        limits: `"documented"`: production's documented limits; `"local"`: the looser ones of open-source
            workerd (127 function arguments instead of 32, values beyond 2,000,000 bytes).

    Raises:
        ValueError: `limits` is neither, or the path is empty.
        DatabaseFileError: The file is not an SQLite database, or its directory does not exist.
    """

    __slots__ = ("__weakref__", "_channel")

    _channel: Channel

    def __init__(
        self,
        path: str | os.PathLike[str] = ":memory:",
        *,
        limits: Literal["documented", "local"] = "documented",
    ) -> None:
        # Imported here so that a lane without SQLite does not need apsw.
        from pytest_cfworkers.d1.engine import Engine  # noqa: PLC0415

        self._connect(Engine(path, limits=limits))

    def _connect(self, backend: Backend) -> None:
        channel = self._channel = BackendChannel(backend)
        self._connection = Connection(channel)

    async def exec(self, sql: str, /) -> JsDict:
        """Run a text line by line, in one transaction, without parameters.

        Each *line* is one query: a statement over two lines fails, several statements on one line count once.

        Args:
            sql: The text.

        Returns:
            `count`, the number of lines that held a statement, and `duration` in milliseconds.

        Raises:
            D1Error: `D1_EXEC_ERROR`: a line failed; nothing remains. The message always names line 1.
        """
        __tracebackhide__ = True
        if not isinstance(sql, str):
            raise _no_text(sql)
        lines = sql.strip(WHITESPACE).split("\n")
        try:
            answer = await self._connection.channel.send("exec", [(line, ()) for line in lines])
        except Refused as refused:
            if refused.kind == "reset":
                raise execution_error(refused) from None
            reason = f"Error in line 1: {lines[0]}: {refused.reason}"
            raise D1Error.caused("D1_EXEC_ERROR", reason) from None
        return JsDict(count=len(answer.results), duration=sum(meta["duration"] for _, _, meta in answer.results))

    def withSession(self, constraint: str | None = None, /) -> D1DatabaseSession:  # noqa: N802 - the platform's name
        """Return a session.

        Args:
            constraint: `"first-unconstrained"` (the default), `"first-primary"`, or a bookmark.

        Raises:
            D1Error: A TypeError of JavaScript, for anything but a string.
        """
        __tracebackhide__ = True
        return open_session(self._connection.channel, constraint)

    async def dump(self) -> bytes:
        """Fail, as it does for every database since the alpha of D1.

        Raises:
            D1Error: `D1_DUMP_ERROR`, always.
        """
        __tracebackhide__ = True
        await self._connection.channel.send("dump", ())
        raise D1Error("D1_DUMP_ERROR: Status + 404", cause=JsException("Status 404"))


def _no_text(sql: object) -> D1Error:
    """Return the TypeError of JavaScript for an argument of `exec` that is no string."""
    refuse_unsendable(sql)
    note_for_traces(sql)
    if sql is None:
        return type_error("Cannot read properties of null (reading 'trim')")
    return type_error("query.trim is not a function")


def database_over(backend: Backend) -> D1Database:
    """Return the binding over another backend than the in-process engine."""
    database = D1Database.__new__(D1Database)
    database._connect(backend)  # noqa: SLF001 - the module's own class
    return database


def channel_of(database: D1Database) -> Channel:
    """Return the channel of a database: where budgets watch and faults strike.

    It is a function so that the binding itself shows nothing that the platform lacks.
    """
    return database._channel  # noqa: SLF001 - the module's own class
