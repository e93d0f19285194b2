"""Values on their way in and out."""

import datetime as dt
import enum
import math
from collections import UserString, deque
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers.d1 import D1Error
from pytest_cfworkers.d1.javascript import SAFE_INTEGER, js_number
from pytest_cfworkers.d1.values import from_database, from_sqlite, to_wire, to_wires


class Color(enum.Enum):
    RED = "red"


class Kind(enum.StrEnum):
    TEXT = "text"


class Count(enum.IntEnum):
    ONE = 1


class Right(enum.IntFlag):
    READ = 1
    WRITE = 2


class Odd(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


def looped() -> list[object]:
    value: list[object] = []
    value.append(value)
    return value


_SQLITE_VALUES = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(), st.binary()
)


@given(st.integers(-SAFE_INTEGER + 1, SAFE_INTEGER - 1))
def test_every_int_that_javascript_holds_becomes_a_float(value: int) -> None:
    wire = to_wire(value)
    assert type(wire) is float
    assert wire == value


@given(st.integers(min_value=SAFE_INTEGER))
def test_larger_ints_become_bigints_and_are_refused(value: int) -> None:
    with pytest.raises(D1Error, match=f"D1_TYPE_ERROR: Type 'bigint' not supported for value '{value}'"):
        to_wire(value)


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (True, 1.0),
        (False, 0.0),
        (None, None),
        (math.nan, None),
        (math.inf, None),
        ("text", "text"),
        (b"\x00\xff", b"\x00\xff"),
        ([0, 255, 1.5], b"\x00\xff\x01"),
        ([], b""),
        (memoryview(b"ab"), b"ab"),
    ],
)
def test_what_the_binding_takes(value: object, wire: object) -> None:
    assert to_wire(value) == wire
    assert to_wires([value]) == (wire,)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([256], "Type 'object' not supported for value '256'"),
        ([True, "x", None], "Type 'object' not supported for value 'true,x,'"),
        ({"a": 1}, r"Type 'object' not supported for value '\[object Object\]'"),
        ({1}, r"Type 'object' not supported for value '\[object Set\]'"),
        (dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=dt.UTC), r"value 'Mon May 06 2024 07:08:09 GMT\+0000"),
        (dt.datetime(1, 1, 1, tzinfo=dt.UTC), r"value 'Mon Jan 01 0001 00:00:00 GMT\+0000"),
        (frozenset({1}), r"Type 'object' not supported for value 'frozenset\(\{1\}\)'"),
        (Decimal("1.5"), "Type 'object' not supported for value '1.5'"),
        (Color.RED, "Type 'object' not supported for value 'Color.RED'"),
        (dt.date(2024, 5, 6), "Type 'object' not supported for value '2024-05-06'"),
        (len, "Type 'function' not supported"),
    ],
)
def test_what_the_binding_refuses(value: object, message: str) -> None:
    with pytest.raises(D1Error, match=message):
        to_wire(value)


def test_subclasses_pass_as_what_they_are_made_of() -> None:
    assert to_wires([Kind.TEXT, Count.ONE, Odd("as it is"), -0.0]) == ("text", 1.0, "as it is", 0.0)
    assert math.copysign(1, to_wires([-0.0])[0]) == 1  # type: ignore[arg-type]  # JSON knows no -0


@pytest.mark.parametrize("value", [Right.READ, Right.READ | Right.WRITE, UserString("a"), looped()])
def test_what_holds_itself_is_looked_into_without_an_end(value: object) -> None:
    """A flag is the first of its own elements, and the SDK looks into everything that can be iterated."""
    with pytest.raises(RecursionError):
        to_wire(value)


@pytest.mark.parametrize(
    "value", [(1, 2), bytearray(b"a"), [(1,)], {"a": 1}.items(), deque([(1,)]), ((1, 2) for _ in range(1)), zip("a")]
)
def test_what_the_sdk_does_not_send(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be sent over RPC"):
        to_wire(value)


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (9007199254740991, 9007199254740991),
        (9007199254740993, 9007199254740992.0),
        (4.0, 4),
        (-0.0, 0),
        (1e300, 1e300),
        (math.inf, None),
        (b"\x01", [1]),
    ],
)
def test_results_pass_json(value: Any, seen: Any) -> None:
    result = from_sqlite(value)
    assert result == seen
    assert type(result) is type(seen)


@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.tuples(*[_SQLITE_VALUES] * width), max_size=30)))
def test_many_rows_convert_as_each_value_does(rows: list[tuple[Any, ...]]) -> None:
    assert from_database(rows) == [[from_sqlite(value) for value in row] for row in rows]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (1e21, "1e+21"),
        (123456789012345680.0, "123456789012345680"),
        (1e-7, "1e-7"),
        (0.00001, "0.00001"),
    ],
)
def test_numbers_are_written_as_javascript_writes_them(value: float, text: str) -> None:
    assert js_number(value) == text
