"""Make the helpers of these tests importable as `tests.d1`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
