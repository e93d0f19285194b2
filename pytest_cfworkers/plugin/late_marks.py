"""`LateMarks`: finds the marks that a test gets while it is set up, in a run in which nothing is guarded so far."""

from collections.abc import Callable
from typing import final

import pytest

from pytest_cfworkers.plugin.marks import is_marked


@final
class LateMarks:
    """The only hook that a run which asks for nothing has for each of its tests.

    Args:
        config: The configuration of the run.
        found: What is called for the first one; then this has gone.
    """

    def __init__(self, config: pytest.Config, found: Callable[[pytest.Config], object]) -> None:
        self._config = config
        self._found = found

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Look at the marks of a test after everybody has set it up."""
        __tracebackhide__ = True
        if is_marked(item):
            self._config.pluginmanager.unregister(self)
            self._found(self._config)
