"""The pytest plugin. Only this folder imports pytest.

What every run pays for is in this file: options, and a look at the marks of each test. Everything else is imported
when it is known that a test is guarded, or that somebody wants to be told of the run.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

import pytest_cfworkers.clock  # noqa: F401 - now, before a test freezes clocks
from pytest_cfworkers.plugin.d1_fixtures import _cf_d1_lane, cf_d1, cf_d1_databases, cf_d1_schema
from pytest_cfworkers.plugin.fixtures import (
    cf_client,
    cf_invocation,
    cf_ledger,
    cf_memory,
    cf_sync_client,
    cf_timer,
    cf_transport,
)
from pytest_cfworkers.plugin.late_marks import LateMarks
from pytest_cfworkers.plugin.marks import HELP, any_guarded
from pytest_cfworkers.plugin.options import add_options
from pytest_cfworkers.plugin.settings import Settings
from pytest_cfworkers.plugin.stash import SETTINGS

if TYPE_CHECKING:
    from pytest_cfworkers.plugin.runtime import Runtime

__all__ = [
    "_cf_d1_lane",
    "cf_client",
    "cf_d1",
    "cf_d1_databases",
    "cf_d1_schema",
    "cf_invocation",
    "cf_ledger",
    "cf_memory",
    "cf_sync_client",
    "cf_timer",
    "cf_transport",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that this plugin offers."""
    from pytest_cfworkers.plugin import hookspecs  # noqa: PLC0415 - a module of hooks is handed over whole

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Work out the effective options and declare the marks."""
    config.stash[SETTINGS] = Settings(config)
    for line in _help_lines(config):
        config.addinivalue_line("markers", line)
    if config.stash[SETTINGS].asks:
        _bring_in_recording(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Listen to a worker of xdist, which alone knows whether it guards a test."""
    _bring_in_recording(node.config)


def _help_lines(config: pytest.Config) -> Iterable[str]:
    if not config.getoption("markers"):
        return HELP
    from pytest_cfworkers.plugin.marked_limits import help_lines  # noqa: PLC0415 - only for `pytest --markers`

    return help_lines()


def pytest_report_header(config: pytest.Config) -> str:
    """Say what is in force."""
    return f"cfworkers: {config.stash[SETTINGS]}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Read the marks of the tests; bring in what guards them if there is any to guard."""
    mode = config.stash[SETTINGS].mode
    if any_guarded(items, mode):
        _bring_in_runtime(config).refuse_wrong_marks(items)
    elif mode != "off":
        config.pluginmanager.register(LateMarks(config, _bring_in_runtime), "cfworkers-late-marks")


def _bring_in_recording(config: pytest.Config) -> None:
    from pytest_cfworkers.plugin import recording  # noqa: PLC0415 - only where there is something to tell

    recording.bring_in(config)


def _bring_in_runtime(config: pytest.Config) -> "Runtime":
    from pytest_cfworkers.callsite import shorten_from  # noqa: PLC0415 - only with guarded tests
    from pytest_cfworkers.plugin.runtime import Runtime  # noqa: PLC0415 - only with guarded tests

    config.add_cleanup(shorten_from(config.invocation_params.dir))
    _bring_in_recording(config)
    runtime = Runtime(config.stash[SETTINGS])
    config.pluginmanager.register(runtime, "cfworkers-runtime")
    return runtime
