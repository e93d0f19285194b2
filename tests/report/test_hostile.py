"""Nothing that others wrote breaks a report or acts in one, wherever in the model it stands."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_cfworkers.callsite import Frame
from pytest_cfworkers.report.annotations import annotations
from pytest_cfworkers.report.atomic import write_text
from pytest_cfworkers.report.files import read
from pytest_cfworkers.report.run import GateResult, Run
from pytest_cfworkers.report.terminal import summary
from pytest_cfworkers.report.timeline import Span, Timeline
from pytest_cfworkers.report.writers import render
from tests.report.runs import SEVEN, record, run

HOSTILE: Final = {
    "a script": "<script>alert(1)</script>",
    "the end of a script": "</script><!--<script>alert(2)</script>-->",
    "a tag": "\"'><img src=x onerror=alert(3)>",
    "escapes": "\x1b[31m\x1b]8;;https://x\x07\x9b1m",
    "line ends": "a\r\nb\u2028c\x85d\n::error::injected",
    "a turned order": "\u202egnp.exe\u2066",
    "emoji": "🎉👩‍🚀",
    "half a pair": "\udc80\ud83d",
    "markdown": "|`[x](javascript:alert(4))`| **b** <!-- @octocat",
    "template": "{{ 7 * 7 }}{% raw %}${x}",
    "long": "x" * 100_000,
    "nothing": "",
    "nul": "\x00",
}


def everywhere(text: str) -> Run:
    """Make a run in which a text stands wherever others may have written."""
    frame = Frame(text, 3, text)
    found = replace(SEVEN, headline=text, evidence=(text, text), remedy=text, frames=(frame,))
    span = Span(
        label=text,
        internal=False,
        beyond=True,
        opened_ms=0,
        admitted_ms=1,
        headers_ms=2,
        closed_ms=3,
        outcome="consumed",
        frames=(frame,),
    )
    timeline = Timeline(
        name=text,
        slots=6,
        connection_model="body",
        wall_ms=9,
        cpu_ms=1,
        spans=(span,),
        memory=((1, 2),),
        checkpoints=((text, 1),),
    )
    broken = record(
        text,
        path=text,
        violations=(found,),
        allowed=(found,),
        advice=(found,),
        unused={text: text},
        timelines=(timeline,),
    )
    gate = GateResult(expression=text, observed=text, bound=text, passed=False)
    return run(broken, problems=(text,), settings={text: text}, version=text, gates=(gate,), complete=False)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_json_keeps_everything_as_it_is(tmp_path: Path, text: str) -> None:
    write_text(tmp_path / "run.json", render(everywhere(text), Path("run.json")))
    assert read(tmp_path / "run.json") == everywhere(text)


@pytest.mark.parametrize("suffix", [".html", ".sarif", ".md"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_shown_cannot_act(tmp_path: Path, text: str, suffix: str) -> None:
    path = tmp_path / f"run{suffix}"
    write_text(path, render(everywhere(text), path))
    shown = path.read_text(encoding="utf-8")
    assert not set(shown) & set("\x00\x07\x1b\x85\x9b\u2028\u202e\u2066\r")
    if suffix == ".html":
        for tag in ("<script>alert", "<img src", "<!--<script"):
            assert tag not in shown
    if suffix == ".sarif":
        strings(json.loads(shown))


def strings(data: Any) -> None:
    """Fail where a text cannot be encoded, which strict readers refuse."""
    if isinstance(data, str):
        data.encode("utf-8")
    elif isinstance(data, list | dict):
        for value in data.values() if isinstance(data, dict) else data:
            strings(value)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_line_of_the_terminal_moves_the_cursor(text: str) -> None:
    for failing in (True, False):
        for line in summary(everywhere(text).tests, top=5, width=80, failing=failing):
            assert line.text.isprintable()
            assert len(line.text) <= 80


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_an_annotation_is_one_command(text: str) -> None:
    (line,) = annotations(everywhere(text))
    assert line.isprintable()
    assert line.startswith("::error file=")
