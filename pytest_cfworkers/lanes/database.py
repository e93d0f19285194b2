"""The D1 binding over the real one: Python's side of each call is here, the rest happens in the runtime."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from pytest_cfworkers.d1.channel import Channel, RoundTrip
from pytest_cfworkers.d1.database import D1Database
from pytest_cfworkers.d1.errors import D1Error, Refused
from pytest_cfworkers.d1.session import D1DatabaseSession
from pytest_cfworkers.d1.statement import D1PreparedStatement
from pytest_cfworkers.d1.values import refuse_unsendable
from pytest_cfworkers.lanes.wire import Chain

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from pytest_cfworkers.d1.backend import Query, RequestKind
    from pytest_cfworkers.d1.result import JsDict
    from pytest_cfworkers.lanes.remote import RemoteDatabase

_sessions: Final = itertools.count(1)


class WorkerdChannel(Channel):
    """The way of every round trip to a database in the runtime, past whoever watches and past faults.

    Args:
        remote: The database.
    """

    def __init__(self, remote: RemoteDatabase) -> None:
        super().__init__()
        self.remote = remote

    async def run(self, kind: RequestKind, queries: Sequence[Query], chain: Chain) -> Any:
        """Make one round trip.

        Raises:
            D1Error: JavaScript threw, or a fault was injected.
            RuntimeFailed: The runtime ended.
        """
        __tracebackhide__ = True
        watcher = self.watching()
        if watcher is None:
            return await self._past_faults(kind, queries, chain)
        async with watcher.round_trip(RoundTrip(kind, queries)):
            return await self._past_faults(kind, queries, chain)

    async def _past_faults(self, kind: RequestKind, queries: Sequence[Query], chain: Chain) -> Any:
        __tracebackhide__ = True
        fault = self.faults.next(kind, queries) if self.faults is not None else None
        if fault is None:
            return await self.remote.run(chain)
        if fault.after:
            await self.remote.run(chain)
        raise _injected(kind, queries, fault.error())


def _injected(kind: RequestKind, queries: Sequence[Query], refused: Refused) -> D1Error:
    if refused.kind == "reset":
        return D1Error(refused.reason)
    if kind == "exec":
        return D1Error.caused("D1_EXEC_ERROR", f"Error in line 1: {queries[0][0]}: {refused.reason}")
    return D1Error.caused("D1_ERROR", refused.reason)


class WorkerdDatabase(D1Database):
    """A D1 database in the Workers runtime.

    Args:
        remote: The database.
    """

    __slots__ = ()

    _channel: WorkerdChannel

    def __init__(self, remote: RemoteDatabase) -> None:
        self._channel = WorkerdChannel(remote)

    def prepare(self, sql: str, /) -> WorkerdStatement:
        """Return a statement; nothing is sent or checked before it runs."""
        return _prepare(self._channel, Chain(), sql)

    async def batch(self, statements: list[D1PreparedStatement], /) -> list[JsDict]:
        """Run statements in one transaction and one round trip."""
        __tracebackhide__ = True
        return await _batch(self._channel, Chain(), statements)  # type: ignore[no-any-return]

    async def exec(self, sql: str, /) -> JsDict:
        """Run a text line by line, in one transaction, without parameters."""
        __tracebackhide__ = True
        refuse_unsendable(sql)
        lines = [(line, ()) for line in str(sql).strip().split("\n")]
        return await self._channel.run("exec", lines, Chain().then("exec", sql))  # type: ignore[no-any-return]

    def withSession(self, constraint: str | None = None, /) -> WorkerdSession:  # noqa: N802 - the platform's name
        """Return a session."""
        __tracebackhide__ = True
        refuse_unsendable(constraint)
        name = f"session {next(_sessions)}"
        self._channel.remote.keep(Chain().then("withSession", constraint), name)
        return WorkerdSession(self._channel, name)

    async def dump(self) -> bytes:
        """Fail, as it does for every database since the alpha of D1."""
        __tracebackhide__ = True
        return await self._channel.run("dump", (), Chain().then("dump"))  # type: ignore[no-any-return]


class WorkerdSession(D1DatabaseSession):
    """A session in the runtime."""

    __slots__ = ("_lane", "_start")

    def __init__(self, channel: WorkerdChannel, name: str) -> None:
        self._lane = channel
        self._start = Chain(on=name)

    def prepare(self, sql: str, /) -> WorkerdStatement:
        """Return a statement of this session; nothing is sent or checked before it runs."""
        return _prepare(self._lane, self._start, sql)

    async def batch(self, statements: list[D1PreparedStatement], /) -> list[JsDict]:
        """Run statements in one transaction and one round trip."""
        __tracebackhide__ = True
        return await _batch(self._lane, self._start, statements)  # type: ignore[no-any-return]

    def getBookmark(self) -> str | None:  # noqa: N802 - the platform's name
        """Return the latest bookmark that the session has seen, or None before its first query."""
        __tracebackhide__ = True
        return self._lane.remote.run_blocking(self._start.then("getBookmark"))  # type: ignore[no-any-return]


class WorkerdStatement(D1PreparedStatement):
    """A prepared statement in the runtime: the calls that make it, made anew each time it runs."""

    __slots__ = ("_bound", "_lane", "_prepared", "_text")

    def __init__(self, channel: WorkerdChannel, prepared: Chain, bound: Chain, query: Query) -> None:
        self._lane = channel
        self._prepared = prepared
        self._bound = bound
        self._text = query

    def bind(self, *values: object, **options: object) -> WorkerdStatement:
        """Return a new statement with values in place of its parameters; the real binding checks them now."""
        __tracebackhide__ = True
        args = _arguments(values, options)
        bound = self._prepared.then("bind", *args)
        self._lane.remote.check(bound)
        # Watchers count the values; none of them is sent from here.
        query = (self._text[0], (None,) * len(args))
        return WorkerdStatement(self._lane, self._prepared, bound, query)

    async def all(self, *args: object, **options: object) -> JsDict:
        """Run the statement."""
        __tracebackhide__ = True
        return await self._call("all", args, options)  # type: ignore[no-any-return]

    async def run(self, *args: object, **options: object) -> JsDict:
        """Run the statement; the same as `all()`, rows included."""
        __tracebackhide__ = True
        return await self._call("run", args, options)  # type: ignore[no-any-return]

    async def first(self, *args: object, **options: object) -> Any:
        """Run the statement and return its first row, or one value of it."""
        __tracebackhide__ = True
        return await self._call("first", args, options)

    async def raw(self, *args: object, **options: object) -> list[list[Any]]:
        """Run the statement and return its rows as lists."""
        __tracebackhide__ = True
        return await self._call("raw", args, options)  # type: ignore[no-any-return]

    def _call(self, method: str, args: tuple[object, ...], options: dict[str, object]) -> Coroutine[Any, Any, Any]:
        chain = self._bound.then(method, *_arguments(args, options))
        return self._lane.run("query", (self._text,), chain)


def _prepare(channel: WorkerdChannel, start: Chain, sql: str) -> WorkerdStatement:
    __tracebackhide__ = True
    refuse_unsendable(sql)
    chain = start.then("prepare", sql)
    return WorkerdStatement(channel, chain, chain, (str(sql), ()))  # watchers read texts


def _batch(channel: WorkerdChannel, start: Chain, statements: object) -> Coroutine[Any, Any, Any]:
    __tracebackhide__ = True
    refuse_unsendable(statements)
    if not isinstance(statements, list):
        return channel.run("batch", (), start.then("batch", statements))
    args = [item._bound if isinstance(item, WorkerdStatement) else item for item in statements]  # noqa: SLF001 - own
    queries = [item._text for item in statements if isinstance(item, WorkerdStatement)]  # noqa: SLF001 - own
    return channel.run("batch", queries, start.then("batch", args))


def _arguments(args: tuple[object, ...], options: dict[str, object]) -> tuple[object, ...]:
    """Positional arguments, and keywords as one trailing JavaScript object, as Pyodide does it."""
    __tracebackhide__ = True
    everything = (*args, options) if options else args
    for value in everything:
        refuse_unsendable(value)
    return everything
