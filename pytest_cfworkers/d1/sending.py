"""What the binding sends where it was given something else than texts and prepared statements.

JavaScript asks for no types. Whatever `prepare` and `batch` were given becomes JSON when it is sent, and the service
behind the binding holds that JSON against its schema.
https://github.com/cloudflare/workerd/blob/main/src/cloudflare/internal/d1-api.ts,
https://github.com/cloudflare/workers-sdk/blob/main/packages/miniflare/src/workers/d1/database.worker.ts (both
checked 2026-11-24)
"""

from __future__ import annotations

import datetime as dt
import math
from operator import itemgetter
from typing import Any, Final

from pytest_cfworkers.d1.backend import Query
from pytest_cfworkers.d1.buffers import TypedArray
from pytest_cfworkers.d1.errors import D1Error
from pytest_cfworkers.d1.javascript import becomes_bigint, js_string
from pytest_cfworkers.d1.statement import D1PreparedStatement, query_of
from pytest_cfworkers.d1.values import Refusable, bytes_of, refuse_unsendable, to_wires

# The real text goes on with the stack of the service.
_AGAINST_THE_SCHEMA: Final = "Failed to parse body as JSON, got: ZodError"

_SQL: Final = itemgetter(0)
_VALUES: Final = itemgetter(1)


def type_error(message: str) -> D1Error:
    """Return a TypeError of JavaScript."""
    return D1Error(message, name="TypeError")


def note_for_traces(text: object) -> None:
    """Raise what JavaScript throws when it notes a text for its traces, which it does before it sends anything.

    Args:
        text: What was given as a text.

    Raises:
        D1Error: A TypeError of JavaScript, for a BigInt and for an object that has no text.
    """
    __tracebackhide__ = True
    if _is_bigint(text):
        raise type_error("Cannot convert a BigInt value to a number")
    js_string(text)


def queries_of(query: Query) -> list[Query]:
    """Return what is sent for a statement that was made of something else than a text.

    A list is sent as a batch, each text with the value of its position as its list of values.

    Args:
        query: What `prepare` and `bind` were given.

    Returns:
        The queries; the statement's result is that of the first.

    Raises:
        D1Error: It cannot become JSON, or does not hold against the schema.
    """
    __tracebackhide__ = True
    sql: object = query[0]
    note_for_traces(sql)
    if not isinstance(sql, list):
        return [_checked(_json(sql), _json(_values(query)))]
    values = [*_values(query), *[None] * len(sql)]
    return [_checked(text, params) for text, params in zip(_json(sql), _json(values), strict=False)]


def batch_queries(statements: object) -> list[Query]:
    """Return what is sent for the argument of `batch`.

    Args:
        statements: Prepared statements, or objects that have a `statement` and `params` as these do in JavaScript.

    Raises:
        TypeError: The SDK does not send the argument (a tuple).
        D1Error: JavaScript finds no list of statements in it, or one of them does not hold against the schema.
    """
    __tracebackhide__ = True
    if not isinstance(statements, list):
        raise _no_list(statements)
    if set(map(type, statements)) <= {D1PreparedStatement}:
        queries = list(map(query_of, statements))
        if set(map(type, map(_SQL, queries))) <= {str} and Refusable not in set(map(type, map(_VALUES, queries))):
            return queries
    refuse_unsendable(statements)
    parts = [_parts(item) for item in statements]
    js_string([sql for sql, _ in parts])
    return [_checked(sql, params) for sql, params in _json(parts)]


def _no_list(statements: object) -> D1Error:
    refuse_unsendable(statements)
    if isinstance(statements, bytes | memoryview):
        return _refused()  # a typed array has a `map` too, which makes numbers
    if statements is None:
        return type_error("Cannot read properties of null (reading 'map')")
    return type_error("statements.map is not a function")


def _parts(item: object) -> list[Any]:
    """Return what JavaScript finds under `statement` and `params` of an element of a batch."""
    __tracebackhide__ = True
    if item is None:
        raise type_error("Cannot read properties of null (reading 'statement')")
    if isinstance(item, D1PreparedStatement):
        return [query_of(item)[0], _values(query_of(item))]
    return [item.get("statement"), item.get("params")] if isinstance(item, dict) else [None, None]


def _values(query: Query) -> list[Any]:
    """Return the values of a statement as JavaScript has them: a blob is a list of numbers."""
    return [list(value) if isinstance(value, bytes) else value for value in query[1]]


def _json(value: Any) -> Any:
    """Return what is left of a value after its way through JSON.

    Raises:
        D1Error: A TypeError of JavaScript, for a BigInt.
    """
    __tracebackhide__ = True
    if _is_bigint(value) or (isinstance(value, TypedArray) and value.letter in "qQ" and value):
        raise type_error("Do not know how to serialize a BigInt")
    if isinstance(value, list):
        return [_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, dt.datetime):
        moment = value.astimezone(dt.UTC).replace(tzinfo=None)
        return f"{moment.isoformat(timespec='milliseconds')}Z"
    if callable(value) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value


def _checked(sql: object, params: object) -> Query:
    """Return a query of what holds against the schema.

    Raises:
        D1Error: `D1_ERROR`: It does not.
    """
    __tracebackhide__ = True
    values = [] if params is None else params
    if not isinstance(sql, str) or not isinstance(values, list) or not all(map(_is_value, values)):
        raise _refused()
    wires = [bytes_of(value) if isinstance(value, list) else value for value in values]
    return sql, to_wires(wires)


def _is_value(value: object) -> bool:
    """Whether the schema knows a value: a text, a number, nothing, or a list of numbers."""
    items = value if isinstance(value, list) else [value]
    known: tuple[type, ...] = (int, float) if isinstance(value, list) else (int, float, str, type(None))
    return all(isinstance(item, known) and not isinstance(item, bool) for item in items)


def _is_bigint(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and becomes_bigint(value)


def _refused() -> D1Error:
    return D1Error.caused("D1_ERROR", _AGAINST_THE_SCHEMA)
