"""The HTML report as text: nothing of a run acts in it, nothing of a run is missing from it, and it is small."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers.callsite import Frame
from pytest_cfworkers.report.html import figures, packing, render
from pytest_cfworkers.report.html.readable import readable
from pytest_cfworkers.report.run import Run
from tests.report import runs, synthetic

SHIPPED_SCRIPTS = 2
DATA_SCRIPTS = 2
RUNS = {
    "nothing": synthetic.run(0),
    "three tests": synthetic.run(3, broken=0),
    "something of all": synthetic.eventful(),
    "hostile": synthetic.hostile(),
}


class Reader(HTMLParser):
    """What a browser finds in a page: its elements, their attributes, and the text in scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[dict[str, str | None], str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag, attributes = self.elements[-1] if self.elements else ("", {})
        if tag in {"script", "style"} and self.cdata_elem == tag:
            self.raw.append((attributes, data))
        else:
            self.words.append(data)


PAGES = {name: render(run) for name, run in RUNS.items()}
EACH_PAGE = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())


# safety


@EACH_PAGE
def test_the_page_has_the_scripts_that_are_shipped_and_no_other(page: str) -> None:
    scripts = [attributes for tag, attributes in Reader(page).elements if tag == "script"]
    assert len(scripts) == SHIPPED_SCRIPTS + DATA_SCRIPTS
    assert not any("src" in attributes for attributes in scripts)


@EACH_PAGE
def test_no_element_has_a_handler_or_style_of_its_own_and_none_loads_anything(page: str) -> None:
    for tag, attributes in Reader(page).elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag
        assert tag not in {"img", "iframe", "object", "embed", "link", "base", "video", "audio"}
        assert "src" not in attributes
        href = attributes.get("href") or "#"
        assert href.startswith("#") or (tag == "a" and href.startswith("https://"))


@EACH_PAGE
def test_the_policy_names_each_style_and_script_of_the_page(page: str) -> None:
    reader = Reader(page)
    policy = next(a["content"] for _, a in reader.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for attributes, text in reader.raw:
        if attributes.get("type") in {None, "module"}:
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy


@EACH_PAGE
def test_the_page_can_be_written(page: str) -> None:
    assert page.encode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\u202e\ufeff]", page)


@given(st.text(st.characters(codec=None), max_size=60))
def test_any_text_stays_text_wherever_it_stands(text: str) -> None:
    record = synthetic.record(1, 2, broken=True, dice=random.Random(1))  # noqa: S311 - nobody's secret
    found = replace(record.violations[0], headline=text, evidence=(text,), remedy=text, source=text)
    test = replace(record, nodeid=text, outcome=text, violations=(found,), unused={"memory": text})
    page = Reader(render(replace(synthetic.run(0), tests=(test,), problems=(text,), complete=False)))
    assert sum(tag == "script" for tag, _ in page.elements) == SHIPPED_SCRIPTS + DATA_SCRIPTS
    assert text.strip() == "" or readable(text).strip() in "".join(page.words)


