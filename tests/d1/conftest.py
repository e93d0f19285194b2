"""Makes the helpers of these tests importable as `tests.d1`, as `python -m tests.d1.conformance` sees them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
