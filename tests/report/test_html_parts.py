"""What the HTML report works out of a run: headroom, spread, faults and pictures."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers.callsite import Frame
from pytest_cfworkers.limits import LIMITS
from pytest_cfworkers.report.html import figures, findings, overview, waterfall
from pytest_cfworkers.report.model import TestRecord, Usage
from pytest_cfworkers.report.timeline import Span, Timeline
from tests.report import synthetic


def guarded(number: int = 0, **changes: Any) -> TestRecord:
    plain = synthetic.record(number, 4, broken=False, dice=random.Random(number))  # noqa: S311 - nobody's secret
    return replace(plain, **changes)


# headroom


def of_connections(used: float, limit: float = 6, **changes: Any) -> overview.Headroom:
    usage = {"connections": Usage(used=used, limit=limit, other=6)}
    (bar,) = overview.headroom((guarded(usage=usage, **changes),))
    return bar


@pytest.mark.parametrize(
    ("used", "left", "standing"), [(3, "50 % left", "plenty"), (5, "16 % left", "tight"), (6, "0 % left", "tight")]
)
def test_a_bar_says_how_much_is_left(used: int, left: str, standing: str) -> None:
    bar = of_connections(used)
    assert (bar.left, bar.standing, bar.beyond, bar.mark) == (left, standing, 0, 100)
    assert bar.within == pytest.approx(100 * used / 6, abs=0.01)


def test_a_bar_over_the_limit_shows_where_the_limit_is_and_how_far_beyond_it_goes() -> None:
    bar = of_connections(24, violations=(synthetic.violation(24),))
    assert (bar.within, bar.beyond, bar.mark) == (25, 75, 25)
    assert (bar.used, bar.allowed, bar.left, bar.standing) == ("24", "6", "over", "over")


def test_what_is_over_and_allowed_or_only_warns_is_not_told_as_broken() -> None:
    assert of_connections(7, allowed=(synthetic.violation(7),)).standing == "allowed"
    assert of_connections(7, known=(synthetic.violation(7),)).left == "over, known"
    expected = of_connections(7, expected=(synthetic.violation(7),))
    assert (expected.left, expected.standing) == ("over, expected", "allowed")
    assert of_connections(7).standing == "warns"


def test_a_limit_of_nothing_that_is_kept_is_whole() -> None:
    assert of_connections(0, limit=0).left == "100 % left"


def test_of_a_limit_of_nothing_the_test_that_breaks_it_most_is_shown() -> None:
    usages = [{"unread_bodies": Usage(used=used, limit=0, other=0)} for used in (3, 9, 1)]
    (bar,) = overview.headroom(tuple(guarded(number, usage=usage) for number, usage in enumerate(usages)))
    assert (bar.used, bar.test) == ("9", 1)


def test_the_tightest_limit_comes_first_with_the_test_that_left_least() -> None:
    tests = (
        guarded(
            1, usage={"connections": Usage(used=1, limit=6, other=6), "subrequests": Usage(used=9, limit=10, other=9)}
        ),
        guarded(2, usage={"connections": Usage(used=4, limit=6, other=6)}),
    )
    assert [(bar.limit.key, bar.test) for bar in overview.headroom(tests)] == [("subrequests", 0), ("connections", 1)]


# spread


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=50))
def test_a_histogram_holds_every_test_once(times: list[float]) -> None:
    tests = tuple(guarded(number, duration_ms=ms, usage={}, timelines=()) for number, ms in enumerate(times))
    (spread,) = overview.spreads(tests)
    assert sum(count for _, _, count in spread.bars) == len(times)
    assert all(0 <= place < 100 and 0 < height <= 100 for place, height, _ in spread.bars)


def test_few_whole_numbers_have_a_bar_each_with_its_mark_in_the_middle() -> None:
    counts = (1, 1, 2, 5)
    tests = tuple(
        guarded(number, duration_ms=0.0, usage={"connections": Usage(used=count, limit=6, other=6)}, timelines=())
        for number, count in enumerate(counts)
    )
    (spread,) = overview.spreads(tests)
    assert [(round(place * 6 / 100), count) for place, _, count in spread.bars] == [(1, 2), (2, 1), (5, 1)]
    assert spread.marks["P50"] == 25


def test_times_connections_and_memory_are_spread() -> None:
    titles = [spread.title for spread in overview.spreads(synthetic.run(9).tests)]
    assert titles[:3] == ["time of a test", "time of an invocation", "simultaneous connections"]
    assert "memory" in titles


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.00 ms"),
        (0.123, "0.12 ms"),
        (1.234, "1.23 ms"),
        (12.34, "12.3 ms"),
        (123.4, "123 ms"),
        (12_345, "12,345 ms"),
    ],
)
def test_three_figures_of_a_time_are_written(value: float, text: str) -> None:
    assert figures.milliseconds(value) == text


def test_only_what_any_test_used_is_a_column() -> None:
    assert [column.limit.key for column in figures.columns((guarded(usage={}),))] == []
    keys = [column.limit.key for column in figures.columns(synthetic.run(3).tests)]
    assert keys == [limit.key for limit in LIMITS if limit.key not in {"unread_bodies", "wall_ms"}]


# faults


def test_the_same_fault_in_many_tests_is_one_card_with_the_worst_of_them_first() -> None:
    tests = tuple(guarded(number, violations=(synthetic.violation(8 + number, 2),)) for number in range(3))
    (card,) = findings.broken(tests)
    assert card.worst.test == 2
    assert [other.test for other in card.rest] == [1, 0]
    assert card.tests == 3
    assert card.place == "app/refresh.py:9 in refresh"


def test_of_equal_faults_the_one_that_goes_furthest_comes_first() -> None:
    faults = [replace(synthetic.violation(used), frames=(Frame(f"{used}.py", 1, "f"),)) for used in (8, 20, 9)]
    tests = tuple(guarded(number, violations=(found,)) for number, found in enumerate(faults))
    assert [card.worst.violation.observed for card in findings.broken(tests)] == [20, 9, 8]
    known = tuple(replace(test, violations=(), known=test.violations) for test in tests)
    ((kind, title, cards),) = findings.excused(known)
    assert (kind, title) == ("known", "Known to the baseline, fails nothing")
    assert [card.worst.violation.observed for card in cards] == [20, 9, 8]


def test_other_functions_are_other_faults() -> None:
    tests = (guarded(violations=(synthetic.violation(8, 0), synthetic.violation(8, 1))),)
    assert len(findings.broken(tests)) == 2


def test_each_card_has_its_picture_before_a_test_of_the_first_has_a_second() -> None:
    many = tuple(
        synthetic.record(number, 40, broken=True, dice=random.Random(number))  # noqa: S311 - nobody's secret
        for number in range(2 * findings.DRAWN // 40)
    )
    cards = findings.broken(many)
    assert len(cards) == 2
    assert all(card.worst.waterfall for card in cards)
    drawn = [found.waterfall for card in cards for found in (card.worst, *card.rest) if found.waterfall]
    assert len(drawn) == findings.DRAWN // waterfall.ROWS


def test_a_remedy_is_taken_apart_into_text_code_and_links() -> None:
    parts = [
        (block.kind, block.text) for block in findings.blocks("Why.\nMore.\nhttps://a.example/b\nFix:\n    x\n      y")
    ]
    assert parts == [
        ("text", "Why. More."),
        ("link", "https://a.example/b"),
        ("text", "Fix:"),
        ("code", "x\n  y"),
    ]


@pytest.mark.parametrize("text", ["javascript:alert(1)", "https://a b", "data:text/html,x", "", "//a.example"])
def test_only_an_address_of_the_web_is_a_link(text: str) -> None:
    assert not findings.is_link(text)


# pictures


def span(**changes: Any) -> Span:
    times = {"opened_ms": 0.0, "admitted_ms": 0.0, "headers_ms": 4.0, "closed_ms": 10.0, "outcome": "consumed"}
    return Span(**{"label": "GET /", "internal": False, "beyond": False, "frames": (), **times, **changes})


def picture(*spans: Span, **changes: Any) -> waterfall.Waterfall:
    plain = {"name": "t", "slots": 6, "connection_model": "body", "wall_ms": 50.0, "cpu_ms": 1.0}
    return waterfall.draw(Timeline(**{**plain, "spans": spans, **changes}))


@pytest.mark.parametrize(
    ("one", "states"),
    [
        (span(), ["waiting", "streaming"]),
        (span(admitted_ms=2.0), ["queued", "waiting", "streaming"]),
        (span(admitted_ms=None, headers_ms=None, outcome="failed"), ["queued"]),
        (span(headers_ms=None, outcome="failed"), ["waiting"]),
        (span(headers_ms=10.0), ["waiting"]),
        (span(internal=True, admitted_ms=2.0), ["queued", "service"]),
        (span(closed_ms=None, outcome=""), ["waiting", "streaming"]),
    ],
)
def test_a_bar_has_the_states_of_its_connection(one: Span, states: list[str]) -> None:
    (row,) = picture(one).rows
    assert [part.state for part in row.parts] == states
    assert row.outcome == one.outcome or (row.outcome == "open" and not one.outcome)


def test_parts_follow_one_another_to_the_end_of_the_bar() -> None:
    (row,) = picture(span(admitted_ms=2.0)).rows
    for before, after in zip(row.parts, row.parts[1:], strict=False):
        assert before.start + before.length == pytest.approx(after.start, abs=0.02)
    assert row.parts[-1].start + row.parts[-1].length == pytest.approx(row.end, abs=0.02)
    assert row.words == "queued 2.00 ms, waiting 2.00 ms, streaming 6.00 ms, consumed"


def test_the_window_fits_what_is_shown_and_not_what_the_test_did_else() -> None:
    (row,) = picture(span(opened_ms=400.0, admitted_ms=400.0, headers_ms=404.0, closed_ms=410.0), wall_ms=5_000.0).rows
    assert row.parts[0].start < 5
    assert row.end > 95


@pytest.mark.parametrize(("model", "peak"), [("body", 2), ("headers", 1)])
def test_the_model_decides_how_long_a_connection_is_counted(model: str, peak: int) -> None:
    later = span(opened_ms=5.0, admitted_ms=5.0, headers_ms=6.0, closed_ms=9.0)
    assert picture(span(), later, connection_model=model).peak == peak


def test_the_line_of_the_limit_is_where_the_limit_is() -> None:
    assert picture(*[span()] * 12).mark == 50
    assert picture(span()).mark == 100


def test_more_connections_than_fit_are_counted() -> None:
    shown = picture(*[span()] * (waterfall.ROWS + 5), dropped=7)
    assert (len(shown.rows), shown.more) == (waterfall.ROWS, 12)


@given(st.floats(0, 1e6), st.floats(0.001, 1e6))
def test_the_axis_has_a_few_round_moments(start: float, length: float) -> None:
    first = span(opened_ms=start, admitted_ms=start, headers_ms=start, closed_ms=start + length)
    ticks = picture(first).ticks
    assert 1 <= len(ticks) <= 7
    assert all(0 <= place <= 100 for place, _ in ticks)
    assert len({text for _, text in ticks}) == len(ticks)


def test_an_invocation_without_connections_is_drawn_too() -> None:
    empty = picture(memory=((0.0, 10), (50.0, 20)), checkpoints=(("loaded", 25.0),))
    assert (empty.rows, empty.peak, empty.open) == ((), 0, "")
    assert empty.peak_memory == "20 B"
    assert empty.checkpoints == ((49.02, "loaded", "25.0 ms"),)


def test_what_ends_and_begins_at_one_moment_came_one_after_the_other() -> None:
    """Also what began and ended within a step of the clock."""
    at_once = {"headers_ms": 10.0, "closed_ms": 10.0}
    one_by_one = picture(
        span(), span(opened_ms=10.0, admitted_ms=10.0, **at_once), span(opened_ms=10.0, admitted_ms=10.0)
    )
    assert one_by_one.peak == 2
    assert picture(span(), span(opened_ms=10.0, admitted_ms=10.0, closed_ms=20.0)).peak == 1


def test_checkpoints_that_are_not_shown_are_counted() -> None:
    many = picture(checkpoints=tuple((f"{number}", float(number)) for number in range(30)))
    assert (len(many.checkpoints), many.more_checkpoints) == (20, 10)
