"""The waterfall in text: a line for each connection, in the width and the characters of the terminal."""

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_cfworkers.report.timeline import Span, Timeline
from pytest_cfworkers.report.waterfall import drawn, waterfall
from tests.report.runs import timelines


def span(number: int, *moments: float | None, **changes: object) -> Span:
    """Make a span that was opened, admitted, had its headers and was closed at moments."""
    opened, admitted, headers, closed = moments
    known: dict[str, object] = {
        "label": f"GET https://api.example/{number}",
        "internal": False,
        "beyond": opened != admitted,
        "opened_ms": opened,
        "admitted_ms": admitted,
        "headers_ms": headers,
        "closed_ms": closed,
        "outcome": "consumed",
        "frames": (),
    }
    return Span(**{**known, **changes})  # type: ignore[arg-type]


THREE: Final = Timeline(
    name="test",
    slots=2,
    connection_model="body",
    wall_ms=50,
    cpu_ms=1,
    spans=(
        span(1, 10, 10, 20, 40),
        span(2, 10, 10, 30, 40, outcome="evicted"),
        span(3, 20, 40, 50, None, outcome=""),
    ),
)


def test_states_are_told_apart_by_their_characters() -> None:
    assert list(waterfall(THREE, width=66)) == [
        "                           10.0 ms                        50.0 ms",
        "GET https://api.example/1 │▒▒▒▒▒▒▒▒▒████████████████████         │",
        "GET https://api.example/2 │▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒█████████✗         │",
        "GET https://api.example/3 │         ···················▒▒▒▒▒▒▒▒▒▒│",
        "want a slot               │22222222233333333333333333333111111111│",
        "· queued  ▒ waits for headers  █ body unread  ✗ evicted",
    ]


def labels(*urls: str, width: int) -> list[str]:
    """What stands before the lines of connections in a terminal of a width."""
    spans = tuple(span(number, 1, 1, 2, 3, label=url) for number, url in enumerate(urls))
    lines = list(waterfall(replace(THREE, spans=spans), width=width))
    return [line.partition("│")[0].rstrip() for line in lines[1 : 1 + len(urls)]]


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (130, ["GET https://api.example/repos/a/issues", "DELETE https://api.example/repos/b", "D1 batch"]),
        (80, ["GET api.example/repos/a/issues", "DELETE api.example/repos/b", "D1 batch"]),
        (60, ["GET /repos/a/issues", "DELETE /repos/b", "D1 batch"]),
    ],
)
def test_labels_lose_the_scheme_then_the_host_and_never_the_method(width: int, shown: list[str]) -> None:
    urls = ("GET https://api.example/repos/a/issues", "DELETE https://api.example/repos/b", "D1 batch")
    assert labels(*urls, width=width) == shown


def test_hosts_that_differ_tell_connections_apart_and_stay() -> None:
    urls = [f"GET https://{name}.a-long-name-of-a-host.example/" for name in ("one", "two")]
    assert labels(*urls, width=100) == [
        "GET one.a-long-name-of-a-host.example/",
        "GET two.a-long-name-of-a-host.example/",
    ]
    assert labels(*urls, width=80) == ["GET …ong-name-of-a-host.example/"] * 2


def test_what_is_still_too_long_keeps_its_method_and_its_end() -> None:
    path = "/organisations/one/repositories/two/issues/"
    assert labels(f"POST https://api.example{path}1", f"POST https://api.example{path}2", width=60) == [
        "POST …ories/two/issues/1",
        "POST …ories/two/issues/2",
    ]
    assert labels(f"A-METHOD-OF-ONES-OWN https://api.example{path}3", width=60) == ["…positories/two/issues/3"]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", None, "no-such-encoding"])
def test_without_the_characters_for_it_ascii_is_used(encoding: str | None) -> None:
    lines = list(waterfall(THREE, width=66, encoding=encoding))
    assert all(line.isascii() for line in lines)
    assert lines[-1] == ". queued  - waits for headers  = body unread  x evicted"
    assert lines[3].endswith("|         ...................----------|")


@settings(max_examples=60)
@given(timeline=timelines, width=st.integers(1, 200), encoding=st.sampled_from(["utf-8", "ascii", "cp1252"]))
def test_no_line_is_wider_than_the_terminal(timeline: Timeline, width: int, encoding: str) -> None:
    for line in waterfall(timeline, width=width, encoding=encoding):
        assert len(line) <= max(width, 60)
        assert line.isprintable()
        line.encode(encoding)


def test_many_connections_are_counted_and_not_drawn() -> None:
    many = replace(THREE, spans=tuple(span(number, 1, 1, 2, 3) for number in range(25)), dropped=3)
    lines = list(waterfall(many, width=80))
    assert sum("api.example" in line for line in lines) == 12
    assert "and 16 more connections" in lines
    assert next(line for line in lines if line.startswith("want a slot")).count("+")


def test_in_the_headers_model_a_body_wants_no_slot() -> None:
    one = replace(THREE, connection_model="headers", spans=(span(1, 0, 0, 10, 20),))
    load = next(line for line in waterfall(one, width=66) if line.startswith("want a slot"))
    assert set(load.partition("│")[2][21:-1]) == {" "}


def test_what_is_too_short_for_the_clock_is_a_mark() -> None:
    (_, line, *_) = waterfall(replace(THREE, wall_ms=5, spans=(span(1, 5, 5, 5, 5),)), width=66)
    assert line.partition("│")[2].startswith("▒ ")


def test_nothing_to_draw_draws_nothing() -> None:
    assert list(waterfall(replace(THREE, spans=()), width=80)) == []


def test_the_one_with_most_beyond_the_limit_is_drawn() -> None:
    calm = replace(THREE, spans=THREE.spans[:1])
    assert drawn([calm, THREE, calm]) is THREE
    assert drawn([]) is None
