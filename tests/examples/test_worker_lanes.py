"""The reference Worker over real sockets, with the real D1 behind it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from pytest_cfworkers.lanes.installation import status

WORKER: Final = Path(__file__).parents[2] / "examples" / "repo_tracker"


def test_services_pass_over_real_sockets_and_the_real_d1() -> None:
    problem = status().problem
    if problem and os.environ.get("CI") == "true":
        pytest.fail(problem, pytrace=False)
    if problem:
        pytest.skip(problem)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--cf-d1=workerd"]
    command += ["tests/integration/test_over_sockets.py"]
    done = subprocess.run(command, cwd=WORKER, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert done.returncode == 0, done.stdout + done.stderr
