"""A run crosses JSON, and several make one in any order."""

import json
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_cfworkers.report.model import Usage
from pytest_cfworkers.report.run import SCHEMA, GateResult, Run
from tests.report.runs import SEVEN, record, run, runs


@settings(max_examples=30)
@given(one=runs)
def test_a_run_survives_plain_data_and_json(one: Run) -> None:
    assert Run.from_dict(one.to_dict()) == one
    data = json.loads(json.dumps(one.to_dict()))
    assert Run.from_dict(data) == one
    assert data["schema"] == SCHEMA


@settings(max_examples=30)
@given(shards=st.lists(runs, min_size=1, max_size=4), turned=st.randoms(use_true_random=False))
def test_the_order_of_merging_does_not_matter(shards: list[Run], turned: Random) -> None:
    merged = Run.merge(shards)
    turned.shuffle(shards)
    again = Run.merge(shards)
    assert replace(again, problems=()) == replace(merged, problems=())
    assert set(again.problems) == set(merged.problems)


@settings(max_examples=30)
@given(one=runs)
def test_a_run_alone_is_itself(one: Run) -> None:
    assert Run.merge([one]) == replace(one, settings=dict(sorted(one.settings.items())))


def test_tests_of_all_shards_are_there_by_id() -> None:
    merged = Run.merge([run(record("b"), record("c")), run(record("a"))])
    assert [test.nodeid for test in merged.tests] == ["a", "b", "c"]


def test_a_test_that_several_have_is_kept_at_its_worst() -> None:
    broken, failed = record(outcome="passed"), record(violations=(), outcome="failed")
    close = record(violations=(), outcome="passed", usage={"connections": Usage(used=6, limit=6, other=6)})
    far = record(violations=(), outcome="passed", usage={"connections": Usage(used=1, limit=6, other=6)})
    order = [broken, failed, close, far]
    for number, worse in enumerate(order):
        for better in order[number:]:
            assert Run.merge([run(better), run(worse)]).tests == (worse,)
            assert Run.merge([run(worse), run(better)]).tests == (worse,)


def test_what_is_wrong_with_one_shard_is_wrong_with_the_whole() -> None:
    held = GateResult(expression="violations==0", observed="0", bound="0", passed=True)
    failed = replace(held, observed="1", passed=False)
    merged = Run.merge(
        [
            run(gates=(failed,), duration_s=3.0),
            run(complete=False, problems=("worker gw0 crashed",), gates=(held,), started="2026-11-24T09:00:00+00:00"),
        ]
    )
    assert not merged.complete
    assert merged.problems == ("worker gw0 crashed",)
    assert merged.gates == (failed,)
    assert merged.started == "2026-11-24T09:00:00+00:00"
    assert merged.duration_s == 5.0


def test_settings_that_differ_are_all_named() -> None:
    merged = Run.merge([run(settings={"cf_plan": "paid"}), run(settings={"cf_plan": "free"}), run(settings={})])
    assert merged.settings == {"cf_plan": "free; paid"}


def test_there_must_be_a_run() -> None:
    with pytest.raises(ValueError, match="there is no run to merge"):
        Run.merge([])


def test_a_key_holds_no_line_and_no_source() -> None:
    assert SEVEN.key == "connections app/sync.py::refresh < tests/test_sync.py::test_all"
    moved = replace(
        SEVEN,
        observed=9,
        evidence=("x",),
        headline="9",
        frames=tuple(frame._replace(line=frame.line + 7) for frame in SEVEN.frames),
    )
    assert moved.key == SEVEN.key
    assert replace(SEVEN, frames=()).key == "connections"
