"""Unit: what a range comes to beside a limit."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers.guards.memory import Measurement, unmeasured

SIZES = st.integers(0, 2**32)


def measured(low: int, peak: int, high: int) -> Measurement:
    return Measurement(peak=peak, low=low, high=high, engine="high-water")


@given(st.lists(SIZES, min_size=3, max_size=3).map(sorted), SIZES, SIZES)
def test_a_verdict_holds_for_every_figure_of_the_range(sizes: list[int], limit: int, baseline: int) -> None:
    low, peak, high = sizes
    verdict = measured(low, peak, high).judge(limit, baseline)
    over = {low + baseline > limit, peak + baseline > limit, high + baseline > limit}
    assert verdict == ("undecided" if len(over) == 2 else "over" if over == {True} else "under")


def test_what_fills_the_limit_to_the_byte_keeps_it() -> None:
    assert measured(64, 64, 64).judge(64) == "under"
    assert measured(65, 65, 65).judge(64) == "over"
    assert measured(64, 64, 64).judge(64, baseline=1) == "over"


def test_a_figure_that_is_none_is_never_a_verdict() -> None:
    assert unmeasured("auto", "a debugger").judge(1) == "unmeasured"


def test_what_was_not_measured_says_by_what_and_why_and_that_it_knows_of_no_bytes() -> None:
    figure = unmeasured("memray", "a debugger")
    assert (figure.engine, figure.why, figure.lines) == ("memray", "a debugger", ())
    assert (figure.low, figure.peak, figure.high) == (0, 0, 0)


def test_only_a_range_of_one_figure_is_exact() -> None:
    assert measured(5, 5, 5).exact
    assert not measured(4, 5, 5).exact
