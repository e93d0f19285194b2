"""The gallery: each example breaks exactly its rule, and the message is pinned word by word."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
GALLERY: Final = sorted((ROOT / "examples" / "violations").glob("test_*.py"))
MESSAGES: Final = Path(__file__).parent / "messages"


def name_of(path: Path) -> str:
    return path.stem.removeprefix("test_").replace("_", "-")


def message_in(output: str) -> str:
    """Cut the message of the one failed test out of pytest's output, with its measured times as T.

    What a waterfall under it looks like depends on those times, and is pinned elsewhere.
    """
    lines = output.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("____"))
    ends = ("---- connections over time ----", "==== limits of Cloudflare Workers ====")
    end = next(number for number, line in enumerate(lines[start:], start) if any(mark in line for mark in ends))
    text = re.sub(r"\d[\d,]*\.\d ms", "T ms", "\n".join(lines[start + 1 : end]))
    return re.sub(r"[\d,]+ blocks", "N blocks", text) + "\n"  # a list may have been made larger in place


@pytest.mark.parametrize("path", GALLERY, ids=name_of)
def test_example_fails_by_its_rule_alone_with_the_pinned_message(pytester: pytest.Pytester, path: Path) -> None:
    pytester.makepyfile(**{path.stem: path.read_text(encoding="utf-8")})
    result = pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:randomly")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"{path.name} L*", f"{name_of(path)}: *"])
    pinned = MESSAGES / f"{name_of(path)}.txt"
    assert message_in(result.stdout.str()) == pinned.read_text(encoding="utf-8")


def test_code_that_fits_passes_with_every_limit_of_the_free_plan(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_refresh=(ROOT / "examples" / "fitting" / "test_refresh.py").read_text(encoding="utf-8"),
    )
    pytester.runpytest_inprocess("-p", "no:asyncio", "--cf-limits=enforce", "--cf-plan=free").assert_outcomes(passed=4)
