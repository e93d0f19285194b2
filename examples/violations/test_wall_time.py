"""wall-time: from start to end, waiting included."""

import time

import pytest


@pytest.mark.cf_limits(wall_ms=20)
def test_slow_handler() -> None:
    time.sleep(0.05)