@given(runs.runs)
def test_any_run_can_be_written_whatever_its_moments_and_figures(run: Run) -> None:
    page = Reader(render(run))
    assert sum(tag == "script" for tag, _ in page.elements) == SHIPPED_SCRIPTS + DATA_SCRIPTS
    data = {attributes.get("id"): text for attributes, text in page.raw}
    assert len(json.loads(data["index"])["ids"]) == len(run.tests)
    plans = [json.loads(line)["plan"] for line in data.get("details", "").split("\n") if line]
    assert plans == [record.plan for record in run.tests]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\x00b\x7f", "a\\x00b\\x7f"),
        ("lone \ud83d", "lone \\ud83d"),
        ("turned \u202e round", "turned \\u202e round"),
        ("\N{GRINNING FACE} is fine", "\N{GRINNING FACE} is fine"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_what_no_eye_sees_is_written_out_and_lines_stay_lines(text: str, shown: str) -> None:
    assert readable(text) == shown


def test_of_a_long_text_the_middle_is_left_out_and_counted() -> None:
    assert readable("a" * 60 + "b" * 60, 20) == "a" * 10 + " … 100 characters … " + "b" * 10


def test_a_long_text_does_not_make_the_page_long() -> None:
    run = synthetic.run(1, broken=1)
    (record,) = run.tests
    long = replace(record, nodeid="n" * 100_000, violations=(replace(record.violations[0], headline="h" * 100_000),))
    assert len(render(replace(run, tests=(long,)))) < len(render(run)) + 40_000


# what is told


def words(run: Run) -> str:
    return " ".join(" ".join(Reader(render(run)).words).split())


@pytest.mark.parametrize(
    ("run", "title"),
    [
        (RUNS["nothing"], "No test was guarded"),
        (RUNS["three tests"], "Every limit is kept"),
        (
            replace(RUNS["three tests"], tests=(runs.record(violations=(), known=(runs.SEVEN,)),)),
            "No limit is newly broken",
        ),
        (synthetic.run(3, broken=1), "3 of 3 tests break a limit"),
        (RUNS["something of all"], "1 of 4 tests breaks a limit, 1 gate fails"),
    ],
)
def test_the_title_says_what_the_run_came_to(run: Run, title: str) -> None:
    text = render(run)
    assert f"<h1>{title}</h1>" in text
    assert f"<title>{title} · " in text


def test_a_run_that_was_cut_short_says_so_before_anything_else() -> None:
    text = render(RUNS["something of all"])
    assert text.index("did not come to its end") < text.index("interrupted by Ctrl-C") < text.index("<h1>")
    assert "did not come to its end" not in render(RUNS["three tests"])


def test_each_gate_is_shown_with_what_was_observed_its_bound_and_whether_it_holds() -> None:
    text = words(RUNS["something of all"])
    assert "p95_ms<=5000 holds 41 ms bound 5,000 ms" in text
    assert "violations==0 fails 2 bound 0" in text
    assert "connections<=5 warns 20 bound 5" in text


def test_the_bundle_is_shown_where_it_was_measured() -> None:
    assert "Path src/entry.py Size 9 MB gzip 2 MB Files 412 Startup CPU 212 ms" in words(RUNS["something of all"])
    assert "gzip" not in words(RUNS["three tests"])


def test_each_violation_is_told_with_its_evidence_remedy_and_source() -> None:
    run = synthetic.run(40, broken=0.5)
    text = words(run)
    found = [(record, violation) for record in run.tests for violation in record.violations]
    assert len(found) > 10
    for record, violation in found:
        assert record.nodeid in text
        assert violation.headline in text
        assert all(" ".join(line.split()) in text for line in violation.evidence)
        assert all(" ".join(line.split()) in text for line in violation.remedy.splitlines())
        assert f"Source: {violation.source}" in text


def test_each_test_has_a_row_that_needs_no_script() -> None:
    run = synthetic.run(150)
    table = render(run).partition("<noscript>")[2].partition("</noscript>")[0]
    assert table.count("<tr ") == 150
    assert all(f'<th scope="row">{record.nodeid}' in table for record in run.tests)


def test_the_tests_are_in_the_order_of_their_ids_whoever_finished_first() -> None:
    run = synthetic.run(20)
    assert render(replace(run, tests=run.tests[::-1])) == render(run)


def test_a_source_that_is_no_address_is_no_link() -> None:
    run = synthetic.run(1, broken=1)
    (record,) = run.tests
    bad = replace(record, violations=(replace(record.violations[0], source="javascript:alert(1)", remedy="mend it"),))
    elements = Reader(render(replace(run, tests=(bad,)))).elements
    assert all((attributes.get("href") or "#").startswith("#") for _, attributes in elements)


# the data that the script reads


def unpacked(column: object, length: int) -> list[int]:
    return column if isinstance(column, list) else [column] * length  # type: ignore[list-item]


def test_the_script_is_given_every_moment_of_every_connection() -> None:
    tests = synthetic.run(12, broken=0.5).tests
    index, details = packing.pack(tests, figures.columns(tests))
    strings = json.loads(index)["strings"]
    for record, line in zip(tests, details.split("\n"), strict=True):
        packed: list[Any] = json.loads(line)["timelines"][0]
        many, labels, _, flags, opened, *later = packed[9:]
        now = 0
        for row, span in enumerate(record.timelines[0].spans):
            now += unpacked(opened, many)[row]
            moments, last = [now], now
            for column in later:
                step = unpacked(column, many)[row]
                last += max(step, 0)
                moments.append(last)
            assert strings[unpacked(labels, many)[row]] == span.label
            assert [moment / 1000 for moment in moments] == pytest.approx(
                [span.opened_ms, span.admitted_ms, span.headers_ms, span.closed_ms], abs=0.001
            )
            assert packing.OUTCOMES[unpacked(flags, many)[row] >> 2] == span.outcome


def test_what_never_came_is_told_from_what_came_at_once() -> None:
    run = synthetic.run(1)
    (record,) = run.tests
    first = replace(record.timelines[0].spans[0], admitted_ms=None, headers_ms=None, closed_ms=4.0, outcome="failed")
    test = replace(record, timelines=(replace(record.timelines[0], spans=(first,)),))
    _, details = packing.pack((test,), ())
    *_, opened, admitted, headers, closed = json.loads(details)["timelines"][0]
    assert (opened, admitted, headers, closed) == (500, packing.NEVER, packing.NEVER, 3500)


def test_equal_strings_and_columns_are_written_once() -> None:
    tests = synthetic.run(200).tests
    index, details = packing.pack(tests, figures.columns(tests))
    assert index.count("repos/repo-8/") == 1
    assert json.loads(index)["limit"][0] == synthetic.SLOTS
    assert len(details) / len(tests) < 1_000


def test_ten_thousand_tests_with_twenty_connections_fit_into_fifteen_megabytes() -> None:
    """Also where every fifth breaks a limit. Beyond what is drawn without a script, each test adds the same."""
    one, two = (len(render(synthetic.run(count, broken=0.2)).encode()) for count in (600, 1_200))
    assert one + 9_400 / 600 * (two - one) < 15_000_000


def test_a_path_of_the_same_line_is_written_from_the_current_folder() -> None:
    strings = packing.Strings()
    frames = (Frame("app/a.py", 3, "load"), Frame("tests/test_a.py", 9, "test_load"))
    strings.places(frames)
    assert strings.all() == ["app/a.py:3 in load\ntests/test_a.py:9 in test_load"]


# colours


def colours() -> dict[str, tuple[str, str]]:
    style = (resources.files("pytest_cfworkers.report.html") / "page.css").read_text(encoding="utf-8")
    return {
        name: (light, dark) for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", style)
    }


def luminance(colour: str) -> float:
    """Return the relative luminance as WCAG 2.2 defines it: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_measured_as_it_is_defined() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


BACKGROUNDS = ("paper", "card", "well")


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("text", ["ink", "soft", "link", "bad", "warn", "good"])
def test_text_has_the_contrast_of_wcag_aa(text: str, background: str, theme: int) -> None:
    assert contrast(colours()[text][theme], colours()[background][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("shape", ["streaming", "service", "queued", "fill", "strong-edge", "bad"])
def test_what_must_be_seen_has_the_contrast_of_wcag_aa_for_graphics(shape: str, background: str, theme: int) -> None:
    assert contrast(colours()[shape][theme], colours()[background][theme]) >= 3


def test_text_on_the_banner_has_the_contrast_of_wcag_aa() -> None:
    for theme in (0, 1):
        for text in ("ink", "warn"):
            assert contrast(colours()[text][theme], colours()["warn-well"][theme]) >= 4.5


def test_every_colour_that_is_used_is_defined() -> None:
    folder = resources.files("pytest_cfworkers.report.html")
    files = [file for file in folder.iterdir() if file.name.endswith(".css")]
    style = "".join(file.read_text(encoding="utf-8") for file in files)
    used = set(re.findall(r"var\(--([\w-]+)\)", style))
    defined = set(re.findall(r"--([\w-]+):", style)) | {"named"}
    assert used <= defined
    assert defined - used <= {"named"}
    assert not re.findall(r":[^;{]*#[0-9a-f]{3,6}", re.sub(r"--[\w-]+:[^;]+;", "", style))
