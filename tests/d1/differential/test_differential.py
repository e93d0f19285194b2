"""The fake and the real D1 answer random programs alike; more by `python -m tests.d1.differential`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from pytest_cfworkers.lanes.installation import status
from pytest_cfworkers.lanes.lane import WorkerdLane
from tests.d1.differential.comparison import comparable, disagreement
from tests.d1.differential.found import FOUND, append
from tests.d1.differential.programs import Operation, programs
from tests.d1.differential.reduction import reduced
from tests.needed import missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_EXAMPLES = 100


@pytest.fixture(scope="module")
def lane() -> Iterator[WorkerdLane]:
    if problem := status().problem:
        missing(problem)
    with WorkerdLane() as lane:
        yield lane


def test_random_programs_are_answered_alike(lane: WorkerdLane) -> None:
    @settings(
        max_examples=_EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        # What is found is reduced by a quicker way than hypothesis' own, which would take minutes.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(programs())
    def check(program: list[Operation]) -> None:
        found = asyncio.run(disagreement(lane, program))
        if found is not None:
            pytest.fail(str(asyncio.run(reduced(lane, found))), pytrace=False)

    check()


def test_a_disagreement_names_the_operation_and_both_answers(
    lane: WorkerdLane, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tests.d1.differential.found.FOUND", tmp_path / "found.jsonl")
    monkeypatch.setattr("pytest_cfworkers.d1.statement.js_string", lambda value: f"{value}!")
    program: list[Operation] = [
        {"op": "query", "sql": "SELECT 1 AS a", "method": "all"},
        {"op": "query", "sql": "SELECT 1 AS a", "method": "first", "column": "a"},
        {"op": "query", "sql": "SELECT 2", "method": "all"},
    ]
    found = asyncio.run(disagreement(lane, program))
    assert found is not None
    assert found.position == 1
    assert found.signature == "D1_COLUMN_NOTFOUND: Column not found (a!) / ok"
    append(found, lane.bridge.versions)
    append(found, lane.bridge.versions)
    (line,) = (tmp_path / "found.jsonl").read_text(encoding="utf-8").splitlines()
    assert '"transcript": [{"ok":' in line
    assert FOUND.parent.name == "corpus"


def test_int_and_float_are_not_the_same_answer() -> None:
    assert comparable({"ok": 1}) != comparable({"ok": 1.0})
    assert comparable({"ok": [{"a": 1, "b": 2}]}) != comparable({"ok": [{"b": 2, "a": 1}]})
    reference = "internal error; reference = {}"
    assert comparable({"error": reference.format("abc")}) == comparable({"error": reference.format("xyz")})
