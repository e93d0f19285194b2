"""What CPython's figures come to on a Worker, where CPython runs as 32-bit WebAssembly. Measured, and so estimates.

`python -m benchmarks.pyodide` measures every number here: the same work on CPython 3.13.0 and on Pyodide 314.0.6
(what Workers run from compatibility date 2026-09-08) under Node 20, x86-64, on 2026-11-24. docs/memory.md and
docs/cpu.md hold its tables.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PYODIDE_BASELINE: Final[int] = 31_457_280
"""Bytes of linear memory that the interpreter takes alone, before any package or code of the Worker."""

MEMORY_RATIO: Final[float] = 0.75
"""How much linear memory grows for each byte that CPython held at its peak: the median of fifteen workloads."""

MEMORY_RATIOS: Final[tuple[float, float]] = (0.59, 1.77)
"""The least and the greatest of them: sets and objects, whose pointers are half as long, and text built by `json`."""

CPU_FACTORS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "json, both ways": 2.2,
        "loops over ints": 1.7,
        "objects and method calls": 1.9,
        "comprehensions": 2.6,
        "regular expressions": 2.4,
        "sha256 of 1 MB": 5.6,
        "sha256 of a few bytes": 1.9,
        "string work": 2.5,
        "f-strings": 2.6,
        "sorting": 1.8,
        "decimal": 2.3,
        "datetime": 2.0,
        "zlib": 1.6,
        "base64": 1.4,
    }
)
"""How many times the CPU time of CPython each kind of work takes on Pyodide."""

PYODIDE_CPU_FACTOR: Final[float] = 2.1
"""What `cf_cpu_scale = "pyodide"` stands for: the median of `CPU_FACTORS`."""


def worker_memory(peak: int) -> int:
    """Estimate the memory of a Worker that does the same work.

    Args:
        peak: Bytes that CPython held at its peak, the interpreter itself left out.

    Returns:
        Bytes of linear memory, the interpreter's own 30 MB included. Between 0.59 and 1.77 times the peak beside
        them were measured; this takes the median.
    """
    return PYODIDE_BASELINE + round(peak * MEMORY_RATIO)
