"""Round trips to D1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers.callsite import Site
from pytest_cfworkers.guards.queries import KEPT, REPEATED, QueryGuard, Scan
from pytest_cfworkers.guards.subrequests import SubrequestGuard

HERE, THERE = Site(), Site()


@pytest.fixture
def guard() -> QueryGuard:
    return QueryGuard(SubrequestGuard(3))


@given(st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 100)), min_size=1, max_size=4)))
def test_a_round_trip_is_one_query_and_only_a_statement_alone_can_be_repeated(
    trips: list[list[tuple[str, int]]],
) -> None:
    guard = QueryGuard(SubrequestGuard(3))
    for trip in trips:
        guard.add(HERE, [sql for sql, _ in trip], [bound for _, bound in trip])
    assert guard.budget.count == len(trips)
    assert (guard.budget.first_beyond is HERE) == (len(trips) > 3)
    assert guard.parameters == max((bound for trip in trips for _, bound in trip), default=0)
    alone = [trip[0] for trip in trips if len(trip) == 1]
    expected = {
        sql: (times, max(bound for other, bound in alone if other == sql))
        for sql in "abc"
        if (times := sum(other == sql for other, _ in alone)) >= REPEATED
    }
    assert {one.sql: (one.times, one.parameters) for one in guard.repeated()} == expected


def test_a_repetition_names_the_line_that_sent_it_first(guard: QueryGuard) -> None:
    for site in (THERE, *[HERE] * REPEATED):
        guard.add(site, ["SELECT 1"], [0])
    (repetition,) = guard.repeated()
    assert (repetition.site, repetition.times, repetition.parameters) == (THERE, REPEATED + 1, 0)


@pytest.mark.parametrize(
    ("sql", "advised"),
    [
        ("SELECT id FROM repos WHERE id > ? ORDER BY id LIMIT ?", False),
        ("select id from repos where tier = ? and (seen, id) < (?1, ?2)\norder by seen desc limit 50", False),
        ("SELECT id FROM repos WHERE name <> ? ORDER BY id LIMIT 1", True),
        ("SELECT id FROM repos WHERE id = ? LIMIT 1", True),
        ("SELECT id FROM repos WHERE seen > ?", True),
    ],
)
def test_pages_that_begin_after_a_key_are_no_repetition(guard: QueryGuard, sql: str, advised: bool) -> None:
    for _ in range(REPEATED):
        guard.add(HERE, [sql], [1])
    assert [one.sql for one in guard.repeated()] == [sql] * advised


def test_a_round_trip_that_binds_nothing_has_no_parameters(guard: QueryGuard) -> None:
    guard.add(HERE, [], [])
    assert (guard.budget.count, guard.parameters, list(guard.repeated())) == (1, 0, [])


def test_a_statement_whose_values_were_not_counted_binds_none(guard: QueryGuard) -> None:
    for _ in range(REPEATED):
        guard.add(HERE, ["SELECT 1"], [])
    assert [one.parameters for one in guard.repeated()] == [0]


def test_more_statements_than_can_be_told_apart_are_only_counted(guard: QueryGuard) -> None:
    for number in range(KEPT + 1):
        guard.add(HERE, [f"SELECT {number}"], [0])
    for _ in range(REPEATED):
        guard.add(HERE, [f"SELECT {KEPT}"], [0])
    assert list(guard.repeated()) == []
    for _ in range(REPEATED - 1):
        guard.add(HERE, ["SELECT 0"], [0])
    assert [one.sql for one in guard.repeated()] == ["SELECT 0"]
    assert guard.budget.count == KEPT + 1 + REPEATED + REPEATED - 1


def test_the_first_scan_of_each_statement_is_kept_up_to_a_number(guard: QueryGuard) -> None:
    for number in range(KEPT + 5):
        guard.scanned(Scan("orders", number, f"SELECT {number}", HERE))
    guard.scanned(Scan("orders", 99, "SELECT 0", THERE))
    assert list(guard.scans) == [f"SELECT {number}" for number in range(KEPT)]
    assert guard.scans["SELECT 0"] == ("orders", 0, "SELECT 0", HERE)


def test_the_first_scan_wins(guard: QueryGuard) -> None:
    guard.scanned(Scan("orders", 1, "SELECT", HERE))
    guard.scanned(Scan("orders", 2, "SELECT", THERE))
    assert guard.scans["SELECT"].rows == 1


def test_a_repetition_tells_the_most_values_that_it_ever_bound(guard: QueryGuard) -> None:
    for bound in (1, 7, 3, 2, 1):
        guard.add(HERE, ["SELECT"], [bound])
    assert [one.parameters for one in guard.repeated()] == [7]
