"""Objects with a buffer, as a Worker's Pyodide hands them to the binding.

What is expected was measured: Pyodide 314.0.6, `workers-runtime-sdk` 1.9.5 and the binding's own `bind`.
"""

import asyncio
import ctypes
import math
from array import array
from typing import Any

import numpy as np
import pytest

from pytest_cfworkers.d1 import D1Database, D1Error
from pytest_cfworkers.d1.buffers import TypedArray, typed_array
from pytest_cfworkers.d1.errors import ConversionError
from pytest_cfworkers.d1.values import to_wire, to_wires


@pytest.mark.parametrize(
    ("value", "blob"),
    [
        (memoryview(b"abcdef")[::2], b"ace"),
        (memoryview(b"\xff\x01").cast("b"), b"\xff\x01"),
        (array("H", [513, 1027]), b"\x01\x03"),
        (array("d", [1.5, -2.0, 300.7]), b"\x01\xfe\x2c"),
        (array("d"), b""),
        (array("q"), b""),
        (ctypes.c_int32(5), b"\x05"),
        (ctypes.c_int32.__ctype_be__(5), b"\x05"),
        (np.int32(5), b"\x05"),
        (np.uint8(5), b"\x05"),
        (np.float32(1.5), b"\x01"),
        (np.array([1, 2, 3], dtype="u1")[::2], b"\x01\x03"),
        (np.float64(1.5), 1.5),
        (np.str_("text"), "text"),
    ],
)
def test_numbers_of_a_buffer_become_bytes(value: object, blob: object) -> None:
    """An int of numpy is an array of one element to JavaScript, so D1 stores a blob; only float64 is a number."""
    assert to_wire(value) == blob
    assert to_wires([value]) == (blob,)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (memoryview(b"\x01\x00").cast("?"), "true,false"),
        (np.bool_(True), "true"),
        (np.array([[1, 2], [3, 4]]), "1,2,3,4"),
        ([memoryview(b"a")], "97"),
        ([np.int64(2**60), 1], "1152921504606846976,1"),
    ],
)
def test_what_is_no_typed_array_is_refused(value: object, text: str) -> None:
    with pytest.raises(D1Error, match=f"D1_TYPE_ERROR: Type 'object' not supported for value '{text}'"):
        to_wire(value)


@pytest.mark.parametrize("value", [np.complex128(1), np.array(["a"]), np.float16(1), ctypes.c_wchar("a")])
def test_what_javascript_has_no_array_for_does_not_get_there(value: object) -> None:
    with pytest.raises(ConversionError, match="Conversion from python to javascript failed"):
        to_wire(value)


@pytest.mark.parametrize("value", [np.int64(5), array("q", [5]), ctypes.c_uint64(5)])
@pytest.mark.parametrize("batch", [False, True])
def test_64_bit_integers_are_bound_and_fail_when_they_are_sent(value: object, *, batch: bool) -> None:
    database = D1Database()
    statement = database.prepare("SELECT ?").bind(value)
    with pytest.raises(D1Error, match="TypeError: Do not know how to serialize a BigInt"):
        asyncio.run(_sent(database, statement, batch=batch))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_array_of_floats_takes_finite_numbers_only(value: float) -> None:
    statement = D1Database().prepare("SELECT ?").bind(array("d", [1.0, value]))
    with pytest.raises(D1Error, match="D1_ERROR: Failed to parse body as JSON, got: ZodError"):
        asyncio.run(statement.all())


def test_a_typed_array_keeps_its_memory_for_the_lane() -> None:
    assert typed_array(5) is None
    array_of_ints = typed_array(np.array([1, -2], dtype=">i4"))
    assert isinstance(array_of_ints, TypedArray)
    assert array_of_ints.letter == "i"
    assert array_of_ints.tobytes() == b"\x01\x00\x00\x00\xfe\xff\xff\xff"


async def _sent(database: D1Database, statement: Any, *, batch: bool) -> None:
    if batch:
        await database.batch([statement])
    else:
        await statement.first()
