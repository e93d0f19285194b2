"""The seam between the binding's Python surface and what stands behind it.

The surface (`D1Database`, prepared statements, sessions) converts arguments and shapes results. A backend
only answers requests: a list of statements that run in one transaction. The in-process engine is one backend,
the bridge to the real runtime another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

RequestKind = Literal["query", "batch", "exec", "dump"]

Wire = float | str | bytes | None
"""A bound value as it reaches the database: numbers are floats, NaN and infinities are None already."""


class Query(NamedTuple):
    """One statement text (which may hold several statements) and the values bound to it.

    Attributes:
        sql: The text as the user wrote it.
        params: The converted values, in order; a `values.WithBlob` where one is a blob.
        counted: Whether anybody will look at `rows_read` and `rows_written`; where not, a backend may leave
            them 0.
    """

    sql: str
    params: tuple[Wire, ...] = ()
    counted: bool = True


class RawResult(NamedTuple):
    """The answer to one query, in Python's types, before it is shaped into dictionaries.

    Attributes:
        columns: The names of the columns, also where no row came back; empty for statements without a result.
        rows: One list for each row. Numbers are `int` where JavaScript calls them safe integers and `float`
            elsewhere, blobs are lists of `int`, NULL is None.
        meta: `served_by`, `duration` (milliseconds), `changes`, `last_row_id`, `changed_db`, `size_after`
            (bytes), `rows_read`, `rows_written`.
    """

    columns: list[str]
    rows: list[list[Any]]
    meta: dict[str, Any]


class Answer(NamedTuple):
    """The answer to a whole request.

    Attributes:
        results: One for each query that held a statement.
        bookmark: The database's state after the request, for sessions.
    """

    results: list[RawResult]
    bookmark: str | None


class Backend(Protocol):
    """What a lane implements: everything that happens between `await` and its result."""

    async def send(self, kind: RequestKind, queries: Sequence[Query]) -> Answer:
        """Run the queries in order, in one transaction.

        Args:
            kind: Which method of the binding asked. `"query"` brings one query, `"batch"` any number,
                `"exec"` one for each line.
            queries: The statements; for `"dump"` there are none.

        Returns:
            The results in order. Texts that hold nothing but indented comments have none.

        Raises:
            Refused: The database refused; everything the request did is rolled back.
        """
        ...
