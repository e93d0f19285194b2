"""JavaScript values as JSON: nothing is lost, nothing of a user's is taken for something else."""

from __future__ import annotations

import json
import math
from array import array

import pytest

from pytest_cfworkers.d1.result import JsDict
from pytest_cfworkers.lanes import wire


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (5, 5),
        (2**53 - 2, 2**53 - 2),
        (2**53 - 1, {"$bigint": "9007199254740991"}),
        (-(2**70), {"$bigint": str(-(2**70))}),
        (math.nan, {"$number": "NaN"}),
        (-math.inf, {"$number": "-Infinity"}),
        (b"\x00\xff", {"$view": ["B", "AP8="]}),
        (array("h", [1, -1]), {"$view": ["h", "AQD//w=="]}),
        (memoryview(b"\x01").cast("?"), [True]),
        (frozenset({1}), {"$proxy": {"callable": False, "text": "frozenset({1})"}}),
        ({"$bigint": "1"}, {"$object": [["$bigint", "1"]]}),
        ([1, [None]], [1, [None]]),
    ],
)
def test_python_values_as_javascript_gets_them(value: object, expected: object) -> None:
    assert wire.encode(value) == expected


def test_negative_zero_keeps_its_sign() -> None:
    assert wire.dumps({"v": wire.encode(-0.0)}) == b'{"v":-0.0}'


def test_lone_surrogates_travel_as_escapes() -> None:
    assert wire.dumps({"v": "a\ud800"}) == b'{"v":"a\\ud800"}'
    assert wire.loads(b'"a\\ud800"') == "a\ud800"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("4", int),
        ("4.0", int),
        ("4.5", float),
        ("9007199254740991", int),
        ("9007199254740992", float),
        ("1e300", float),
    ],
)
def test_whole_numbers_are_int_as_far_as_javascript_calls_them_safe(text: str, kind: type) -> None:
    value = wire.loads(text.encode())
    assert type(value) is kind
    assert value == float(text)


def test_objects_become_dictionaries_with_attributes_in_their_order() -> None:
    value = wire.decode(json.loads('{"$object": [["2", 1], ["a", {"$object": []}], ["$object", null]]}'))
    assert isinstance(value, JsDict)
    assert list(value.items()) == [("2", 1), ("a", {}), ("$object", None)]
    assert isinstance(value.a, JsDict)


def test_a_list_changed_after_the_call_was_added_is_sent_as_it_was() -> None:
    blob = [1, 2]
    chain = wire.Chain().then("bind", blob)
    blob.append(3)
    assert chain.encoded() == {"calls": (("bind", [[1, 2]]),)}
