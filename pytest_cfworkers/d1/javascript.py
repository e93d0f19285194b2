"""How JavaScript names and prints the Python values that Pyodide hands to it.

Only error messages need this: they quote the value that was refused.
https://pyodide.org/en/stable/usage/type-conversions.html (checked 2026-11-24)
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Final

from pytest_cfworkers.d1.buffers import typed_array
from pytest_cfworkers.d1.errors import D1Error

SAFE_INTEGER: Final = 2**53 - 1
"""JavaScript's `Number.MAX_SAFE_INTEGER`.

Pyodide makes a BigInt of every int whose magnitude reaches it; on the way back it makes an int of every
number up to it. https://tc39.es/ecma262/#sec-number.max_safe_integer (checked 2026-11-24)
"""

WHITESPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What JavaScript's `trim()` removes. https://tc39.es/ecma262/#sec-trimstring (checked 2026-11-24)"""

# JavaScript writes numbers from 1e21 on, and below 1e-6, with an exponent.
# https://tc39.es/ecma262/#sec-numeric-types-number-tostring (checked 2026-11-24)
_FIRST_WITH_EXPONENT = 1e21
_LAST_WITHOUT_EXPONENT = 1e-6


def becomes_bigint(value: int) -> bool:
    """Whether Pyodide makes a BigInt of an int."""
    return not -SAFE_INTEGER < value < SAFE_INTEGER


def js_type(value: object) -> str:
    """Return what `typeof` says about a value that came from Python."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "bigint" if becomes_bigint(value) else "number"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "function" if callable(value) else "object"


def js_string(value: object) -> str:
    """Return what a template literal makes of a value that came from Python.

    Raises:
        D1Error: A TypeError of JavaScript, for an object whose `toString` cannot be called.
    """
    if value is None:
        return "null"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return js_number(float(value)) if not becomes_bigint(value) else str(value)
    if isinstance(value, float):
        return js_number(value)
    return _object_string(value)


def _object_string(value: object) -> str:  # noqa: PLR0911 - one type after the other
    if isinstance(value, list):
        return ",".join("" if item is None else js_string(item) for item in value)
    if isinstance(value, bytes):
        return ",".join(map(str, value))
    if isinstance(value, dict):
        if "toString" in value and not callable(value["toString"]):
            raise D1Error("Cannot convert object to primitive value", name="TypeError")
        return "[object Object]"
    if isinstance(value, set):
        return "[object Set]"
    if isinstance(value, dt.datetime):
        moment = value.astimezone(dt.UTC)
        return f"{moment:%a %b %d} {moment.year:04} {moment:%H:%M:%S} GMT+0000 (Coordinated Universal Time)"
    if isinstance(value, Exception):
        return f"Error: {value}" if str(value) else "Error"
    array = typed_array(value)
    return str(value) if array is None else js_string(array)


def js_number(value: float) -> str:
    """Return a number as JavaScript's `String()` writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and abs(value) < _FIRST_WITH_EXPONENT:
        return str(int(value))
    text = repr(value)
    mantissa, mark, exponent = text.partition("e")
    if not mark:
        return text
    if _LAST_WITHOUT_EXPONENT <= abs(value) < 1:
        return f"{value:.{len(mantissa.replace('.', '').lstrip('-')) - int(exponent) - 1}f}"
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"
