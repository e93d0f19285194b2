"""What is copied from here brings nothing along: no pytest, no plugin, no SDK; and nothing that Workers lack."""

import ast
import importlib
import re
import sys
from pathlib import Path
from typing import Final

import pytest

PACKAGE: Final = Path(__file__).parents[1] / "src" / "repo_tracker"
README: Final = (PACKAGE.parents[1] / "README.md").read_text(encoding="utf-8")
MODULES: Final = sorted(path.stem for path in PACKAGE.glob("*.py"))
ALLOWED: Final = {"httpx", "repo_tracker", "js", "pyodide", "pyodide_js"}
"""The last three are Pyodide's, and imported where they are needed only."""

LACKING: Final = {"threading", "multiprocessing", "concurrent", "subprocess", "resource", "fcntl", "socket", "ssl"}
"""https://developers.cloudflare.com/workers/languages/python/stdlib/ (checked 2026-11-24)"""


def imported(path: Path) -> set[str]:
    """Return the top-level names that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize("module", MODULES)
def test_a_module_needs_the_standard_library_and_httpx_alone(module: str) -> None:
    importlib.import_module(f"repo_tracker.{module}")
    names = imported(PACKAGE / f"{module}.py")
    assert names - sys.stdlib_module_names <= ALLOWED
    assert not names & LACKING


@pytest.mark.parametrize("module", sorted({*MODULES} - {"__init__"}))
def test_the_readme_says_what_a_module_is_for(module: str) -> None:
    assert f"`{module}.py`" in README


def taken_along(module: str) -> set[str]:
    """Return what a module needs of its siblings, and they of theirs."""
    source = (PACKAGE / f"{module}.py").read_text(encoding="utf-8")
    siblings = set(re.findall(r"^from repo_tracker\.(\w+) import", source, re.MULTILINE))
    return siblings.union(*map(taken_along, siblings))


@pytest.mark.parametrize("row", [line for line in README.splitlines() if line.startswith("| ") and "](src/" in line])
def test_the_readme_says_what_comes_with_a_pattern(row: str) -> None:
    _, _, files, with_it, *_ = row.split("|")
    for module in re.findall(r"`(\w+)\.py`", files):
        assert set(re.findall(r"`(\w+)`", with_it)) == taken_along(module)


def test_only_the_entry_needs_the_sdk() -> None:
    assert "workers" in imported(PACKAGE.parent / "entry.py")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_fits_on_a_few_screens(module: str) -> None:
    assert len((PACKAGE / f"{module}.py").read_text(encoding="utf-8").splitlines()) <= 250
