"""What docs/reports.md shows is what a run prints and writes, and its snippets run."""

import re
from pathlib import Path
from typing import Final

import pytest

from pytest_cfworkers.report.files import write
from pytest_cfworkers.report.markdown import render
from pytest_cfworkers.report.model import TestRecord, Usage
from pytest_cfworkers.report.run import Run
from pytest_cfworkers.report.terminal import summary
from pytest_cfworkers.violation import Violation
from tests.report.runs import SEVEN, record, run

PAGE: Final = (Path(__file__).parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
NINE: Final = Violation.from_dict(
    {**SEVEN.to_dict(), "observed": 9, "headline": "9 connections at once, the limit is 6"}
)


def used(name: str, connections: int, subrequests: int, *found: Violation) -> TestRecord:
    usage = {
        "connections": Usage(used=connections, limit=6, other=6),
        "subrequests": Usage(used=subrequests, limit=10_000, other=50),
    }
    return record(f"tests/test_sync.py::test_{name}", usage=usage, violations=found)


RUN: Final[Run] = run(used("all", 9, 9, NINE), used("few", 5, 5), used("sixty", 0, 60))


def block(kind: str, beginning: str) -> str:
    """Find a block of the page by its kind and what it begins with."""
    blocks: list[str] = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    return next(found for found in blocks if found.startswith(beginning))


def test_the_summary_is_what_a_run_prints() -> None:
    _, *shown = block("text", "===").splitlines()
    assert [line.text for line in summary(RUN.tests, top=5, width=80, failing=True)] == shown


def test_the_markdown_is_what_a_run_writes() -> None:
    assert render(RUN).startswith(block("markdown", "###"))


def test_the_snippet_reads_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(RUN, tmp_path / "run.json")
    monkeypatch.chdir(tmp_path)
    exec(block("python", "import json"), {})  # noqa: S102 - what the page shows
    assert capsys.readouterr().out == "tests/test_sync.py::test_all connections 9 of 6\n"
