"""Who sends a statement: the database itself, or a session that follows bookmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_cfworkers.d1.backend import Query
from pytest_cfworkers.d1.errors import D1Error, Refused
from pytest_cfworkers.d1.javascript import WHITESPACE
from pytest_cfworkers.d1.result import JsDict, d1_result
from pytest_cfworkers.d1.statement import D1PreparedStatement, execution_error, query_of
from pytest_cfworkers.d1.values import refuse_unsendable

if TYPE_CHECKING:
    from pytest_cfworkers.d1.backend import RawResult
    from pytest_cfworkers.d1.channel import Channel

FIRST_UNCONSTRAINED: Final = "first-unconstrained"
FIRST_PRIMARY: Final = "first-primary"


class Connection:
    """Sends queries through a channel, and remembers the latest bookmark.

    Args:
        channel: where requests go.
        start: a constraint or a bookmark; None for the database itself, which keeps no bookmark.
    """

    __slots__ = ("_start", "channel")

    def __init__(self, channel: Channel, start: str | None = None) -> None:
        self.channel: Channel = channel
        self._start = start

    async def query(self, query: Query) -> RawResult:
        """Run one statement."""
        __tracebackhide__ = True
        try:
            answer = await self.channel.send("query", (query,))
        except Refused as refused:
            raise execution_error(refused) from None
        if self._start is not None:
            self._follow(answer.bookmark)
        return answer.results[0]

    async def batch(self, queries: list[Query]) -> list[JsDict]:
        """Run statements in one transaction."""
        __tracebackhide__ = True
        try:
            answer = await self.channel.send("batch", queries)
        except Refused as refused:
            raise execution_error(refused) from None
        self._follow(answer.bookmark)
        return [d1_result(raw) for raw in answer.results]

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


def batch_queries(statements: object) -> list[Query]:
    """Return the queries of `batch`'s argument.

    Raises:
        TypeError: the SDK does not send the argument (a tuple).
        D1Error: JavaScript finds no list of prepared statements in it.
    """
    if not isinstance(statements, list):
        refuse_unsendable(statements)
        raise D1Error("statements.map is not a function", name="TypeError")
    for statement in statements:
        if not isinstance(statement, D1PreparedStatement):
            refuse_unsendable(statement)
            raise D1Error("batch() takes prepared statements", name="TypeError")
    return [query_of(statement) for statement in statements]


class D1DatabaseSession:
    """What `withSession` returns: statements that read at least what the session has seen.

    https://developers.cloudflare.com/d1/best-practices/read-replication/ (checked 2026-11-24)
    """

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def prepare(self, sql: str, /) -> D1PreparedStatement:
        """Return a statement of this session; nothing is sent or checked before it runs."""
        return D1PreparedStatement(self._connection, Query(sql))

    async def batch(self, statements: list[D1PreparedStatement], /) -> list[JsDict]:
        """Run statements in one transaction and one round trip.

        Returns:
            One result for each statement, in order.

        Raises:
            D1Error: `D1_ERROR`: one of them failed; nothing of the batch remains.
            TypeError: a tuple of statements, which the SDK does not send.
        """
        __tracebackhide__ = True
        return await self._connection.batch(batch_queries(statements))

    def getBookmark(self) -> str | None:  # noqa: N802 - the platform's name
        """Return the latest bookmark that the session has seen, or None before its first query."""
        return self._connection.bookmark


def open_session(channel: Channel, constraint: object) -> D1DatabaseSession:
    """Return a session for what `withSession` was given.

    Raises:
        D1Error: a TypeError of JavaScript, for a constraint that is no string.
        TypeError: a value that the SDK does not send.
    """
    refuse_unsendable(constraint)
    if constraint is not None and not isinstance(constraint, str):
        raise D1Error("constraintOrBookmark?.trim is not a function", name="TypeError")
    start = (constraint or "").strip(WHITESPACE) or FIRST_UNCONSTRAINED
    return D1DatabaseSession(Connection(channel, start))
