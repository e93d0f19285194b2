"""What reports add to a run of 10,000 tests with 20 connections each: `python -m benchmarks reporting`.

The share is worked out from its parts, each the least of several measurements in turn, in CPU time: what a test costs
without a report, what is noted of it for one, and what writing the reports of all of them takes. Two whole runs
differ by more than that from one to the next.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx

from pytest_cfworkers import Invocation, Limits
from pytest_cfworkers.clients.watch import watch
from pytest_cfworkers.report.model import TestRecord
from pytest_cfworkers.report.run import Run
from pytest_cfworkers.report.writers import render

TESTS = 10_000
CONNECTIONS = 20
ROUNDS = 7

SUITE = f"""
import asyncio, httpx, pytest

def answer(request):
    return httpx.Response(200, json={{"name": "one"}})

async def refresh():
    slots = asyncio.Semaphore(6)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        async def get(name):
            async with slots:
                return await client.get(f"https://api.example/repos/{{name}}")
        await asyncio.gather(*map(get, range({CONNECTIONS})))

@pytest.mark.parametrize("number", range(COUNT))
def test_one(number):
    asyncio.run(refresh())
"""


def per_test_ms(*, most: int) -> float:
    """Return the CPU milliseconds of a guarded test without a report: of many, less those of few."""

    def seconds(count: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "test_many.py").write_text(SUITE.replace("COUNT", str(count)), encoding="utf-8")
            plugins = ("-p", "pytest_cfworkers.plugin", "-p", "no:cacheprovider")
            command = (sys.executable, "-m", "pytest", "-qq", *plugins, "--cf-limits=enforce")
            before = os.times()
            environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
            subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
            after = os.times()
            return (after.children_user - before.children_user) + (after.children_system - before.children_system)

    few = 10
    return min((seconds(most) - seconds(few)) / (most - few) for _ in range(2)) * 1_000


def invocation() -> Invocation:
    """Make an invocation with the connections of a test."""
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json={"name": "one"}))) as client:
        with watch(), Invocation(Limits.plan(), name="test_many.py::test_one[0]") as made:
            for name in range(CONNECTIONS):
                client.get(f"https://api.example/repos/{name}")
        return made


def least_ms(do: Callable[[], object], *, repeats: int = 1) -> float:
    """Return the least CPU milliseconds that doing a thing took."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(repeats):
            do()
        times.append((time.process_time() - start) / repeats)
    return min(times) * 1_000


def noted(made: Invocation, *, timelines: bool) -> TestRecord:
    """Do what the plugin does for one test: derive its record."""
    root = str(Path.cwd())
    record = TestRecord.of("test_many.py::test_one[0]", (made,), timelines=timelines, root=root)
    return record.published(root)


def main(tests: int = TESTS) -> None:
    """Print the figures."""
    base = per_test_ms(most=min(tests, 1_000))
    made = invocation()
    note = least_ms(lambda: noted(made, timelines=True), repeats=200)
    note -= least_ms(lambda: noted(made, timelines=False), repeats=200)
    record = noted(made, timelines=True)
    records = tuple(
        replace(
            record,
            nodeid=f"test_many.py::test_one[{number}]",
            path="test_many.py",
            line=14,
            duration_ms=base,
            timelines=tuple(type(timeline).from_dict(timeline.to_dict()) for timeline in record.timelines),
        )
        for number in range(tests)
    )
    run = Run(version="0", started="2026-11-24T10:00:00.000+00:00", duration_s=base * tests / 1_000, tests=records)
    print(f"a guarded test with {CONNECTIONS} connections   {base:.2f} ms of CPU")
    print(f"noting what was open when           {note:.3f} ms, {note / base:.1%}")
    for suffix in (".json", ".html", ".sarif", ".md"):
        text = ""

        def write(path: Path = Path(f"run{suffix}")) -> None:
            nonlocal text
            text = render(run, path)

        took = least_ms(write)
        share = took / tests / base
        figures = f"{took / 1_000:.2f} s, {share:.1%}, {len(text) / 2**20:.1f} MiB"
        print(f"writing {tests:,} tests as {suffix:6}        {figures}")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]) if len(sys.argv) > 1 else TESTS)
