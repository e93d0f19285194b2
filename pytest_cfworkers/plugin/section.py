"""A section of the summary, in the width of the terminal."""

import shutil
import sys
from collections.abc import Iterable
from typing import Any, Final

import pytest

from pytest_cfworkers.plugin.stash import SETTINGS
from pytest_cfworkers.report.terminal import Line, wrapped

_EVERYTHING: Final = 2
"""The verbosity at which nothing is left out."""


def show(terminalreporter: Any, title: str, lines: Iterable[Line]) -> None:
    """Write a section; nothing where it has no lines."""
    width = shutil.get_terminal_size().columns
    parts = [part for line in lines for part in wrapped(line, width)]
    if parts:
        terminalreporter.write_sep("=", title)
    for part in parts:
        terminalreporter.write_line(part.text, **({part.style: True} if part.style else {}))


def most(config: pytest.Config) -> int:
    """Return how many of a kind to name."""
    return config.stash[SETTINGS].top if config.get_verbosity() < _EVERYTHING else sys.maxsize
