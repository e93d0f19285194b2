"""The naive tracker: each of its tests breaks what it should, and says so in the pinned words.

The suite runs once, as its users would run it. `python -m tests.examples.test_naive_tracker` writes the messages anew.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
NAIVE: Final = ROOT / "examples" / "naive_tracker"
MESSAGES: Final = Path(__file__).parent / "naive"

RULES: Final = {
    "a_question_mark_for_each_value": [],  # D1 itself refuses
    "a_statement_for_each_row": ["internal-subrequests", "d1-queries"],
    "all_opened_before_one_is_read": ["connections", "unread-body"],
    "bodies_left_unread": ["unread-body"],
    "details_one_by_one": ["subrequests"],
    "each_compared_with_each": ["cpu-time"],
    "gather_over_everything": ["connections"],
    "names_that_have_changed": ["subrequests"],
    "one_after_the_other": ["wall-time"],
    "retry_storm": ["subrequests"],
    "statements_all_at_once": ["connections"],
    "the_whole_data_set_in_memory": ["memory"],
    "timeouts_that_run_in_the_queue": ["connections", "queued-timeout"],
}
"""The rules that each anti-pattern breaks."""

ERRORS: Final = {"a_question_mark_for_each_value", "all_opened_before_one_is_read"}
"""Where the code itself gets an error, before the test is judged."""


def output_of_the_suite() -> str:
    """Run the naive tracker's tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CI"))}
    without = [option for name in ("cacheprovider", "randomly", "asyncio") for option in ("-p", f"no:{name}")]
    command = [sys.executable, "-m", "pytest", *without, "-rA"]
    run = subprocess.run(  # noqa: S603 - our own arguments
        command, cwd=NAIVE, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, run.stdout + run.stderr
    return run.stdout


def message_of(name: str, output: str) -> str:
    """Cut what a test says out of the output, its error and all about limits: times are T, sizes M, ports PORT."""
    source = (NAIVE / "tests" / f"test_{name}.py").read_text(encoding="utf-8")
    (function,) = re.findall(r"def (test_\w+)", source)
    _, _, rest = output.partition(f"_ {function} _")
    section = re.split(r"\n(?:_{4,} test_|={4,} |-{4,} connections over time )", rest.partition("\n")[2], maxsplit=1)[0]
    if name in ERRORS:
        error = next(line.removeprefix("E").strip() for line in section.splitlines() if line.startswith("E "))
        section = error + section.partition(" limits of Cloudflare Workers that were broken, too ")[2].lstrip("-")
    section = re.sub(r"^(memory: .*\n)(?: {4}.*\n)+", r"\1", section, flags=re.MULTILINE)  # how it is measured differs
    section = re.sub(r"(http://127\.0\.0\.1):\d+", r"\1:PORT", section)
    section = re.sub(r"\d[\d,]*\.\d ms", "T ms", section)
    return re.sub(r"\d[\d,]*(?:\.\d)? MB held", "M MB held", section).strip() + "\n"


def rules_in(message: str) -> list[str]:
    """The rules that a message speaks of."""
    return re.findall(r"^([a-z0-9-]+): (?:\d|T ms|M MB)", message, re.MULTILINE)


@pytest.fixture(scope="module")
def output() -> str:
    return output_of_the_suite()


def test_every_anti_pattern_is_pinned() -> None:
    assert {path.stem.removeprefix("test_") for path in (NAIVE / "tests").glob("test_*.py")} == RULES.keys()


@pytest.mark.parametrize("name", RULES)
def test_anti_pattern_fails_by_its_rules_alone_with_the_pinned_message(output: str, name: str) -> None:
    letter = "FAILED" if name in ERRORS else "LIMITS"
    assert re.search(rf"^{letter} tests/test_{name}\.py::", output, re.MULTILINE)
    message = message_of(name, output)
    assert rules_in(message) == RULES[name]
    assert message == (MESSAGES / f"{name}.txt").read_text(encoding="utf-8")


if __name__ == "__main__":
    MESSAGES.mkdir(exist_ok=True)
    printed = output_of_the_suite()
    for anti_pattern in RULES:
        (MESSAGES / f"{anti_pattern}.txt").write_text(message_of(anti_pattern, printed), encoding="utf-8")
