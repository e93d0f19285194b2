"""The HTML report in a real browser: read, searched, opened, walked through by keyboard, and checked by axe.

They need a Chromium on the machine (on Debian: apt install chromium) and skip, saying so, where there is none.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect, sync_playwright

from pytest_cfworkers.lanes.installation import cache_folder
from pytest_cfworkers.report.html import render
from tests.needed import missing
from tests.report import synthetic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Locator, Page

AXE = "4.14.1"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
WIDTHS = [390, 800, 1280, 1500]
PATIENCE = 60_000
"""Milliseconds after which a page that does not do as it should has failed: long, for machines that are busy."""

RUNS = {
    "none": synthetic.run(0),
    "eventful": synthetic.eventful(),
    "hostile": synthetic.hostile(),
    "many": synthetic.run(300),
    "wide": synthetic.wide(),
}

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for this file and no longer: while it runs, no other event loop may be started by a test."""
    if CHROMIUM is None:
        missing("no Chromium on this machine: apt install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pages")
    for name, run in RUNS.items():
        (folder / f"{name}.html").write_text(render(run), encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in RUNS}


@pytest.fixture
def show(browser: Browser, files: dict[str, str]) -> Iterator[Callable[..., Page]]:
    """Open a page as a reader would, and see at its end that nothing went wrong in it and nothing was fetched."""
    opened: list[tuple[Any, list[str]]] = []

    def show(name: str, fragment: str = "", *, refused: str = "", **context: Any) -> Page:
        context = {"reduced_motion": "reduce", "viewport": DESKTOP, **context}
        kept = browser.new_context(**context)
        page = kept.new_page()
        page.set_default_timeout(PATIENCE)
        trouble: list[str] = []

        def note(text: str, *, harmless: str) -> None:
            if not harmless or harmless not in text:
                trouble.append(text)

        page.on("pageerror", lambda error: note(str(error), harmless=""))
        page.on("dialog", lambda dialog: note(dialog.message, harmless=""))
        page.on("console", lambda message: note(message.text, harmless=refused))
        page.on("request", lambda request: note(request.url, harmless=files[name]))
        page.goto(files[name] + fragment)
        opened.append((kept, trouble))
        return page

    yield show
    for kept, trouble in opened:
        kept.close()
        assert trouble == []


EACH = pytest.mark.parametrize("name", RUNS)


# reading


@EACH
def test_the_page_opens_from_disk_without_an_error_or_a_request(show: Callable[..., Page], name: str) -> None:
    expect(show(name).locator("h1")).to_be_visible()


@EACH
def test_the_page_never_scrolls_sideways(show: Callable[..., Page], name: str) -> None:
    page = show(name, viewport=PHONE)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    if name == "none":
        return
    page.evaluate("location.hash = '#t1'")
    expect(page.locator("dialog")).to_be_visible()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("innerWidth") == width
        assert page.locator("dialog").evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth"), width


def test_without_a_script_every_test_violation_and_waterfall_of_a_fault_is_there(show: Callable[..., Page]) -> None:
    page = show("eventful", java_script_enabled=False)
    for record in RUNS["eventful"].tests:
        expect(page.locator("noscript tbody th", has_text=record.nodeid)).to_be_visible()
    expect(page.get_by_text("20 connections at once, the limit is 6").last).to_be_visible()
    expect(page.locator(".still .bar.queued").first).to_be_visible()
    expect(page.get_by_label("Signs of the waterfalls")).to_contain_text("queued for a slot")
    expect(page.locator("#search")).to_be_hidden()


def test_the_first_screen_tells_whether_it_passed_what_broke_and_how_much_is_left(show: Callable[..., Page]) -> None:
    page = show("many")
    for told in ("h1", "#headroom", ".bars li:first-child .left", "#broke", ".faults li:first-child"):
        expect(page.locator(told)).to_be_in_viewport(ratio=1)


# malice


