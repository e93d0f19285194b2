"""The hooks that this plugin offers to other plugins and to `conftest.py` files."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_cfworkers.in_force import Limits
    from pytest_cfworkers.violation import Violation


@pytest.hookspec(firstresult=True)
def pytest_cf_limits(item: pytest.Item, limits: "Limits") -> "Limits | None":
    """Adjust the limits of a test before it runs.

    Args:
        item: The guarded test.
        limits: What the options and its marks ask for.

    Returns:
        The limits to use, such as `limits.replace(subrequests=20)`; None to leave them to others.
    """


@pytest.hookspec
def pytest_cf_violation(item: pytest.Item, violation: "Violation") -> None:
    """Be told of a broken rule, whether it fails the test or is only reported.

    Called after the test ran, in the process that ran it.

    Args:
        item: The guarded test.
        violation: What it broke.
    """
