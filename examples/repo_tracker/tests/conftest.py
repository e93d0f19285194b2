"""What several tests start with."""

import pytest

from tests.kit.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()