def test_no_text_of_a_run_acts(show: Callable[..., Page]) -> None:
    page = show("hostile")
    for test in range(len(synthetic.PAYLOADS)):
        page.evaluate("test => { location.hash = `#t${test}` }", test)
        expect(page.locator("#panel-title")).to_contain_text(f"{test:02}")
        assert page.locator("#panel [role=option]").count() == 8
    assert page.evaluate("window.hacked === undefined")
    assert page.locator("img, iframe, a[href^=javascript]").count() == 0


def test_the_policy_of_the_page_refuses_a_script_that_somebody_smuggles_in(show: Callable[..., Page]) -> None:
    page = show("none", refused="Content Security Policy")
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.hacked = 1";
            document.body.append(script);
        }"""
    )
    assert page.evaluate("window.hacked === undefined")


# the table


def ids(page: Page) -> list[str]:
    return page.locator("#table tbody th .test").all_text_contents()


def test_a_search_finds_the_tests_whose_id_holds_every_word_and_says_how_many(show: Callable[..., Page]) -> None:
    page = show("many")
    page.get_by_label("Search").fill("API case_0000")
    expect(page.get_by_role("status")).to_have_text("3 of 300 tests")
    assert sorted(ids(page)) == sorted(
        record.nodeid for record in RUNS["many"].tests if "/api/" in record.nodeid and "case_0000" in record.nodeid
    )
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("status")).to_have_text("300 tests, the first 100 shown")


def test_tests_are_filtered_by_rule_outcome_and_limit(show: Callable[..., Page]) -> None:
    page, tests = show("many"), RUNS["many"].tests
    broken = sum(bool(record.violations) for record in tests)
    page.get_by_label("Broken rule").select_option("connections")
    expect(page.get_by_role("status")).to_have_text(f"{broken} of 300 tests")
    page.get_by_label("Outcome").select_option("passed")
    expect(page.get_by_role("status")).to_have_text("0 of 300 tests")
    page.get_by_label("Broken rule").select_option("")
    page.get_by_label("Outcome").select_option("")
    page.get_by_label("Little left of").select_option(label="simultaneous connections")
    tight = sum(record.usage["connections"].headroom < 20 for record in tests)
    expect(page.get_by_role("status")).to_contain_text(f"{tight} of 300 tests")


def test_a_head_sorts_and_says_so(show: Callable[..., Page]) -> None:
    page = show("many")
    head = page.get_by_role("columnheader", name="Memory")
    most = max(RUNS["many"].tests, key=lambda record: record.usage["memory"].used)
    least = min(RUNS["many"].tests, key=lambda record: record.usage["memory"].used)
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert ids(page)[0] == most.nodeid
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert ids(page)[0] == least.nodeid
    assert page.locator("th[aria-sort]").count() == 1


def test_only_so_many_rows_are_made_as_are_looked_at(show: Callable[..., Page]) -> None:
    page = show("many")
    assert page.locator("#table tbody tr").count() == 100
    page.get_by_role("button", name="Show 100 more").click()
    assert page.locator("#table tbody tr").count() == 200
    expect(page.locator("#table tbody tr:nth-child(101) a")).to_be_focused()


# one test


def connections(page: Page) -> Locator:
    return page.locator("#panel .lanes").get_by_role("option")


def test_a_test_is_opened_by_its_row_or_its_address_and_closed_by_escape(show: Callable[..., Page]) -> None:
    page = show("eventful", "#t3")
    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("heading", level=2)).to_contain_text("tests/sync/")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page).not_to_have_url(re.compile("#t"))
    link = page.locator("#table tbody a").nth(1)
    link.press("Enter")
    expect(panel).to_be_visible()
    page.keyboard.press("Escape")
    expect(link).to_be_focused()
    page.locator("#table tbody td").first.click()
    expect(panel).to_be_visible()


def test_next_and_previous_follow_the_order_of_the_table(show: Callable[..., Page]) -> None:
    page = show("many")
    first, second = ids(page)[:2]
    page.locator("#table tbody a").first.click()
    expect(page.locator("#panel-title")).to_contain_text(first)
    expect(page.get_by_role("button", name="Previous")).to_be_disabled()
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#panel-title")).to_contain_text(second)


def test_a_waterfall_tells_each_state_by_its_shape_and_pattern(show: Callable[..., Page]) -> None:
    panel = show("eventful", "#t3").get_by_role("dialog")
    looks = {
        panel.locator(f".legend .bar.{state}").evaluate(
            "bar => [getComputedStyle(bar).height, getComputedStyle(bar).fill, getComputedStyle(bar).rx].join()"
        )
        for state in ("queued", "waiting", "streaming", "service")
    }
    assert len(looks) == 4
    assert len({look.partition(",")[0] for look in looks if "url" not in look}) == 2
    expect(panel.locator(".lanes .end.evicted")).to_have_count(1)
    expect(panel.locator(".load .limit")).to_have_count(1)
    expect(panel.locator(".load")).to_contain_text("20 / 6")
    expect(panel.locator(".memory .held")).to_be_visible()


def test_details_are_shown_on_hover_and_on_focus(show: Callable[..., Page]) -> None:
    page = show("eventful", "#t3")
    spans = RUNS["eventful"].tests[3].timelines[0].spans
    rows, told = connections(page), page.locator(".tell")
    assert rows.count() == len(spans)
    rows.nth(7).hover()
    expect(told).to_contain_text(spans[7].label)
    expect(told).to_contain_text("opened when every slot was taken")
    rows.nth(4).focus()
    page.mouse.move(0, 0)
    expect(told).to_contain_text(spans[4].label)
    expect(told).to_contain_text("app/refresh.py:9 in refresh")


def test_the_times_that_are_shown_are_those_that_were_measured(show: Callable[..., Page]) -> None:
    page = show("eventful", "#t3")
    span = RUNS["eventful"].tests[3].timelines[0].spans[9]
    assert span.admitted_ms is not None
    assert span.headers_ms is not None
    connections(page).nth(9).focus()
    label = connections(page).nth(9).get_attribute("aria-label") or ""
    queued, waiting = span.admitted_ms - span.opened_ms, span.headers_ms - span.admitted_ms
    assert f"queued {queued:.1f} ms" in label or f"queued {queued:.2f} ms" in label
    assert f"waiting {waiting:.1f} ms" in label or f"waiting {waiting:.2f} ms" in label


def test_arrow_keys_walk_through_the_connections(show: Callable[..., Page]) -> None:
    page = show("eventful", "#t3")
    rows = connections(page)
    rows.first.focus()
    for key, row in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("End", 19), ("PageUp", 9), ("Home", 0)):
        page.keyboard.press(key)
        expect(rows.nth(row)).to_be_focused()
        expect(rows.nth(row)).to_have_attribute("aria-selected", "true")
    assert page.locator("[role=option][tabindex='0']").count() == 1


def test_keys_and_buttons_zoom_and_move_the_time(show: Callable[..., Page]) -> None:
    page = show("eventful", "#t3")
    axis = page.locator("#panel .axis svg")
    fitted = axis.inner_html()
    connections(page).nth(5).focus()
    page.keyboard.press("+")
    zoomed = axis.inner_html()
    page.keyboard.press("ArrowRight")
    moved = axis.inner_html()
    assert len({fitted, zoomed, moved}) == 3
    page.keyboard.press("0")
    assert axis.inner_html() == fitted
    page.get_by_role("button", name="Zoom in").click()
    assert axis.inner_html() != fitted
    page.get_by_role("button", name="Fit").click()
    assert axis.inner_html() == fitted


def test_each_invocation_of_a_test_can_be_chosen(show: Callable[..., Page]) -> None:
    page = show("eventful", "#t1")  # the third that ran is the second by its id
    picker = page.locator("#panel .picker select")
    assert picker.locator("option").count() == 2
    before = page.locator("#panel .load").text_content()
    picker.select_option(index=1)
    assert page.locator("#panel .load").text_content() != before


def test_a_test_tells_what_it_broke_and_what_was_allowed_and_advised(show: Callable[..., Page]) -> None:
    page = show("eventful", "#t3")
    for found in RUNS["eventful"].tests[3].violations:
        expect(page.locator("#panel .card", has_text=found.headline)).to_be_visible()
    assert page.locator("#panel .code").first.text_content() == (
        "slots = asyncio.Semaphore(6)  # one for the whole invocation\n"
        "async with slots: response = await client.get(url)"
    )
    page.evaluate("location.hash = '#t0'")
    expect(page.locator("#panel .card.allowed")).to_contain_text("9 connections at once")
    expect(page.locator("#panel .card.expected")).to_contain_text("7 connections at once")
    expect(page.locator("#panel .card.known")).to_contain_text("8 connections at once")
    expect(page.locator("#panel .card.advice")).to_contain_text("the same statement in 12 round trips")


def test_what_is_over_a_limit_is_told_in_the_words_of_every_report(show: Callable[..., Page]) -> None:
    page = show("eventful", "#t0")
    expect(page.locator("#panel .uses li", has_text="Connections")).to_have_text("Connections9 of 6over, known")
    page.keyboard.press("Escape")
    row = page.locator("#table tr[data-test='0']")
    assert row.locator("td.allowed").all_text_contents() == ["9 of 6", "over, known"]


# theme, paper, movement, keyboard


def paper(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_the_theme_is_the_readers_until_another_is_chosen_and_then_stays(show: Callable[..., Page]) -> None:
    page = show("eventful", color_scheme="dark")
    dark = paper(page)
    toggle = page.get_by_role("button", name="Theme")
    expect(toggle).to_have_text("Theme: auto")
    toggle.click()
    expect(toggle).to_have_text("Theme: light")
    light = paper(page)
    assert light != dark
    page.reload()
    assert paper(page) == light
    toggle.click()
    assert paper(page) == dark
    toggle.click()
    expect(toggle).to_have_text("Theme: auto")


def test_paper_shows_what_the_screen_shows_on_demand(show: Callable[..., Page]) -> None:
    page = show("many")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("main details:not([open])").count() == 0
    expect(page.locator("#search")).to_be_hidden()
    expect(page.locator("#table tbody tr").first).to_be_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("main details:not([open])").count() > 0


def test_nothing_moves_for_those_who_want_less_movement(show: Callable[..., Page]) -> None:
    for wish, animation in (("reduce", "none"), ("no-preference", "in")):
        page = show("eventful", "#t3", reduced_motion=wish)
        assert page.locator("dialog").evaluate("dialog => getComputedStyle(dialog).animationName") == animation


def test_the_first_key_leads_past_everything_to_the_tests(show: Callable[..., Page]) -> None:
    page = show("many")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the tests")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#tests")).to_be_in_viewport()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Search")).to_be_focused()


# axe


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which npm brings into the cache folder once."""
    folder = cache_folder() / f"axe-core-{AXE}"
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        npm = shutil.which("npm")
        if npm is None:
            missing("axe-core is not in the cache and there is no npm to bring it")
        command = [npm, "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([*command, f"axe-core@{AXE}"], capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            missing(f"npm could not bring axe-core {AXE}: {done.stderr.strip()}")
    return script.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "viewport", "theme"),
    [
        ("eventful", DESKTOP, "light"),
        ("eventful", DESKTOP, "dark"),
        ("eventful", PHONE, "light"),
        ("eventful", PHONE, "dark"),
        ("hostile", PHONE, "light"),
        ("none", DESKTOP, "light"),
    ],
    ids=["light", "dark", "phone light", "phone dark", "hostile", "none"],
)
def test_axe_finds_nothing_on_the_page_nor_on_a_test(
    show: Callable[..., Page], axe: str, name: str, viewport: dict[str, int], theme: str
) -> None:
    page = show(name, color_scheme=theme, viewport=viewport)
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    page.evaluate(axe)
    assert findings(page) == []
    if name != "none":
        page.evaluate("location.hash = '#t3'")
        expect(page.get_by_role("dialog")).to_be_visible()
        assert findings(page) == []


def findings(page: Page) -> list[str]:
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    result = page.evaluate("tags => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", tags)
    return [
        f"{found['id']}: {found['help']}: {node['html'][:200]}: {node['any'][:1]}"
        for found in result["violations"]
        for node in found["nodes"][:3]
    ]
