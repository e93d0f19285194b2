"""Measure the same work on CPython and on Pyodide: `python -m benchmarks.pyodide [--write]`.

Prints the tables of docs/memory.md and docs/cpu.md and what they come to for pytest_cfworkers/calibration.py. With
`--write` they take the place of those in the docs. Installs the pinned Pyodide from npm into the user's cache first.
"""

import datetime as dt
import platform
import statistics
import sys
from typing import Any

from benchmarks.pyodide import tables, workloads
from benchmarks.pyodide.interpreters import Pyodide, pyodide

_ROUNDS = 11
_WARM_UP = 4
"""Rounds that are not counted: V8 compiles what is hot a second time, after it has run a while."""


def main(*, write: bool) -> None:
    """Measure everything."""
    with pyodide() as there:
        versions = there.ask("version")
        head = (
            f"CPython {workloads.version()} beside Pyodide {versions['pyodide']} (CPython {versions['python']}) under "
            f"Node {versions['node'].removeprefix('v')}, {platform.machine()}, {dt.datetime.now(dt.UTC):%Y-%m-%d}."
        )
        memory = _memory(there, versions["alone"])
        cpu = _cpu(there)
    for page, name, text in (("memory.md", "memory", memory), ("cpu.md", "cpu", cpu)):
        print(f"{head}\n\n{text}\n")
        if write:
            tables.write(page, name, f"{head}\n\n{text}")


def _memory(there: Pyodide, alone: int) -> str:
    """Measure what the same data take: the peak by tracemalloc here, linear memory there."""
    rows, ratios = [["the interpreter alone", "", "", tables.megabytes(alone), ""]], []
    for name in workloads.MEMORY:
        peak: int = workloads.traced_peak(name)
        answer: dict[str, Any] = there.ask("memory", name)
        ratios.append((answer["linear"] - answer["alone"]) / peak)
        rows.append(
            [
                name,
                tables.megabytes(peak),
                tables.megabytes(answer["used"]),
                tables.megabytes(answer["linear"]),
                f"{ratios[-1]:.2f}",
            ]
        )
    print(
        f"PYODIDE_BASELINE = {alone:_}, MEMORY_RATIO = {statistics.median(ratios):.2f}, "
        f"MEMORY_RATIOS = ({min(ratios):.2f}, {max(ratios):.2f})",
        file=sys.stderr,
    )
    head = ["what is held", "CPython's peak", "Pyodide's heap", "linear memory in all", "growth / peak"]
    return tables.table(head, rows)


def _cpu(there: Pyodide) -> str:
    """Measure what the same work takes, in turn."""
    rows, factors = [], {}
    for name in workloads.CPU:
        pairs = [(workloads.processor_seconds(name), there.ask("cpu", name)) for _ in range(_ROUNDS)][_WARM_UP:]
        low, median, high = statistics.quantiles([wasm / native for native, wasm in pairs], n=4)
        factors[name] = round(median, 1)
        native, wasm = (min(seconds) * 1_000 for seconds in zip(*pairs, strict=True))
        rows.append([name, f"{native:.1f} ms", f"{wasm:.1f} ms", f"{median:.1f}×", f"{low:.1f} to {high:.1f}"])
    overall = statistics.median(factors.values())
    print(f"CPU_FACTORS = {factors}, PYODIDE_CPU_FACTOR = {overall:.1f}", file=sys.stderr)
    rows.append(["**the median of these**", "", "", f"**{overall:.1f}×**", ""])
    return tables.table(["work", "CPython", "Pyodide", "factor", "quartiles"], rows)


if __name__ == "__main__":
    main(write="--write" in sys.argv[1:])
