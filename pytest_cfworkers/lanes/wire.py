"""JavaScript values as JSON, both ways.

A JSON object with one key that starts with `$` is a value that JSON lacks; every other object travels as
`{"$object": [[key, value], ...]}`, so no key of a user can be taken for one of these, and order is kept.
`runtime/worker.mjs` is the other end.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_cfworkers.d1.buffers import TypedArray, typed_array
from pytest_cfworkers.d1.javascript import SAFE_INTEGER, becomes_bigint
from pytest_cfworkers.d1.result import JsDict

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Chain:
    """Calls on the binding, each on the result of the one before.

    Arguments are written down when a call is added, so later changes to a list do not reach them.

    Attributes:
        calls: Method names with their arguments as JSON.
        on: The name of a kept object to start at, or None for the database.
    """

    calls: tuple[tuple[str, list[Any]], ...] = ()
    on: str | None = None

    def then(self, method: str, *args: object) -> Chain:
        """Return the chain with one more call; arguments are Python values or chains."""
        return Chain((*self.calls, (method, [encode(item) for item in args])), self.on)

    def encoded(self) -> dict[str, Any]:
        """Return the chain as JSON."""
        calls = {"calls": self.calls}
        return calls if self.on is None else {"on": self.on, **calls}


def encode(value: Any) -> Any:
    """Write a Python value as the JavaScript value that Pyodide makes of it.

    Args:
        value: What the user handed to a method of the binding.

    Returns:
        Something that `json.dumps` accepts.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        number = int.__index__(value)
        return {"$bigint": str(number)} if becomes_bigint(value) else number
    if isinstance(value, float):
        return float.__float__(value) if math.isfinite(value) else {"$number": _NON_FINITE[repr(float(value))]}
    return _encode_object(value)


_NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _encode_object(value: Any) -> Any:  # noqa: PLR0911 - one type after the other
    match value:
        case TypedArray():
            return _view(value.letter, value.tobytes())
        case list():
            return [encode(item) for item in value]
        case Chain():
            return {"$calls": value.encoded()}
        case bytes():
            return _view("B", value)
        case dict():
            return {"$object": [[str(key), encode(item)] for key, item in value.items()]}
        case set():
            return {"$set": [encode(item) for item in value]}
    return _encode_rarer(value)


def _view(letter: str, memory: bytes) -> dict[str, list[str]]:
    return {"$view": [letter, base64.b64encode(memory).decode("ascii")]}


def _encode_rarer(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return {"$date": value.timestamp() * 1000}
    if isinstance(value, Exception):
        return {"$error": str(value)}
    array = typed_array(value)
    if array is not None:
        return encode(array)
    return {"$proxy": {"callable": callable(value), "text": str(value)}}


def decode(value: Any) -> Any:
    """Read a JavaScript value as Pyodide and the SDK hand it to Python.

    Args:
        value: JSON as `loads` gives it.

    Returns:
        None, bool, int, float, str, list, JsDict, or memoryview for an ArrayBuffer.
    """
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "$object":
        return JsDict((key, decode(item)) for key, item in inner)
    return _decode_other(kind, inner)


def _decode_other(kind: str, inner: Any) -> Any:
    match kind:
        case "$undefined":
            return None
        case "$number":
            return 0 if inner == "-0" else float(inner)
        case "$bigint":
            return int(inner)
        case "$bytes":
            return memoryview(base64.b64decode(inner))
    raise ValueError(f"the bridge sent a value of an unknown kind: {kind}")


def dumps(message: Mapping[str, Any]) -> bytes:
    """Write a message as JSON in ASCII; lone surrogates become escapes, which JavaScript reads as such."""
    return json.dumps(message, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")


def loads(payload: bytes) -> Any:
    """Read JSON with JavaScript's numbers: whole ones are `int` up to 2**53 - 1 and `float` beyond."""
    return json.loads(payload, parse_int=_number, parse_float=_whole)


def _number(text: str) -> int | float:
    number = int(text)
    return number if -SAFE_INTEGER <= number <= SAFE_INTEGER else float(text)


def _whole(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) <= SAFE_INTEGER else number
