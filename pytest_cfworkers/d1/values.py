"""Python values on their way into D1 and back.

On the way in a value passes `workers-runtime-sdk` (Python to JavaScript), the binding's `bind` (which refuses
what SQLite has no type for) and JSON. On the way out it passes JSON and the SDK again. What remains of the
types is what this file knows.
https://github.com/cloudflare/workers-py/blob/main/packages/runtime-sdk/src/workers/rpc.py,
https://github.com/cloudflare/workerd/blob/main/src/cloudflare/internal/d1-api.ts (both checked 2026-11-24)
"""

from __future__ import annotations

import inspect
from math import isfinite
from typing import TYPE_CHECKING, Any

from pytest_cfworkers.d1.buffers import TypedArray, typed_array
from pytest_cfworkers.d1.errors import D1Error
from pytest_cfworkers.d1.javascript import SAFE_INTEGER, becomes_bigint, js_string, js_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_cfworkers.d1.backend import Wire

_BYTE = 256

# From so many rows on it is faster to look at whole columns.
_WORTH_TURNING = 8


def refuse_unsendable(value: object) -> None:
    """Raise what the SDK raises for values that it does not send to JavaScript.

    It looks into everything that can be iterated, and never comes to an end with a flag of the enum module, which is
    the first of its own elements.

    Args:
        value: Any argument of a method of the binding.

    Raises:
        TypeError: The value is, or holds, a tuple, a bytearray or an awaitable.
        RecursionError: It holds itself.
    """
    __tracebackhide__ = True
    if value is None or isinstance(value, str | bytes) or (callable(value) and not isinstance(value, type)):
        return
    if isinstance(value, tuple | bytearray):
        raise TypeError(f"{type(value)} cannot be sent over RPC.")
    if inspect.isawaitable(value):
        raise TypeError(f"Awaitable {type(value)} cannot be sent over RPC.")
    try:
        items = iter(value)  # type: ignore[call-overload]  # to ask is the only way
    except TypeError:
        return
    for item in value.values() if isinstance(value, dict) else items:
        refuse_unsendable(item)


def to_wire(value: object) -> Wire | TypedArray:
    """Convert one argument of `bind` to what reaches the database.

    Every number becomes a float, because JavaScript has no other: `SELECT typeof(?)` with 5 gives `real`.

    Args:
        value: What the user handed to `bind`.

    Returns:
        None, a float, a str, or bytes; a `TypedArray` that is refused when the statement is sent.

    Raises:
        TypeError: The SDK does not send the value (tuple, bytearray, awaitable).
        ConversionError: Pyodide does not.
        D1Error: `D1_TYPE_ERROR`: JavaScript has no D1 type for it (dict, set, datetime, integers from 2**53 -
            1 on).
    """
    __tracebackhide__ = True
    kind = type(value)
    if kind is str or value is None or kind is bytes:
        return value  # type: ignore[return-value]  # narrowed by identity for speed
    if kind is float:
        return value + 0.0 if isfinite(value) else None  # type: ignore[arg-type,operator]  # JSON knows no -0
    if kind is int:
        if -SAFE_INTEGER < value < SAFE_INTEGER:  # type: ignore[operator]
            return float(value)  # type: ignore[arg-type]
        raise _type_error(value)
    return _rarer_to_wire(value)


class WithBlob(tuple["Wire", ...]):
    """Bound values of which at least one is a blob; the engine asks, and looking at each again costs time."""

    __slots__ = ()


class Refusable(tuple[Any, ...]):
    """Bound values of which at least one is refused when it is sent."""

    __slots__ = ()


def to_wires(values: Sequence[object]) -> tuple[Wire, ...]:
    """Convert all arguments of `bind`; see `to_wire`.

    Returns:
        The values; a `WithBlob` where one of them is a blob, a `Refusable` where one is to be refused.
    """
    __tracebackhide__ = True
    for value in values:
        kind = type(value)
        if not (kind is str or value is None or (kind is float and value and isfinite(value))):  # type: ignore[arg-type]
            return _converted(values)
    return tuple(values)  # type: ignore[arg-type]  # as they are


