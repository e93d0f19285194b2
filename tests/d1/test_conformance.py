"""The fake agrees with recordings of the real D1, operation by operation."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from tests.d1.conformance import CORPUS, META, NOT_COUNTED, compare, load

FOUND = CORPUS.with_name("found.jsonl")
_SLICES = 16
_PROGRAMS = load()
_COUNTED = [program for program in _PROGRAMS if not NOT_COUNTED.keys() & set(program["tags"])]
_MINIMUM = {
    "changes": 1.0,
    "last_row_id": 0.9995,
    "changed_db": 1.0,
    "size_after": 0.995,
    "rows_written": 0.995,
    "rows_read": 0.94,
}


@pytest.mark.parametrize("part", range(_SLICES))
def test_what_python_sees_is_what_was_recorded(part: int) -> None:
    """Each counted program of the corpus agrees; `meta` has figures of its own."""
    meta: Counter[str] = Counter()
    results = 0
    for program in _COUNTED[part::_SLICES]:
        outcome = compare(program)
        assert not outcome.differences, _report(program, outcome)
        meta += outcome.meta
        results += outcome.metas
    low = {key: meta[key] / results for key in META if meta[key] / results < _MINIMUM[key] - 0.06}
    assert not low


def test_the_corpus_is_whole() -> None:
    assert len(_PROGRAMS) >= 887
    assert sum(len(program["ops"]) for program in _PROGRAMS) >= 9838


def _report(program: dict[str, Any], outcome: Any) -> str:
    lines = [f"{program['name']}: {len(outcome.differences)} of {outcome.operations} operations differ"]
    for difference in outcome.differences[:5]:
        lines += [
            f"#{difference.operation} {str(program['ops'][difference.operation])[:500]}",
            f"  recorded {difference.wanted[:1000]}",
            f"  fake     {difference.got[:1000]}",
        ]
    return "\n".join(lines)


@pytest.mark.parametrize("line", FOUND.read_text(encoding="utf-8").splitlines() if FOUND.exists() else [])
def test_what_differential_runs_found_agrees_now(line: str) -> None:
    program = json.loads(line)
    outcome = compare(program)
    assert not outcome.differences, _report(program, outcome)
