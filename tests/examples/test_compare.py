"""The table of the examples says what its command measures."""

from pathlib import Path
from typing import Final

import pytest

import compare

COLUMNS: Final = [name for part in compare.HEADERS for name in part]


@pytest.fixture(scope="module")
def rows() -> list[compare.Row]:
    return compare.measure(runs=1, memory=False)


def test_columns_that_are_the_same_in_each_run_are_those_of_the_table(rows: list[compare.Row]) -> None:
    written = Path(compare.README).read_text(encoding="utf-8").partition(compare.MARKERS[0])[2]
    lines = written.partition(compare.MARKERS[1])[0].splitlines()
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    steady = len(COLUMNS) - len(compare.HEADERS[-1])
    assert [line[:steady] for line in cells] == [
        tuple(COLUMNS[:steady]),
        tuple("---" if name in {"job", "way", "breaks"} else "--:" for name in COLUMNS[:steady]),
        *((*row.about, *row.stable) for row in rows),
    ]


def test_reference_breaks_nothing_and_waits_for_no_connection(rows: list[compare.Row]) -> None:
    reference = [row for row in rows if row.about[1] == "reference"]
    assert [(row.stable[-1], row.measured[0]) for row in reference] == [("nothing", "0 ms")] * len(compare.JOBS)


def test_row_is_a_line_of_the_table() -> None:
    row = compare.Row(("a job", "naive"), ("20", "20", "0", "`connections`"), ("7 ms", "1.0 MB", "20 ms"))
    *_, line = compare.table([row]).splitlines()
    assert line == "| a job | naive | 20 | 20 | 0 | `connections` | 7 ms | 1.0 MB | 20 ms |"
    assert line.count("|") == len(COLUMNS) + 1
