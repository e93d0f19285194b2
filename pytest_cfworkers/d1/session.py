"""Who sends a statement: the database itself, or a session that follows bookmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_cfworkers.d1.errors import Refused
from pytest_cfworkers.d1.javascript import WHITESPACE
from pytest_cfworkers.d1.result import JsDict, d1_results
from pytest_cfworkers.d1.sending import batch_queries, queries_of, type_error
from pytest_cfworkers.d1.statement import D1PreparedStatement, execution_error
from pytest_cfworkers.d1.values import Refusable, refuse_unsendable

if TYPE_CHECKING:
    from pytest_cfworkers.d1.backend import Answer, Query, RawResult, RequestKind
    from pytest_cfworkers.d1.channel import BackendChannel

FIRST_UNCONSTRAINED: Final = "first-unconstrained"
FIRST_PRIMARY: Final = "first-primary"


class Connection:
    """Sends queries through a channel, and remembers the latest bookmark.

    Args:
        channel: Where requests go.
        start: A constraint or a bookmark; None for the database itself, which keeps no bookmark.
    """

    __slots__ = ("_start", "channel")

    def __init__(self, channel: BackendChannel, start: str | None = None) -> None:
        self.channel: BackendChannel = channel
        self._start = start

    async def query(self, query: Query, kind: RequestKind = "query") -> RawResult:
        """Run one statement."""
        __tracebackhide__ = True
        text: object = query[0]
        is_usual = isinstance(text, str) and type(query[1]) is not Refusable
        try:
            answer = await (self.channel.send(kind, (query,)) if is_usual else self._send_other(query))
        except Refused as refused:
            raise execution_error(refused) from None
        if self._start is not None:
            self._follow(answer.bookmark)
        return answer.results[0]

    async def _send_other(self, query: Query) -> Answer:
        __tracebackhide__ = True
        return await self.channel.send("batch", queries_of(query))

    async def batch(self, queries: list[Query]) -> list[JsDict]:
        """Run statements in one transaction."""
        __tracebackhide__ = True
        try:
            answer = await self.channel.send("batch", queries)
        except Refused as refused:
            raise execution_error(refused) from None
        self._follow(answer.bookmark)
        return d1_results(answer.results)

    @property
    def bookmark(self) -> str | None:
        """The latest bookmark, or None before the first answer."""
        return None if self._start in (FIRST_UNCONSTRAINED, FIRST_PRIMARY) else self._start

    def _follow(self, bookmark: str | None) -> None:
        if self._start is None or bookmark is None:
            return
        current = self.bookmark
        if current is None or current.casefold() < bookmark:
            self._start = bookmark


class StatementSource:
    """What a database and each of its sessions have in common: they make statements, and run several at once."""

    __slots__ = ("_connection",)

    _connection: Connection

    def prepare(self, sql: str, /) -> D1PreparedStatement:
        """Return a statement; nothing is sent or checked before it runs.

        Raises:
            TypeError: A value that the SDK does not send.
        """
        __tracebackhide__ = True
        if not isinstance(sql, str):
            refuse_unsendable(sql)
        return D1PreparedStatement(self._connection, (sql, ()))

    async def batch(self, statements: list[D1PreparedStatement], /) -> list[JsDict]:
        """Run statements in one transaction and one round trip.

        Args:
            statements: A list (the SDK refuses a tuple) of prepared statements.

        Returns:
            One result for each statement, in order, as `run()` gives it.

        Raises:
            D1Error: `D1_ERROR`: one of them failed; nothing of the batch remains.
            TypeError: The SDK does not send the argument.
        """
        __tracebackhide__ = True
        return await self._connection.batch(batch_queries(statements))


class D1DatabaseSession(StatementSource):
    """What `withSession` returns: statements that read at least what the session has seen.

    https://developers.cloudflare.com/d1/best-practices/read-replication/ (checked 2026-11-24)
    """

    __slots__ = ()

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def getBookmark(self) -> str | None:  # noqa: N802 - the platform's name
        """Return the latest bookmark that the session has seen, or None before its first query."""
        return self._connection.bookmark


def open_session(channel: BackendChannel, constraint: object) -> D1DatabaseSession:
    """Return a session for what `withSession` was given.

    Raises:
        D1Error: A TypeError of JavaScript, for a constraint that is no string.
        TypeError: A value that the SDK does not send.
    """
    __tracebackhide__ = True
    refuse_unsendable(constraint)
    if constraint is not None and not isinstance(constraint, str):
        raise type_error("constraintOrBookmark?.trim is not a function")
    start = (constraint or "").strip(WHITESPACE) or FIRST_UNCONSTRAINED
    return D1DatabaseSession(Connection(channel, start))
