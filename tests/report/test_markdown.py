"""Markdown for a comment: what matters in a glance, and nothing in it that others wrote does anything."""

from dataclasses import replace

import pytest

from pytest_cfworkers.report.markdown import render
from pytest_cfworkers.report.model import Usage
from pytest_cfworkers.report.run import Bundle, GateResult
from tests.report.runs import SEVEN, record, run


def test_a_broken_run_is_told_with_places_headroom_and_the_other_plan() -> None:
    free = {"subrequests": Usage(used=60, limit=10_000, other=50)}
    one = run(record(), record("tests/test_b.py::test_many", usage=free, violations=(), outcome="passed"))
    source, all_ = SEVEN.source, "`tests/test_sync.py::test_all`"
    assert render(one).splitlines() == [
        "### ❌ 1 test breaks limits of Cloudflare Workers",
        "",
        "| rule | what happened | where | test |",
        "|---|---|---|---|",
        f"| [connections]({source}) | 7 connections at once, the limit is 6 | `app/sync.py:3` | {all_} |",
        "",
        "| limit | used at most | limit | left | by |",
        "|---|--:|--:|--:|---|",
        "| simultaneous connections | 7 | 6 | over | `tests/test_sync.py::test_all` |",
        "| subrequests | 70 | 10,000 | 99 % | `tests/test_sync.py::test_all` |",
        "",
        "<details><summary>2 tests would fail on the free plan</summary>",
        "",
        "| test | what it uses |",
        "|---|---|",
        "| `tests/test_sync.py::test_all` | subrequests: 70 of 50 |",
        "| `tests/test_b.py::test_many` | subrequests: 60 of 50 |",
        "",
        "</details>",
        "",
        "<sub>pytest-cfworkers 0.1.0, 2 guarded tests, 2.0 s</sub>",
    ]


def test_a_run_within_the_limits_says_so() -> None:
    assert render(run(record(violations=()))).startswith("### ✅ 1 test within the limits of Cloudflare Workers\n")
    known = record(violations=(), known=(SEVEN,))
    assert render(run(known)).startswith("### ✅ 1 test, none newly beyond the limits of Cloudflare Workers\n")
    assert "1 guarded test, " in render(run(known))
    assert render(run()).startswith("### ⚪ No test was guarded against the limits of Cloudflare Workers\n")


def test_an_incomplete_run_is_marked_before_anything_else() -> None:
    lines = render(run(record(), complete=False, problems=("worker gw0 crashed",))).splitlines()
    assert lines[2:5] == [
        "> [!WARNING]",
        "> **The run is not complete.** What follows is what is known of it.",
        "> worker gw0 crashed",
    ]


def test_gates_are_a_table_and_count_in_the_headline() -> None:
    held = GateResult(expression="violations==0", observed="0", bound="0", passed=True)
    warned = replace(held, expression="connections<=5", observed="6", bound="5", passed=False, level="warning")
    failed = replace(held, expression="p95_ms<=5", observed="7 ms", bound="5 ms", passed=False)
    text = render(run(record(violations=()), gates=(held, warned, failed)))
    assert text.startswith("### ❌ 1 test within the limits of Cloudflare Workers, 1 gate failed\n")
    assert "| `violations==0` | 0 | 0 | ✅ holds |\n" in text
    assert "| `connections<=5` | 6 | 5 | ⚠️ warns |\n" in text
    assert "| `p95_ms<=5` | 7 ms | 5 ms | ❌ fails |\n" in text


def test_what_the_baseline_knows_is_counted_and_the_bundle_is_told() -> None:
    bundle = Bundle(path="src|x", size=3 * 2**20, gzip_size=2**20, files=2)
    text = render(run(record(violations=(), known=(SEVEN,)), bundle=bundle))
    assert text.startswith("### ✅ 1 test, none newly beyond the limits")
    assert "\n1 violation known to the baseline, which fails nothing.\n" in text
    assert "\nThe bundle of <code>src&#124;x</code>: 3 MB in 2 files, 1 MB compressed.\n" in text


def test_many_violations_stay_within_a_comment() -> None:
    long = "x" * 100_000
    found = replace(SEVEN, headline=long, frames=())
    text = render(run(*(record(f"{number}{long}", violations=(found,), path=long) for number in range(500))))
    assert len(text) < 65_536
    assert "… and 475 more" in text


@pytest.mark.parametrize(
    ("nodeid", "shown"),
    [
        ("test[<script>]", "`test[<script>]`"),
        ("test[a|b]", "<code>test&#91;a&#124;b&#93;</code>"),
        ("test[`x`]", "<code>test&#91;&#96;x&#96;&#93;</code>"),
        ("test[\\]", "<code>test&#91;&#92;&#93;</code>"),
        ("test[\x1b[31m\n\r]", "<code>test&#91;&#92;x1b&#91;31m&#92;n&#92;r&#93;</code>"),
        ("test[@octocat]", "`test[@octocat]`"),
        ("test[\udc80]", "<code>test&#91;&#92;udc80&#93;</code>"),
        ("test[🎉]", "`test[🎉]`"),
        ("", "<code></code>"),
    ],
)
def test_a_test_id_is_code_whatever_it_holds(nodeid: str, shown: str) -> None:
    (line,) = [line for line in render(run(record(nodeid))).splitlines() if line.startswith("| [connections]")]
    assert line.endswith(f"| {shown} |")
    assert line.count(" | ") == 3
