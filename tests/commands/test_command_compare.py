"""`compare` shows what changed from one run to a later one."""

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_cfworkers.cli import main
from pytest_cfworkers.report import files
from pytest_cfworkers.report.model import TestRecord, Usage
from tests.report.runs import SEVEN, record, run


def with_connections(nodeid: str, number: int) -> TestRecord:
    usage = {"connections": Usage(used=number, limit=6, other=6)}
    violations = (replace(SEVEN, observed=number),) if number > 6 else ()
    outcome = "failed" if violations else "passed"
    return record(nodeid, usage=usage, violations=violations, outcome=outcome, walls_ms=(10.0 * number,))


def compared(tmp_path: Path, old: list[TestRecord], new: list[TestRecord], *options: str) -> int:
    for name, tests in (("old", old), ("new", new)):
        files.write(run(*tests), tmp_path / f"{name}.json")
    return main(["compare", *options, str(tmp_path / "old.json"), str(tmp_path / "new.json")])


KEY = "connections app/sync.py::refresh < tests/test_sync.py::test_all"


def test_figures_that_changed_are_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(tmp_path, [with_connections("a", 4)], [with_connections("a", 5)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["figure", "old", "new", "change"] in lines
    assert ["p95_ms", "40", "ms", "50", "ms", "+25.0", "%"] in lines
    assert ["connections", "4", "5", "+25.0", "%"] in lines
    assert ["headroom", "33.33", "%", "16.67", "%"] in lines
    assert "violations" not in {line[0] for line in lines}


def test_long_figures_stand_apart_and_sizes_are_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = replace(SEVEN, rule="memory", unit="bytes", observed=41_956_960, limit=20 * 2**20)
    old, new = (
        record("a", usage={"memory": Usage(used=used, limit=20 * 2**20, other=None)}, violations=found)
        for used, found in ((242_209, ()), (41_956_960, (held,)))
    )
    assert compared(tmp_path, [old], [new]) == 1
    shown = capsys.readouterr().out
    assert "236.5 KB (242,209 B)  40 MB (41,956,960 B)  " in shown
    assert ": 40 MB, the limit is 20 MB\n" in shown


def test_what_is_newly_broken_or_worse_is_named_and_is_the_exit_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = [with_connections("a", 4), with_connections("b", 7)]
    assert compared(tmp_path, old, [with_connections("a", 7), with_connections("b", 7)]) == 1
    assert f"newly broken: 1\n  a: {KEY}: 7, the limit is 6\n" in capsys.readouterr().out
    assert compared(tmp_path, old, [with_connections("a", 4), with_connections("b", 8)]) == 1
    assert f"worse: 1\n  b: {KEY}: 7 before, now 8\n" in capsys.readouterr().out


def test_what_got_better_is_named_and_fails_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = [with_connections("a", 9), with_connections("b", 7), with_connections("c", 1)]
    new = [with_connections("a", 8), with_connections("b", 6), with_connections("d", 1)]
    assert compared(tmp_path, old, new) == 0
    shown = capsys.readouterr().out
    assert f"better: 1\n  a: {KEY}: 9 before, now 8\n" in shown
    assert f"mended: 1\n  b: {KEY}\n" in shown
    assert "new tests: 1\n  d\n" in shown
    assert "tests that are no more: 1\n  c\n" in shown


def test_a_broken_test_that_is_no_more_is_not_called_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(tmp_path, [with_connections("a", 9)], [with_connections("b", 1)]) == 0
    assert "mended" not in capsys.readouterr().out


def test_times_that_vary_are_no_worse(tmp_path: Path) -> None:
    slow = replace(SEVEN, rule="wall-time", unit="ms", observed=100.0)
    old, same, worse = (record("a", violations=(replace(slow, observed=ms),)) for ms in (100.0, 124.0, 126.0))
    assert compared(tmp_path, [old], [same]) == 0
    assert compared(tmp_path, [old], [worse]) == 1


def test_where_nothing_changed_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(tmp_path, [with_connections("a", 9)], [with_connections("a", 9)]) == 0
    assert capsys.readouterr().out == "nothing changed\n"


def test_markdown_has_a_table_and_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = [with_connections("a", 4)], [with_connections("a", 7), with_connections("`|<b>@me", 7)]
    assert compared(tmp_path, old, new, "--markdown") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "### ❌ Limits of Cloudflare Workers: 2 newly broken, 0 worse"
    assert "| figure | old | new | change |" in lines
    assert "| connections | 4 | 7 | +75.0 % |" in lines
    assert f"- `a: {KEY}: 7, the limit is 6`" in lines
    assert not any("<b>" in line for line in lines)


def test_many_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = [with_connections(f"test_{number:03}", 1) for number in range(40)]
    assert compared(tmp_path, [], new) == 0
    shown = capsys.readouterr().out
    assert "  test_024\n  … and 15 more\n" in shown


def test_test_ids_move_no_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compared(tmp_path, [], [with_connections("\x1b[2J\ud800", 1)])
    assert "\\x1b[2J\\ud800" in capsys.readouterr().out


def test_a_report_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files.write(run(), tmp_path / "new.json")
    gone = tmp_path / "gone.json"
    assert main(["compare", str(gone), str(tmp_path / "new.json")]) == 2
    assert capsys.readouterr().err.startswith(f"{gone} cannot be read: No such file")


def test_an_incomplete_run_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files.write(run(), tmp_path / "old.json")
    files.write(run(complete=False), tmp_path / "new.json")
    assert main(["compare", str(tmp_path / "old.json"), str(tmp_path / "new.json")]) == 0
    assert capsys.readouterr().err == f"note: the run of {tmp_path / 'new.json'} is not complete\n"
