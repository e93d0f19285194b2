"""Annotations of GitHub Actions: one command for each place, in which nothing begins another."""

from dataclasses import replace

from pytest_cfworkers.callsite import Frame
from pytest_cfworkers.report.annotations import annotations
from tests.report.runs import SEVEN, record, run


def test_a_violation_is_told_at_its_line() -> None:
    (line,) = annotations(run(record()))
    assert line == (
        "::error file=app/sync.py,line=3,title=connections::7 connections at once, the limit is 6%0A"
        "open at that moment:%0A  7 × app/sync.py:3 in refresh: await client.get(url)%0A%0A"
        "A Worker has 6 connections at a time.%0AFix:%0A    slots = asyncio.Semaphore(6)%0A"
        "tests/test_sync.py::test_all"
    )


def test_many_tests_that_break_a_rule_in_one_place_are_one() -> None:
    (line,) = annotations(run(*(record(f"test[{number}]") for number in range(4))))
    assert line.endswith("%0Atest[0] and 3 more")


def test_no_more_than_github_shows() -> None:
    broken = [record(str(n), violations=(replace(SEVEN, frames=(Frame("a.py", n, "f"),)),)) for n in range(1, 30)]
    assert len(list(annotations(run(*broken)))) == 10


def test_nothing_that_others_wrote_begins_a_command_or_ends_a_property() -> None:
    hostile = "a,b:c%\n::stop-commands::x\r\x1b[31m\udc80"
    found = replace(SEVEN, headline=hostile, frames=(Frame(hostile, 0, "f"),))
    (line,) = annotations(run(record(hostile, violations=(found,))), prefix="my,project/")
    assert line.splitlines() == [line]
    assert line.isprintable()
    place, _, message = line.partition(",title=connections::")
    assert place == "::error file=my%2Cproject/a%2Cb%3Ac%25\\n%3A%3Astop-commands%3A%3Ax\\r\\x1b[31m\\udc80,line=1"
    assert message.startswith("a,b:c%25\\n::stop-commands::x\\r\\x1b[31m\\udc80%0A")


def test_what_has_no_line_is_told_at_its_test_and_what_fails_nothing_warns() -> None:
    one = run(record(violations=(replace(SEVEN, frames=()),)), settings={"cf_limits": "report"})
    (line,) = annotations(one, prefix="api/")
    assert line.startswith("::warning file=api/tests/test_sync.py,line=5,title=connections::")
