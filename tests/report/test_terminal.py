"""The summary fits the terminal, and nothing in it is lost for that."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_cfworkers.report.model import Usage
from pytest_cfworkers.report.run import Run
from pytest_cfworkers.report.terminal import summary
from tests.report.runs import SEVEN, record, run, runs


@settings(max_examples=40)
@given(one=runs, width=st.integers(1, 200), failing=st.booleans(), quiet=st.booleans())
def test_no_line_is_wider_than_the_terminal(one: Run, width: int, failing: bool, quiet: bool) -> None:
    for line in summary(one.tests, top=None, width=width, failing=failing, quiet=quiet):
        assert len(line.text) <= max(width, 40)
        assert line.text.isprintable()


def test_a_line_that_is_too_long_is_broken_at_a_word_and_indented() -> None:
    advice = replace(SEVEN, headline="one " * 30, evidence=(), remedy="")
    lines = [line.text for line in summary((record(advice=(advice,)),), top=5, width=60, failing=True)]
    start = lines.index("advice")
    assert lines[start + 2] == "    " + "one " * 13 + "one"
    assert lines[start + 3].startswith("      one one")


def test_what_several_tests_are_advised_about_one_line_is_told_once_at_its_worst() -> None:
    few = replace(SEVEN, headline="5 times", observed=5, evidence=("SELECT 1", "called from a"), remedy="batch")
    many = replace(few, headline="9 times", observed=9, evidence=("SELECT 1", "called from b"))
    other = replace(few, headline="another", evidence=("SELECT 2",))
    tests = [
        record(f"test_{n}", usage={}, violations=(), advice=(one,)) for n, one in enumerate((few, many, few, other))
    ]
    told = ["    9 times", "    SELECT 1", "    called from b", "    batch"]
    rest = ["  test_3", "    another", "    SELECT 2", "    batch"]
    ids = ["  test_0", "  test_1", "  test_2"]
    assert [line.text for line in summary(tests, top=None, width=80, failing=True)] == ["advice", *ids, *told, *rest]
    assert [line.text for line in summary(tests, top=2, width=80, failing=True)] == [
        *("advice", *ids[:2], "  … and 1 more test", *told, *rest)
    ]


def test_the_worst_come_first_and_the_end_of_an_id_is_kept() -> None:
    worst = {used: {"connections": Usage(used=used, limit=6, other=6)} for used in (2, 5, 3)}
    tests = [record(f"tests/test_long_name_of_a_file.py::test_{used}", usage=usage) for used, usage in worst.items()]
    lines = [line.text for line in summary(tests, top=2, width=60, failing=True)]
    assert lines == [
        "simultaneous connections",
        "                 5 / 6      16 % left  …of_a_file.py::test_5",
        "                 3 / 6      50 % left  …of_a_file.py::test_3",
        "  … and 1 more test",
    ]


def test_of_a_limit_of_nothing_the_most_comes_first() -> None:
    worst = {used: {"unread_bodies": Usage(used=used, limit=0, other=0)} for used in (3, 9)}
    tests = [record(f"test_{used}", usage=usage, violations=()) for used, usage in worst.items()]
    lines = [line.text for line in summary(tests, top=1, width=80, failing=True)]
    assert lines[1].split() == ["9", "/", "0", "over,", "warns", "test_9"]


def test_nothing_is_called_whole_of_which_something_was_used() -> None:
    used = record(usage={"subrequests": Usage(used=9, limit=10_000, other=None)}, violations=())
    lines = [line.text for line in summary([used], top=None, width=80, failing=True)]
    assert lines[1].split()[3:5] == ["99", "%"]


def test_of_what_would_fail_each_test_is_named_once_and_the_rest_are_counted_as_tests() -> None:
    found = run(record()).tests[0].violations[0]
    tests = [record(name, violations=(found, replace(found, rule="unread-body"))) for name in ("test_a", "test_b")]
    lines = [line.text for line in summary(tests, top=1, width=80, failing=False, quiet=True)]
    assert lines == [
        "2 tests would fail with --cf-limits=enforce",
        "  test_a",
        "    connections: 7 connections at once, the limit is 6",
        "    app/sync.py:3 in refresh",
        "    unread-body: 7 connections at once, the limit is 6",
        "    app/sync.py:3 in refresh",
        "  … and 1 more test: --cf-top=2 names them all",
    ]


def test_quiet_tells_only_what_would_fail() -> None:
    assert [line.text for line in summary(run(record()).tests, top=5, width=80, failing=False, quiet=True)] == [
        "1 test would fail with --cf-limits=enforce",
        "  tests/test_sync.py::test_all",
        "    connections: 7 connections at once, the limit is 6",
        "    app/sync.py:3 in refresh",
    ]
