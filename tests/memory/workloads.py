"""Workloads with a known peak, and what a process lived through before: the table that the engines are held against.

Each case runs in a child of its own, so that it has the heap that its history left. The true peak is tracemalloc's.
"""

import inspect
import json
import os
import re
import subprocess
import sys
import threading
import traceback
import tracemalloc
import zlib
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np

from pytest_cfworkers.guards.memory import Measurement
from pytest_cfworkers.memory.tracker import MemoryTracker

MB: Final = 2**20
SIZE: Final = 32 * MB
"""Bytes that a workload takes, more or less."""

Workload = Callable[[], object]


@dataclass
class Row:
    name: str
    number: int


class Slotted:
    __slots__ = ("name", "number")

    def __init__(self, number: int) -> None:
        self.name, self.number = None, number


def one_buffer() -> object:
    return len(bytearray(SIZE))


def one_untouched_buffer() -> object:
    return len(bytes(SIZE))


def one_text() -> object:
    return len("é" * (SIZE // 2) + "ü" * (SIZE // 2))


def many_buffers() -> object:
    return [bytearray(MB) for _ in range(SIZE // MB)]


def many_untouched_buffers() -> object:
    return [bytes(MB) for _ in range(SIZE // MB)]


def chunks() -> object:
    return [bytes([number % 256]) * 5_000 for number in range(SIZE // 5_000)]


def joined() -> object:
    return b"".join(bytes([number % 256]) * 5_000 for number in range(SIZE // 10_000))


def dicts() -> object:
    return [{"id": number, "name": str(number)} for number in range(SIZE // 270)]


def tuples() -> object:
    return [(number, number + 1, number + 2) for number in range(SIZE // 160)]


def lists() -> object:
    return [[number] for number in range(SIZE // 120)]


def floats() -> object:
    return [number * 1.5 for number in range(SIZE // 32)]


def integers() -> object:
    return [number + 1_000 for number in range(SIZE // 40)]


def short_texts() -> object:
    return [f"name-{number:08d}" for number in range(SIZE // 64)]


def slotted() -> object:
    return [Slotted(number) for number in range(SIZE // 90)]


def rows() -> object:
    return [Row("a", number) for number in range(SIZE // 110)]


def numbers_in_a_set() -> object:
    return set(range(SIZE // 80))


def words_to_lists() -> object:
    return {f"word {number}": [number] for number in range(SIZE // 250)}


def written_json() -> object:
    return len(json.dumps([{"id": number, "name": f"n{number}"} for number in range(SIZE // 480)]))


def read_json() -> object:
    text = "[" + ",".join(f'{{"id": {number}, "name": "n{number}"}}' for number in range(SIZE // 450)) + "]"
    return json.loads(text)


def typed_array() -> object:
    return array("d", range(SIZE // 8))


def double_ended_queue() -> object:
    return deque(range(10**6, 10**6 + SIZE // 40))


def growing_bytes() -> object:
    grown = bytearray()
    while len(grown) < SIZE:
        grown += b"x" * 10_000
    return len(grown)


def file_in_memory() -> object:
    file = BytesIO()
    while file.tell() < SIZE // 2:
        file.write(b"x" * 10_000)
    return file.getvalue()


def found_words() -> object:
    return re.findall(r"\w+", "some words of a text " * (SIZE // 330))


def freed_before_the_end() -> object:
    peak = bytearray(SIZE)
    del peak
    return bytearray(MB)


def freed_small_objects() -> object:
    peak = dicts()
    del peak
    return [{"id": number} for number in range(1_000)]


def again_and_again() -> object:
    for _ in range(10):
        [{"id": number} for number in range(10_000)]
    return bytearray(SIZE)


def cycles() -> object:
    for _ in range(8):
        cycle: list[object] = [bytearray(SIZE // 8)]
        cycle.append(cycle)
    return None


def unpacked() -> object:
    """Ask for more than is filled, as `zlib` does for the end of its answer."""
    return len(zlib.decompress(zlib.compress(bytes(SIZE // 2))))


def kept_free() -> object:
    """Free a buffer that the C library keeps, and take one that does not fit into its place."""
    for size in (20, 21, 22, 23):
        bytearray(size * MB)
        [bytes([number % 256]) * 5_000 for number in range(200)]
    return None


def imported() -> object:
    import sqlite3  # noqa: PLC0415 - a module in C takes address space, too

    return len(bytes(SIZE)), sqlite3.sqlite_version


def numpy_zeros() -> object:
    return np.zeros(SIZE // 8)


def numpy_ones() -> object:
    return np.ones(SIZE // 8)


def numpy_temporaries() -> object:
    return float(((np.ones(SIZE // 24) + 1) * 2).sum())


def _in_threads(work: Callable[[], object]) -> object:
    together = threading.Barrier(4)

    def run() -> None:
        held = work()
        together.wait()
        del held

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return None


def buffers_of_threads() -> object:
    return _in_threads(lambda: [bytes([number % 256]) * 5_000 for number in range(SIZE // 20_000)])


def objects_of_threads() -> object:
    return _in_threads(lambda: [(number, number) for number in range(SIZE // 4 // 110)])


def beside_threads() -> object:
    held = bytearray(SIZE)
    _in_threads(lambda: None)
    return len(held)


def nothing_before() -> object:
    return None


def grown_and_freed() -> object:
    [{"id": number, "name": str(number)} for number in range(200_000)]
    return None


def fragmented() -> object:
    return [[number] for number in range(500_000)][::40]


def fragmented_chunks() -> object:
    return [bytes([number % 256]) * 700 for number in range(60_000)][::8]


def buffers_freed() -> object:
    bytearray(30 * MB)
    [bytearray(MB) for _ in range(40)]
    return None


def garbage_in_cycles() -> object:
    cycle: list[object] = [[{"id": number} for number in range(200_000)]]
    cycle.append(cycle)
    return None


def threads_before() -> object:
    return _in_threads(lambda: [bytes([number % 256]) * 5_000 for number in range(2_000)])


def ends_of_threads() -> object:
    """Leave much free at the ends of the arenas of threads, as where large buffers were freed before."""
    bytearray(SIZE - MB)
    return buffers_of_threads()


FRESH: Final = (
    *(one_buffer, one_untouched_buffer, one_text, many_buffers, chunks, joined),
    *(dicts, tuples, lists, floats, integers, short_texts, slotted, rows, numbers_in_a_set, words_to_lists),
    *(written_json, read_json, typed_array, double_ended_queue, growing_bytes, file_in_memory, found_words),
    *(freed_before_the_end, freed_small_objects, again_and_again, cycles, unpacked, kept_free, imported),
    *(numpy_zeros, numpy_ones, numpy_temporaries, buffers_of_threads, objects_of_threads, beside_threads),
)
HISTORIES: Final = (
    *(grown_and_freed, fragmented, fragmented_chunks, buffers_freed, garbage_in_cycles, threads_before),
)
AFTER: Final = (one_buffer, many_untouched_buffers, dicts)


class Case(NamedTuple):
    """A workload and what the process lived through before it."""

    history: Workload
    workload: Workload

    def __str__(self) -> str:
        if self.history is nothing_before:
            return self.workload.__name__
        return f"{self.workload.__name__} after {self.history.__name__}"


UNSEEN: Final = frozenset({double_ended_queue, beside_threads, unpacked, imported})
"""What `auto` may leave undecided at any time: one call that nobody can look into, and what is not the allocators'."""

PLAIN: Final = frozenset(
    {
        *(one_buffer, one_untouched_buffer, one_text, many_buffers, chunks, joined),
        *(typed_array, growing_bytes, freed_before_the_end, cycles, numpy_zeros, numpy_ones, numpy_temporaries),
        *(buffers_of_threads,),
    }
)
"""What needs no look near its peak, so that `auto` must decide it at once."""

CASES: Final = (
    *(Case(nothing_before, workload) for workload in FRESH),
    *(Case(history, workload) for history in HISTORIES for workload in AFTER),
    Case(ends_of_threads, buffers_of_threads),
)


@cache
def true_peak(workload: Workload) -> int:
    """Return the peak in bytes that tracemalloc counts. No history changes it."""

    def traced() -> int:
        tracemalloc.start(1)
        workload()
        _, peak = tracemalloc.get_traced_memory()
        return peak

    return int(in_child(traced))


def measured(case: Case, limit: int, engine: Any = "auto") -> Measurement:
    """Return what an engine measures."""

    def tracked() -> dict[str, Any]:
        kept = case.history()
        tracker = MemoryTracker(limit, engine=engine)
        tracker.start()
        held = case.workload()
        found = tracker.stop()
        del kept, held
        return {"peak": found.peak, "low": found.low, "high": found.high, "engine": found.engine, "why": found.why}

    return Measurement(**in_child(tracked))


def in_child(work: Callable[[], Any]) -> Any:
    """Do something in a child of this process, and return what it returns, by way of JSON."""
    readable, writable = os.pipe()
    child = os.fork()
    if child:
        os.close(writable)
        with os.fdopen(readable) as answer:
            text = answer.read()
        _, status = os.waitpid(child, 0)
        assert status == 0, f"the child ended with {status}"
        return json.loads(text)
    try:
        os.close(readable)
        with os.fdopen(writable, "w") as answer:
            json.dump(work(), answer)
    except BaseException:  # noqa: BLE001 - a child of fork must not return to what its parent does
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


_CALL: Final = (
    "import json, runpy, sys; _, file, name, given = sys.argv;"
    "print(json.dumps(runpy.run_path(file)[name](*json.loads(given))))"
)


def in_new_process(work: Callable[..., Any], *given: object) -> Any:
    """Call a function of a test file in a process whose heap no test before has used, by way of JSON."""
    command = (sys.executable, "-c", _CALL, inspect.getfile(work), work.__name__, json.dumps(given))
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Keeper:
    """A thread that keeps every other of some blocks, and so an arena with 10 MB of holes, while the block runs."""

    def __init__(self) -> None:
        self._ready, self._over = threading.Event(), threading.Event()
        self._more, self._done = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep)
        self._count = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Let it end."""
        self._over.set()
        self._more.set()
        self._thread.join()

    def use(self, count: int) -> None:
        """Let it take that many blocks, and free them."""
        self._count = count
        self._more.set()
        self._done.wait()

    def _keep(self) -> None:
        kept = [bytes([number % 256]) * 50_000 for number in range(400)][::2]
        self._ready.set()
        self._more.wait()
        if not self._over.is_set():
            [bytes([number % 256]) * 49_000 for number in range(self._count)]
            self._done.set()
            self._over.wait()
        del kept


def table(cases: tuple[Case, ...] = CASES) -> Iterator[tuple[Case, int, Measurement]]:
    """Yield each case with its true peak and what `auto` measures for the platform's limit."""
    for case in cases:
        yield case, true_peak(case.workload), measured(case, 128 * MB)
