"""cpu-time: a number that is given fails; the plan's own only warns."""

import time

import pytest


@pytest.mark.cf_limits(cpu_ms=5)
def test_busy_handler() -> None:
    start = time.thread_time()
    while time.thread_time() - start < 0.02:
        pass
