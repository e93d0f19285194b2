"""What it means that a test used more than a limit, and in which word reports tell it."""

from collections.abc import Mapping
from typing import Final, Literal

Excess = Literal["", "broken", "known", "expected", "allowed", "refused", "warned"]
"""The test failed, the baseline knows it, the test expects it, the mark allows it, D1 itself refused it, or it
only warns; "" is none."""

OVER: Final[Mapping[Excess, str]] = {
    "broken": "over",
    "known": "over, known",
    "expected": "over, expected",
    "allowed": "over, allowed",
    "refused": "over, refused",
    "warned": "over, warns",
}
"""How a figure beyond its limit is told."""
