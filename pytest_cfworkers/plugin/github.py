"""GitHub Actions: how it says that it shows what is told of a run."""

import os
from typing import Final

STEP_SUMMARY: Final = "GITHUB_STEP_SUMMARY"
"""The variable that names the file whose Markdown is shown for a step."""


def step_summary() -> str:
    """Return the file whose Markdown is shown for the step that runs; "" for none."""
    return os.environ.get(STEP_SUMMARY, "")


def annotates() -> bool:
    """Tell whether lines of the output are shown as annotations."""
    return os.environ.get("GITHUB_ACTIONS") == "true"
