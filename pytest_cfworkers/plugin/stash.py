"""Where the plugin keeps its objects: on the stashes of pytest's config and items."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_cfworkers.plugin.guard import Guard
    from pytest_cfworkers.plugin.options import Settings
    from pytest_cfworkers.report.model import TestRecord

SETTINGS: "pytest.StashKey[Settings]" = pytest.StashKey()
"""On the config: the effective options."""

RECORDS: "pytest.StashKey[dict[str, TestRecord]]" = pytest.StashKey()
"""On the config: what is known of each guarded test, by its id."""

GUARD: "pytest.StashKey[Guard | None]" = pytest.StashKey()
"""On an item: its guard; None where it has none."""
