"""What a test needs of the machine: without it the test is skipped, but in CI, where it must be there, it fails."""

import os
from typing import Final, NoReturn

import pytest

IN_CI: Final = os.environ.get("CI") == "true"


def missing(problem: str) -> NoReturn:
    """Skip the test, or fail it in CI, since what it needs is missing."""
    if IN_CI:
        pytest.fail(problem, pytrace=False)
    pytest.skip(problem)
