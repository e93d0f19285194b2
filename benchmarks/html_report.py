"""The HTML report of 10,000 tests with 20 connections each, written and used: `python -m benchmarks html_report`."""

import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.ratio import compare
from pytest_cfworkers.report.html import render
from pytest_cfworkers.report.run import Run
from tests.report import synthetic

TESTS = 10_000
CONNECTIONS = 20
ROUNDS = 3

USED = """async () => {
    const shown = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const timed = async (act) => {
        const start = performance.now();
        act();
        await shown();
        return performance.now() - start;
    };
    const search = document.getElementById("search");
    const type = (text) => () => {
        search.value = text;
        search.dispatchEvent(new Event("input"));
    };
    const { domContentLoadedEventEnd: ready } = performance.getEntriesByType("navigation")[0];
    const [first] = performance.getEntriesByName("first-contentful-paint");
    return {
        "the first screen is there": first.startTime,
        "everything can be used": ready,
        "a search": await timed(type("case_0099")),
        "no search": await timed(type("")),
        "a sort by memory": await timed(() => document.querySelector("#table th:nth-last-child(3) button").click()),
        "a test is opened": await timed(() => { location.hash = "#t5000"; }),
    };
}"""


def seconds(run: Run) -> float:
    """Return the CPU seconds that the page takes."""
    start = time.process_time()
    render(run)
    return time.process_time() - start


def seconds_of_json(run: Run) -> float:
    """Return the CPU seconds that the same data take as plain JSON."""
    start = time.process_time()
    json.dumps(run.to_dict())
    return time.process_time() - start


def used(path: Path) -> list[dict[str, Any]]:
    """Return the milliseconds that using the page takes in Chromium, three times."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    found = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for _ in range(ROUNDS):
            page = browser.new_page()
            page.goto(path.as_uri())
            found.append(page.evaluate(USED))
            page.close()
        browser.close()
    return found


def main() -> None:
    """Print the figures."""
    run = synthetic.run(TESTS, connections=CONNECTIONS)
    text = render(run)
    ratio = compare(lambda: seconds(run), lambda: seconds_of_json(run), rounds=ROUNDS)
    print(f"size: {len(text.encode()) / 1e6:.1f} MB")
    print(f"written in {min(seconds(run) for _ in range(ROUNDS)):.2f} s of CPU, {ratio} of plain JSON")
    if shutil.which("chromium") is None:
        print("no Chromium here: the page was not opened")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        path.write_text(text, encoding="utf-8")
        rounds = used(path)
    for name in rounds[0]:
        print(f"{name}: {min(one[name] for one in rounds):.0f} ms (at most {max(one[name] for one in rounds):.0f})")


if __name__ == "__main__":
    main()
