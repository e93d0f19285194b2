"""The real runtime for tests. Where it cannot be used they skip and say why; under CI=true they fail."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_cfworkers.lanes.installation import status
from pytest_cfworkers.lanes.lane import WorkerdLane

if TYPE_CHECKING:
    from collections.abc import Iterator


# What runs recorded programs is importable as `tests.d1`, as `python -m tests.lanes.conformance` sees it.
sys.path.insert(0, str(Path(__file__).parents[2]))


@pytest.fixture(scope="session")
def installed() -> None:
    problem = status().problem
    if problem and os.environ.get("CI") == "true":
        pytest.fail(problem, pytrace=False)
    if problem:
        pytest.skip(problem)


@pytest.fixture(scope="session")
def lane(installed: None) -> Iterator[WorkerdLane]:  # noqa: ARG001 - skips where there is none
    with WorkerdLane() as lane:
        yield lane


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)
