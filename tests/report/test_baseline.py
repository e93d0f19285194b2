"""What is known is read, compared and written so that two branches and two runs agree."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_cfworkers.report.baseline import Baseline, BaselineError
from pytest_cfworkers.report.entry import Entry
from pytest_cfworkers.report.model import TestRecord
from pytest_cfworkers.report.run import Bundle
from pytest_cfworkers.violation import Violation
from tests.report.runs import SEVEN, record, records

TIME = replace(SEVEN, rule="wall-time", unit="ms", observed=100.0)
MEMORY = replace(SEVEN, rule="memory", unit="bytes", observed=1_000)


def keep_all(_test: str) -> bool:
    return False


def baseline(path: Path, *violations: Violation, bundle: Bundle | None = None) -> Baseline:
    """Make the baseline of a test that broke some rules."""
    return Baseline(path, {}).updated([record("a", violations=violations)], drop=keep_all, bundle=bundle)


def now(*violations: Violation, outcome: str = "passed") -> list[TestRecord]:
    return [record("a", violations=violations, outcome=outcome)]


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])  # of a busy machine
@given(tests=st.lists(records, max_size=3))
def test_what_is_written_is_read_again(tests: list[TestRecord], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("base") / "base.jsonl"
    written = Baseline(path, {}).updated(tests, drop=keep_all, bundle=None)
    written.write()
    read = Baseline.read(path)
    assert read.entries == written.entries
    assert all(
        read.knows(test.nodeid, found) for test in tests if test.outcome != "skipped" for found in test.violations
    )


@pytest.mark.parametrize(
    ("found", "known", "worse"),
    [(SEVEN, 7, 8), (TIME, 125.0, 125.1), (MEMORY, 1_100, 1_101)],
    ids=["count", "time", "memory"],
)
def test_worse_is_more_by_more_than_varies(tmp_path: Path, found: Violation, known: float, worse: float) -> None:
    base = baseline(tmp_path / "base.jsonl", found)
    assert base.knows("a", replace(found, observed=known))
    assert not base.knows("a", replace(found, observed=worse))
    assert not base.knows("b", found)
    assert [new.observed for _, new in base.changes(now(replace(found, observed=worse))).more] == [worse]


def test_what_varies_by_no_more_than_it_does_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    """Times are never the same twice, and a diff should show what changed."""
    base = baseline(tmp_path / "base.jsonl", TIME, SEVEN)
    for observed, written in ((110.0, 100.0), (90.0, 100.0), (126.0, 126.0), (79.0, 79.0)):
        again = base.updated(now(replace(TIME, observed=observed), SEVEN), drop=keep_all, bundle=None)
        assert {entry.unit: entry.observed for entry in again.entries.values()} == {"ms": written, "connections": 7}


def test_lines_of_two_branches_are_read_in_any_order_with_two_heads_and_two_bundles(tmp_path: Path) -> None:
    """As `merge=union` leaves them."""
    path = tmp_path / "base.jsonl"
    ours = baseline(path, SEVEN, bundle=Bundle(path="dist", size=10, gzip_size=5, files=1))
    ours.write()
    mine = path.read_text(encoding="utf-8").splitlines()
    baseline(path, TIME, replace(SEVEN, observed=9), bundle=Bundle(path="dist", size=8, gzip_size=4, files=1)).write()
    theirs = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\r\n".join([*mine, *reversed(theirs), ""]), encoding="utf-8-sig")
    both = Baseline.read(path)
    assert sorted(entry.observed for entry in both.entries.values()) == [9, 100.0]
    assert both.bundle == (8, 4)


def test_of_a_test_that_failed_by_itself_nothing_is_called_gone(tmp_path: Path) -> None:
    base = baseline(tmp_path / "base.jsonl", SEVEN)
    assert base.changes(now(outcome="failed")).gone == ()
    assert [entry.test for entry in base.changes(now()).gone] == ["a"]


def test_a_line_is_read_by_a_person(tmp_path: Path) -> None:
    baseline(tmp_path / "base.jsonl", SEVEN).write()
    head, line = (tmp_path / "base.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(head) == {"format": "pytest-cfworkers baseline", "schema": 1}
    assert line == (
        '{"test": "a", "key": "connections app/sync.py::refresh < tests/test_sync.py::test_all", '
        '"observed": 7, "limit": 6, "unit": "connections"}'
    )


def test_an_update_needs_no_file_and_any_other_run_does(tmp_path: Path) -> None:
    path = tmp_path / "base.jsonl"
    assert Baseline.read(path, update=True).entries == {}
    with pytest.raises(BaselineError, match="does not exist; write it first: pytest --cf-baseline="):
        Baseline.read(path)


def test_an_entry_names_its_test_and_rule() -> None:
    assert str(Entry.of("a", SEVEN)) == "a: connections app/sync.py::refresh < tests/test_sync.py::test_all"
