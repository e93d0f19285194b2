"""Calls with arguments that are no texts and no statements, and what the real binding makes of them."""

from __future__ import annotations

import datetime as dt
import inspect
import re
from typing import TYPE_CHECKING, Any, Final

from pytest_cfworkers.d1 import D1Error

if TYPE_CHECKING:
    from collections.abc import Awaitable

_SCHEMA: Final = "when awaited: Error: D1_ERROR: Failed to parse body as JSON, got: ZodError"
_NO_MAP: Final = "when awaited: TypeError: statements.map is not a function"
_NO_TRIM: Final = "when awaited: TypeError: query.trim is not a function"
_BIGINT: Final = 2**60
_ONE: Final = {"statement": "SELECT ? AS v", "params": [1]}

CALLS: Final[list[tuple[str, str]]] = [
    *((f"prepare({value})", "returned") for value in ("None", "5", "b''", "[]", "{}", "len", "BIGINT")),
    ("prepare((1,))", "at once: TypeError: <class 'tuple'> cannot be sent over RPC."),
    ("withSession().prepare(bytearray(1))", "at once: TypeError: <class 'bytearray'> cannot be sent over RPC."),
    *(
        (f"prepare({value}).all()", _SCHEMA)
        for value in ("None", "5", "2.5", "True", "b'SELECT 1'", "{}", "{1}", "len")
    ),
    *((f"prepare(None).{method}()", _SCHEMA) for method in ("run", "first", "raw", "bind(1).all")),
    ("withSession().prepare(None).all()", _SCHEMA),
    ("prepare(prepare('SELECT 1')).all()", _SCHEMA),
    ("prepare(DAY).all()", 'when awaited: Error: D1_ERROR: near "2026": syntax error at offset 0: SQLITE_ERROR'),
    ("prepare(BIGINT).all()", "when awaited: TypeError: Cannot convert a BigInt value to a number"),
    ("prepare({'a': BIGINT}).all()", "when awaited: TypeError: Do not know how to serialize a BigInt"),
    ("prepare({'toString': 1}).all()", "when awaited: TypeError: Cannot convert object to primitive value"),
    ("prepare([]).all()", "when awaited: Error: D1_ERROR: No SQL statements detected."),
    ("prepare(['SELECT 1', 'SELECT 2']).raw()", "[[1]]"),
    ("prepare(['SELECT ?', 'SELECT 2']).bind(b'a').raw()", "[[97]]"),
    ("prepare(['SELECT 1', 'SELECT 2']).bind(None, 1).raw()", _SCHEMA),
    ("prepare(['SELECT 1', 2]).raw()", _SCHEMA),
    ("batch(None)", "when awaited: TypeError: Cannot read properties of null (reading 'map')"),
    *((f"batch({value})", _NO_MAP) for value in ("5", "'x'", "{}", "{1}", "prepare('SELECT 1')", "BIGINT")),
    ("batch(b'ab')", _SCHEMA),
    ("batch((1,))", "when awaited: TypeError: <class 'tuple'> cannot be sent over RPC."),
    ("withSession().batch(None)", "when awaited: TypeError: Cannot read properties of null (reading 'map')"),
    ("batch([None])", "when awaited: TypeError: Cannot read properties of null (reading 'statement')"),
    ("batch([5, None])", "when awaited: TypeError: Cannot read properties of null (reading 'statement')"),
    *((f"batch([{value}])", _SCHEMA) for value in ("1", "'SELECT 1'", "b''", "[]", "{}", "True", "BIGINT", "DAY")),
    ("batch([prepare('SELECT 1'), 1])", _SCHEMA),
    ("batch([prepare('SELECT 1'), prepare(5)])", _SCHEMA),
    ("batch([5, prepare(BIGINT)])", "when awaited: TypeError: Do not know how to serialize a BigInt"),
    ("batch([prepare({'toString': 1})])", "when awaited: TypeError: Cannot convert object to primitive value"),
    ("batch([ONE, prepare('SELECT ? AS v').bind(b'a')])", "[[{'v': 1}], [{'v': [97]}]]"),
    ("batch([{'statement': 'SELECT ? AS v', 'params': [DAY]}])", "[[{'v': '2026-01-01T00:00:00.000Z'}]]"),
    ("batch([{'statement': 'SELECT ? AS v', 'params': [[300, 1.5]]}])", "[[{'v': [44, 1]}]]"),
    ("batch([{'statement': 'SELECT ? AS v', 'params': [NAN]}])", "[[{'v': None}]]"),
    ("batch([{'statement': 'SELECT 1 AS v'}])", "[[{'v': 1}]]"),
    *(
        (f"batch([{{'statement': 'SELECT 1', 'params': {value}}}])", _SCHEMA)
        for value in ("5", "'x'", "[True]", "[{}]")
    ),
    ("exec(None)", "when awaited: TypeError: Cannot read properties of null (reading 'trim')"),
    *((f"exec({value})", _NO_TRIM) for value in ("5", "b''", "[]", "{}", "prepare('SELECT 1')")),
    ("exec(BIGINT)", "when awaited: TypeError: Cannot convert a BigInt value to a number"),
    ("exec({'toString': 1})", "when awaited: TypeError: Cannot convert object to primitive value"),
    ("exec((1,))", "when awaited: TypeError: <class 'tuple'> cannot be sent over RPC."),
    *(
        (f"withSession({value})", "at once: TypeError: constraintOrBookmark?.trim is not a function")
        for value in ("5", "[]")
    ),
    (
        "prepare('SELECT ?').bind(prepare('SELECT 1'))",
        "at once: Error: D1_TYPE_ERROR: Type 'object' not supported for value '[object Object]'",
    ),
]
"""Python expressions in which the methods of the binding are names, and what comes of them."""

_FRAMES: Final = re.compile(r"(?:\n    at [^\n]*)+")


async def outcome(database: Any, expression: str) -> str:
    """Evaluate an expression and say what came of it, and when."""
    names = {name: getattr(database, name) for name in ("prepare", "batch", "exec", "withSession")}
    names |= {"BIGINT": _BIGINT, "DAY": dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "NAN": float("nan"), "ONE": _ONE}
    try:
        result = eval(expression, names)  # noqa: S307 - of the table above
    except Exception as error:  # noqa: BLE001 - whatever is raised is the outcome
        return f"at once: {_told(error)}"
    if not inspect.isawaitable(result):
        return "returned"
    return await _awaited(result)


async def _awaited(call: Awaitable[Any]) -> str:
    try:
        result = await call
    except Exception as error:  # noqa: BLE001 - whatever is raised is the outcome
        return f"when awaited: {_told(error)}"
    return str([item["results"] if isinstance(item, dict) else item for item in result])


def _told(error: Exception) -> str:
    if not isinstance(error, D1Error):
        return f"{type(error).__name__}: {error}"
    message = _FRAMES.sub("", error.message)
    if error.cause is not None:  # the same, without the prefix
        assert message.endswith(f": {_FRAMES.sub('', error.cause.message)}")
    assert (error.cause is not None) == message.startswith("D1_")
    return f"{error.name}: {message}"
