"""The seam between the binding's Python surface and what stands behind it.

The surface (`D1Database`, prepared statements, sessions) converts arguments and shapes results. A backend
only answers requests: a list of statements that run in one transaction. What goes there and comes back for each
statement is a plain tuple, because an object of a class costs a tenth of what the statement itself does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

RequestKind = Literal["query", "rows", "batch", "exec", "dump"]
"""Which method of the binding asked: `"rows"` stands for a query of whose `meta` nobody will look at anything."""

Wire = float | str | bytes | None
"""A bound value as it reaches the database: numbers are floats, NaN and infinities are None already."""

Query = tuple[str, tuple[Wire, ...]]
"""One statement text as the user wrote it (it may hold several statements) and the values bound to it, in order.

The values are a `values.WithBlob` where one is a blob.
"""

RawResult = tuple[list[str], list[list[Any]], dict[str, Any]]
"""The answer to one query, in Python's types, before it is shaped into dictionaries: columns, rows and `meta`.

- The names of the columns, also where no row came back; empty for statements without a result.
- One list for each row. Numbers are `int` where JavaScript calls them safe integers and `float` elsewhere, blobs are
  lists of `int`, NULL is None.
- `served_by`, `duration` (milliseconds), `changes`, `last_row_id`, `changed_db`, `size_after` (bytes), `rows_read`,
  `rows_written`.
"""


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
            kind: Which method of the binding asked. `"query"` and `"rows"` bring one query, `"batch"` any number,
                `"exec"` one for each line. With `"rows"` and `"exec"`, `rows_read` and `rows_written` may be left 0.
            queries: The statements; for `"dump"` there are none.

        Returns:
            The results in order. Texts that hold nothing but indented comments have none.

        Raises:
            Refused: The database refused; everything the request did is rolled back.
        """
        ...
