"""The work that is measured on CPython and on Pyodide alike. Standard library only: both import this one file."""

import base64
import datetime as dt
import decimal
import gc
import hashlib
import json
import random
import re
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

MEBI: Final = 2**20
_RECORDS: Final[list[dict[str, Any]]] = [
    {"id": number, "name": f"repository {number}", "stars": number * 3, "topics": ["a", "b"], "ratio": number / 7}
    for number in range(2_000)
]
_TEXT: Final = json.dumps(_RECORDS)
_WORDS: Final = _TEXT.split()
_DATES: Final = [dt.datetime.fromtimestamp(number * 86_461, dt.UTC).isoformat() for number in range(2_000)]
_PRICES: Final = [decimal.Decimal(number) / 7 for number in range(3_000)]
_SHUFFLED: Final = random.Random(1).sample(range(40_000), 40_000)  # noqa: S311 - an order, not a secret
_BLOCK: Final = random.Random(2).randbytes(MEBI)  # noqa: S311 - what is hashed does not matter
_LINK: Final = re.compile(r'"(\w+)": "?(repository (\d+))')


@dataclass(slots=True)
class _Slotted:
    number: int
    name: str
    parent: object


class _Plain:
    def __init__(self, number: int) -> None:
        self.number = number
        self.name = "name"

    def double(self) -> int:
        return self.number * 2


# What holds memory. Each returns what it holds.


def small_dicts() -> Any:
    return [{"id": number, "name": "name"} for number in range(400_000)]


def records_from_json() -> Any:
    return [json.loads(_TEXT) for _ in range(40)]


def json_text() -> Any:
    return json.dumps(_RECORDS * 120)


def distinct_strings() -> Any:
    return [f"repository number {number}" for number in range(800_000)]


def joined_bytes() -> Any:
    return b"".join([bytes(1_000)] * 60_000)


def one_buffer() -> Any:
    return bytearray(64 * MEBI)


def many_buffers() -> Any:
    return [bytes(64 * 1_024) for _ in range(1_000)]


def integers() -> Any:
    return [number + 2**20 for number in range(2_000_000)]


def floats() -> Any:
    return [number / 3 for number in range(2_000_000)]


def tuples() -> Any:
    return [(number, "name", None) for number in range(800_000)]


def nested_lists() -> Any:
    return [[number, [number]] for number in range(500_000)]


def slotted_objects() -> Any:
    return [_Slotted(number, "name", None) for number in range(800_000)]


def plain_objects() -> Any:
    return [_Plain(number) for number in range(600_000)]


def one_dict() -> Any:
    return {number: str(number) for number in range(700_000)}


def one_set() -> Any:
    return {str(number) for number in range(700_000)}


# What takes time.


def json_both_ways() -> None:
    for _ in range(3):
        json.loads(json.dumps(_RECORDS))


def loops() -> None:
    total = 0
    for number in range(300_000):
        total += number % 7 if number & 1 else 1


def method_calls() -> None:
    things = [_Plain(number) for number in range(40_000)]
    sum(thing.double() for thing in things)


def comprehensions() -> None:
    for _ in range(20):
        {record["id"]: [record["name"], record["stars"]] for record in _RECORDS if record["stars"] % 2}


def regular_expressions() -> None:
    for _ in range(2):
        _LINK.findall(_TEXT)
        re.sub(r"\d+", "#", _TEXT)


def hashing() -> None:
    for _ in range(8):
        hashlib.sha256(_BLOCK).digest()


def many_small_hashes() -> None:
    for number in range(8_000):
        hashlib.sha256(b"%d" % number).hexdigest()


def string_work() -> None:
    for _ in range(12):
        parts = [word.strip('",').upper() for word in _WORDS]
        "-".join(parts).replace("A", "b").split("-")


def formatting() -> None:
    for record in _RECORDS * 5:
        f"{record['name']:>30} {record['ratio']:.3f} {record['id']:,}"


def sorting() -> None:
    sorted(_SHUFFLED)
    sorted(_RECORDS * 5, key=lambda record: record["name"])


def decimals() -> None:
    for _ in range(4):
        sum(price * price / 3 for price in _PRICES)


def dates() -> None:
    day = dt.timedelta(days=1)
    for _ in range(8):
        for text in _DATES:
            (dt.datetime.fromisoformat(text) + day).strftime("%Y-%m-%d")


def compression() -> None:
    zlib.decompress(zlib.compress(_TEXT.encode()))


def base64_both_ways() -> None:
    for _ in range(6):
        base64.b64decode(base64.b64encode(_BLOCK))


MEMORY: Final[dict[str, Callable[[], Any]]] = {
    "400,000 small dicts": small_dicts,
    "`json.loads`, 40 times 2,000 records": records_from_json,
    "`json.dumps` of 240,000 records": json_text,
    "800,000 distinct strings": distinct_strings,
    "`bytes.join` to 57 MB": joined_bytes,
    "a buffer of 64 MB": one_buffer,
    "1,000 buffers of 64 KB": many_buffers,
    "a list of 2,000,000 ints": integers,
    "a list of 2,000,000 floats": floats,
    "800,000 tuples of three": tuples,
    "500,000 nested lists": nested_lists,
    "800,000 objects with slots": slotted_objects,
    "600,000 objects without": plain_objects,
    "a dict of 700,000 strings": one_dict,
    "a set of 700,000 strings": one_set,
}

CPU: Final[dict[str, Callable[[], None]]] = {
    "json, both ways": json_both_ways,
    "loops over ints": loops,
    "objects and method calls": method_calls,
    "comprehensions": comprehensions,
    "regular expressions": regular_expressions,
    "sha256 of 1 MB": hashing,
    "sha256 of a few bytes": many_small_hashes,
    "string work": string_work,
    "f-strings": formatting,
    "sorting": sorting,
    "decimal": decimals,
    "datetime": dates,
    "zlib": compression,
    "base64": base64_both_ways,
}


def version() -> str:
    """Name the interpreter that runs this."""
    return sys.version.split()[0]


def traced_peak(name: str) -> int:
    """Return the most bytes that Python held while one of `MEMORY` ran, by tracemalloc."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        held = MEMORY[name]()
        _, peak = tracemalloc.get_traced_memory()
        del held
        return peak - before
    finally:
        tracemalloc.stop()


def processor_seconds(name: str) -> float:
    """Return the CPU seconds of this process while one of `CPU` ran. Right on CPython; Pyodide has no such clock."""
    gc.collect()
    start = time.process_time()
    CPU[name]()
    return time.process_time() - start