def _converted(values: Sequence[object]) -> tuple[Wire, ...]:
    __tracebackhide__ = True
    wires: list[Any] = []
    add = wires.append
    made: type[tuple[Wire, ...]] | None = None
    for value in values:
        kind = type(value)
        if kind is str or value is None:
            add(value)
        elif kind is float:
            add(value + 0.0 if isfinite(value) else None)  # type: ignore[arg-type,operator]  # by identity for speed
        elif kind is int and -SAFE_INTEGER < value < SAFE_INTEGER:  # type: ignore[operator]
            add(float(value))  # type: ignore[arg-type]
        else:
            wire = to_wire(value)
            if type(wire) is TypedArray:
                made = Refusable
            elif type(wire) is bytes:
                made = made or WithBlob
            add(wire)
    return tuple(wires) if made is None else made(wires)


def _rarer_to_wire(value: object) -> Wire | TypedArray:  # noqa: PLR0911 - one type after the other
    __tracebackhide__ = True
    refuse_unsendable(value)
    if isinstance(value, bool):
        return 1.0 if value else 0.0
    if isinstance(value, int) and not becomes_bigint(value):
        return int.__float__(value)
    if isinstance(value, float):
        return float.__float__(value) + 0.0 if isfinite(value) else None
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes):
        return memoryview(value).tobytes()
    array = value if isinstance(value, list) else typed_array(value)
    if isinstance(array, TypedArray):
        return bytes_of(array) if array.becomes_numbers else array
    if array is not None and all(map(_fits_a_byte, array)):
        return bytes_of(array)
    raise _type_error(value if array is None else array)


def _fits_a_byte(item: object) -> bool:
    """Whether the binding takes an element of a list for a byte; 1.5 counts and is cut to 1."""
    return isinstance(item, int | float) and not isinstance(item, bool) and 0 <= item < _BYTE


def bytes_of(items: Iterable[float]) -> bytes:
    """Return the blob that the service behind the binding makes of numbers: each modulo 256."""
    return bytes(int(item) % _BYTE for item in items)


def _type_error(value: object) -> D1Error:
    return D1Error.caused("D1_TYPE_ERROR", f"Type '{js_type(value)}' not supported for value '{js_string(value)}'")


def from_database(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Convert rows as SQLite gives them to what Python sees after JSON and the SDK.

    Integers beyond 2**53 - 1 come back as (rounded) floats, integral floats as ints, blobs as lists of ints,
    infinities as None, and -0.0 as 0.

    Args:
        rows: Rows of int, float, str, bytes and None, all of one length.

    Returns:
        The same rows as lists.
    """
    if len(rows) < _WORTH_TURNING:
        return [[value if value is None or type(value) is str else from_sqlite(value) for value in row] for row in rows]
    columns = list(zip(*rows, strict=True))
    changed = False
    for position, column in enumerate(columns):
        kinds = set(map(type, column))
        if float in kinds or bytes in kinds or (int in kinds and not _all_safe(column, kinds)):
            columns[position] = tuple([from_sqlite(value) for value in column])
            changed = True
    return list(map(list, zip(*columns, strict=True) if changed else rows))


def _all_safe(column: tuple[Any, ...], kinds: set[type]) -> bool:
    numbers = column if len(kinds) == 1 else [value for value in column if type(value) is int]
    return max(numbers) <= SAFE_INTEGER and min(numbers) >= -SAFE_INTEGER


def from_sqlite(value: Any) -> Any:
    """Convert one value; see `from_database`."""
    kind = type(value)
    if kind is int:
        return value if -SAFE_INTEGER <= value <= SAFE_INTEGER else float(value)
    if kind is float:
        if value.is_integer():
            return int(value) if -SAFE_INTEGER <= value <= SAFE_INTEGER else value
        return value if isfinite(value) else None
    if kind is bytes:
        return list(value)
    return value
