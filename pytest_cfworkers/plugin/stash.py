"""Where the plugin keeps its objects: on the stashes of pytest's config and items."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_cfworkers.plugin.guard import Guard
    from pytest_cfworkers.plugin.recorder import Recorder
    from pytest_cfworkers.plugin.settings import Settings

SETTINGS: "pytest.StashKey[Settings]" = pytest.StashKey()
"""On the config: the effective options."""

RECORDER: "pytest.StashKey[Recorder]" = pytest.StashKey()
"""On the config: what gathers what is known of the run."""

GUARD: "pytest.StashKey[Guard | None]" = pytest.StashKey()
"""On an item: its guard; None where it has none."""

EMPTY_D1: "pytest.StashKey[str]" = pytest.StashKey()
"""On an item: why a database of its D1 fixtures starts with nothing, and how to give it tables."""
