"""The reference Worker: its own suite passes on the free plan, and it runs where Workers run it."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks.pyodide.interpreters import installed
from pytest_cfworkers.lanes.errors import LaneUnavailable
from pytest_cfworkers.lanes.installation import status
from pytest_cfworkers.lanes.node import find_node, node_environment
from tests.needed import missing

WORKER: Final = Path(__file__).parents[2] / "examples" / "repo_tracker"
PACKAGES: Final = ("httpx", "httpcore", "h11", "anyio", "idna", "certifi")
"""httpx and what it imports, all of them pure Python: those of this environment are what Pyodide gets."""


def run_its_tests(*arguments: str) -> None:
    """Run the Worker's own tests as its user does, under enforce and on the free plan."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--cf-limits=enforce", "--cf-plan=free"]
    done = subprocess.run([*command, *arguments], cwd=WORKER, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_own_suite_passes_under_enforce_on_the_free_plan() -> None:
    run_its_tests()


def test_what_it_stores_is_stored_by_the_real_d1_also_over_real_sockets() -> None:
    if problem := status().problem:
        missing(problem)
    units = [f"tests/test_{name}.py" for name in ("storage", "tracker", "app")]
    run_its_tests("--cf-d1=workerd", *units, "tests/integration/test_over_sockets.py")


@pytest.fixture(scope="module")
def under_pyodide() -> dict[str, Any]:
    """What the smoke test printed; skipped where Node or Pyodide cannot be had, but not in CI."""
    try:
        node, folder = find_node(), installed()
    except (LaneUnavailable, SystemExit, OSError, subprocess.SubprocessError) as error:
        missing(f"Pyodide under Node is not to be had: {error}")
    folders = [str(importlib.util.find_spec(name).submodule_search_locations[0]) for name in PACKAGES]  # type: ignore[union-attr, index]
    done = subprocess.run(  # noqa: S603 - our own program
        [str(node.executable), str(WORKER / "smoke" / "under_node.mjs"), str(folder), *folders],
        env=node_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return outcome


def test_every_module_but_the_entry_imports_under_pyodide(under_pyodide: dict[str, Any]) -> None:
    modules = {path.stem for path in (WORKER / "src" / "repo_tracker").glob("*.py")} - {"__init__"}
    assert set(under_pyodide["modules"]) == modules
    assert (under_pyodide["platform"], under_pyodide["python"]) == ("emscripten", [3, 14])


def test_a_refresh_under_pyodide_goes_through_fetch_and_fits(under_pyodide: dict[str, Any]) -> None:
    assert under_pyodide["saved"] == 39
    assert list(under_pyodide["failed"]) == ["octo/r13"]
    assert under_pyodide["stored"] == [number for number in range(1, 41) if number != 13]
    assert {name: under_pyodide["server"][name] for name in ("requests", "active", "peak")} == {
        "requests": 80,
        "active": 0,
        "peak": 6,
    }
    assert under_pyodide["round"]["failures"] == 0


def test_requests_under_pyodide_say_who_asks_or_github_would_refuse_them_all(under_pyodide: dict[str, Any]) -> None:
    assert under_pyodide["server"]["agents"] == ["repo-tracker"]


def test_a_redirect_under_pyodide_is_followed_and_counted(under_pyodide: dict[str, Any]) -> None:
    assert under_pyodide["renamed"] == ["octo/r1", 2]


def test_what_goes_wrong_under_pyodide_is_an_error_of_httpx_or_ours_and_is_cancelled(
    under_pyodide: dict[str, Any],
) -> None:
    assert under_pyodide["failures"] == {
        "endless": "BodyTooLargeError",
        "cut-off": "ReadError",
        "bomb": "BodyTooLargeError",
        "slow": "ReadTimeout",
        "refused": "ConnectError",
    }
    assert sorted(under_pyodide["server"]["cancelled"]) == ["endless", "slow"]


def test_its_memory_is_seen_under_pyodide(under_pyodide: dict[str, Any]) -> None:
    assert 20 << 20 < under_pyodide["figures"]["peak_memory_bytes"] < 100 << 20
