"""What several tests start with."""

import pytest
from hypothesis import HealthCheck, settings

from tests.kit.clock import Clock

settings.register_profile(
    "worker",
    derandomize=True,
    max_examples=50,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("worker")  # the same examples on every machine, however busy it is


@pytest.fixture
def clock() -> Clock:
    return Clock()
