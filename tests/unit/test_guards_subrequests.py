"""The budgets of subrequests."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers.callsite import Site
from pytest_cfworkers.guards.subrequests import SubrequestGuard

SITES = tuple(Site() for _ in range(3))


@given(limit=st.none() | st.integers(0, 10), added=st.lists(st.tuples(st.sampled_from(SITES), st.integers(1, 4))))
def test_the_first_line_beyond_the_limit_is_that_of_the_first_subrequest_beyond_it(
    limit: int | None, added: list[tuple[Site, int]]
) -> None:
    guard = SubrequestGuard(limit)
    sent = []
    for site, number in added:
        guard.add(site, number)
        sent += [site] * number
    assert guard.count == len(sent)
    assert guard.sites == Counter(sent)
    assert guard.first_beyond is (sent[limit] if limit is not None and len(sent) > limit else None)


def test_one_is_counted_where_no_number_is_given() -> None:
    guard = SubrequestGuard(1)
    guard.add(SITES[0])
    assert (guard.count, guard.first_beyond) == (1, None)


def test_what_is_taken_back_is_not_named_as_a_line_that_sent() -> None:
    guard = SubrequestGuard(5)
    guard.add(SITES[0])
    guard.add(SITES[1])
    guard.add(SITES[1])
    guard.take_back(SITES[0])
    guard.take_back(SITES[1])
    assert (guard.count, dict(guard.sites)) == (1, {SITES[1]: 1})


def test_what_is_taken_back_breaks_no_limit() -> None:
    guard = SubrequestGuard(1)
    guard.add(SITES[0])
    guard.add(SITES[1])
    guard.take_back(SITES[1])
    assert guard.first_beyond is None
    guard.add(SITES[2])
    assert guard.first_beyond is SITES[2]


def test_what_is_taken_back_leaves_the_first_line_beyond_where_the_limit_stays_broken() -> None:
    guard = SubrequestGuard(1)
    for site in SITES:
        guard.add(site)
    guard.take_back(SITES[2])
    assert guard.first_beyond is SITES[1]


def test_without_a_limit_taking_back_only_counts() -> None:
    guard = SubrequestGuard(None)
    guard.add(SITES[0])
    guard.take_back(SITES[0])
    assert (guard.count, guard.first_beyond) == (0, None)
