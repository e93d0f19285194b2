"""The real runtime for tests. Where it cannot be used they skip and say why; under CI=true they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_cfworkers.lanes.installation import status
from pytest_cfworkers.lanes.lane import WorkerdLane
from tests.needed import missing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def installed() -> None:
    if problem := status().problem:
        missing(problem)


@pytest.fixture(scope="session")
def lane(installed: None) -> Iterator[WorkerdLane]:  # noqa: ARG001 - skips where there is none
    with WorkerdLane() as lane:
        yield lane


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)
