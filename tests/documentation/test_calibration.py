"""The calibration is what the published tables say, and the pages say what it comes to."""

import re
import statistics
from pathlib import Path
from typing import Final

import pytest

from benchmarks.pyodide import tables, workloads
from benchmarks.pyodide.interpreters import PYODIDE
from pytest_cfworkers.calibration import (
    CPU_FACTORS,
    MEMORY_RATIO,
    MEMORY_RATIOS,
    PYODIDE_BASELINE,
    PYODIDE_CPU_FACTOR,
    worker_memory,
)

DOCS: Final = Path(__file__).parents[2] / "docs"


def rows_of(page: str, name: str) -> dict[str, list[str]]:
    """Return the cells of a table by what stands in its first column."""
    text = (DOCS / page).read_text(encoding="utf-8")
    between = text.partition(tables.begin(name))[2].partition(tables.end(name))[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in between.splitlines() if line[:1] == "|"]
    return {first: rest for first, *rest in cells[2:]}


def test_the_cpu_factors_are_those_of_the_table() -> None:
    rows = rows_of("cpu.md", "cpu")
    assert {name: float(rows[name][2].removesuffix("×")) for name in workloads.CPU} == dict(CPU_FACTORS)


def test_pyodide_stands_for_their_median() -> None:
    assert pytest.approx(statistics.median(CPU_FACTORS.values()), abs=0.06) == PYODIDE_CPU_FACTOR


def test_the_memory_ratios_are_those_of_the_table() -> None:
    rows = rows_of("memory.md", "memory")
    ratios = [float(rows[name][3]) for name in workloads.MEMORY]
    assert (min(ratios), max(ratios)) == MEMORY_RATIOS
    assert statistics.median(ratios) == MEMORY_RATIO
    assert rows["the interpreter alone"][2] == tables.megabytes(PYODIDE_BASELINE)


def test_the_pages_name_the_figures_that_the_tables_come_to() -> None:
    memory = (DOCS / "memory.md").read_text(encoding="utf-8")
    low, high = MEMORY_RATIOS
    assert f"30 MB and {MEMORY_RATIO:g} times the peak" in memory
    assert f"from {low:g} to {high:g}" in memory
    assert f"`pyodide` ({PYODIDE_CPU_FACTOR:g})" in (DOCS / "reference.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["cpu.md", "memory.md"])
def test_each_table_names_both_versions_and_the_day(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    version = re.escape(PYODIDE)
    assert re.search(rf"CPython 3\.\d+\.\d+ beside Pyodide {version} .* Node \d+.*, \d{{4}}-\d\d-\d\d\.", text)


def test_an_empty_worker_takes_the_interpreter_and_more_data_take_more() -> None:
    assert worker_memory(0) == PYODIDE_BASELINE
    assert worker_memory(100 * 2**20) == PYODIDE_BASELINE + 75 * 2**20


@pytest.mark.parametrize("name", [*workloads.MEMORY, *workloads.CPU])
def test_each_workload_runs_here(name: str) -> None:
    work = {**workloads.CPU}.get(name)
    if work is not None:
        work()
    else:
        assert callable(workloads.MEMORY[name])


def test_the_stopwatch_example_of_the_page_passes(pytester: pytest.Pytester) -> None:
    _, _, section = (DOCS / "cpu.md").read_text(encoding="utf-8").partition("\n## The stopwatch\n")
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    pytester.makepyfile(test_stopwatch=code)
    options = ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function", "-p", "no:randomly")
    pytester.runpytest_inprocess(*options).assert_outcomes(passed=1)
