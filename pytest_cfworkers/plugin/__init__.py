"""The pytest plugin. Only this folder imports pytest.

What every run pays for is in this file: options, a look at the marks of each test, and a summary if a test was
guarded. Everything else is imported when the first guarded test is collected.
"""

import shutil
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, final

import pytest

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
from pytest_cfworkers.plugin.letters import Letters
from pytest_cfworkers.plugin.marks import HELP, NAMES, any_guarded
from pytest_cfworkers.plugin.options import add_options
from pytest_cfworkers.plugin.recorder import Recorder
from pytest_cfworkers.plugin.reports import Publisher
from pytest_cfworkers.plugin.settings import read_settings
from pytest_cfworkers.plugin.stash import RECORDER, SETTINGS

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

_RUNTIME: Final = "cfworkers-runtime"
_LETTERS: Final = "cfworkers-letters"


@final
class _Reports:
    """What every report passes. Each test makes three, so this is no more than a look.

    Args:
        config: pytest's configuration.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._recorder = config.stash[RECORDER]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what is known of a test; bring in what guards one that a fixture marked, if none was guarded before."""
        manager = self._config.pluginmanager
        if report.when == "setup":
            marked = any(name in report.keywords for name in NAMES)
            if marked and not manager.has_plugin(_RUNTIME) and self._config.stash[SETTINGS].mode != "off":
                _bring_in_runtime(self._config)
        elif hasattr(report, "cf_record") and not hasattr(self._config, "workerinput"):
            if not manager.has_plugin(_LETTERS):
                manager.register(Letters(), _LETTERS)
            self._recorder.take(report)
        elif report.failed and report.when == "teardown":
            self._recorder.fail(report)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that this plugin offers."""
    from pytest_cfworkers.plugin import hookspecs  # noqa: PLC0415 - a module of hooks is handed over whole

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Work out the effective options and declare the marks."""
    config.stash[SETTINGS] = read_settings(config)
    for line in _help_lines(config):
        config.addinivalue_line("markers", line)
    config.stash[RECORDER] = Recorder(config.stash[SETTINGS])
    config.pluginmanager.register(_Reports(config), "cfworkers-reports")
    if not hasattr(config, "workerinput"):  # a worker of xdist tells nobody but its controller
        config.pluginmanager.register(config.stash[RECORDER], "cfworkers-recorder")
        _bring_in_judges(config)
        if publisher := Publisher.wanted(config):
            config.pluginmanager.register(publisher, "cfworkers-publisher")


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
    settings = config.stash[SETTINGS]
    if any_guarded(items, settings.mode):
        _bring_in_runtime(config).refuse_wrong_marks(items)


def _bring_in_judges(config: pytest.Config) -> None:
    """Bring in what judges the run as a whole, where that is asked for."""
    settings = config.stash[SETTINGS]
    if settings.baseline is not None:
        from pytest_cfworkers.plugin.baseline_keeper import BaselineKeeper  # noqa: PLC0415 - only where it is asked for

        config.pluginmanager.register(BaselineKeeper(config, settings.baseline), "cfworkers-baseline")
    if settings.gates or settings.bundle is not None:
        from pytest_cfworkers.plugin.gatekeeper import Gatekeeper  # noqa: PLC0415 - only where it is asked for

        # After the baseline, which writes down what this one measures: pytest asks the last one first.
        config.pluginmanager.register(Gatekeeper(config), "cfworkers-gatekeeper")


def _bring_in_runtime(config: pytest.Config) -> "Runtime":
    from pytest_cfworkers.plugin.runtime import Runtime  # noqa: PLC0415 - only with guarded tests

    runtime = Runtime(config.stash[SETTINGS])
    config.pluginmanager.register(runtime, _RUNTIME)
    return runtime


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Show what the guarded tests used."""
    records = config.stash[RECORDER].records
    settings = config.stash[SETTINGS]
    if not records or settings.mode == "off":
        return
    from pytest_cfworkers.report import terminal  # noqa: PLC0415 - only with guarded tests

    lines = list(
        terminal.summary(
            list(records.values()),
            top=settings.top if config.get_verbosity() < 2 else None,  # noqa: PLR2004 - at -vv everything is shown
            width=shutil.get_terminal_size().columns,
            failing=settings.mode != "report",
            quiet=config.get_verbosity() < 0,
        )
    )
    if lines:
        terminalreporter.write_sep("=", "limits of Cloudflare Workers")
        for line in lines:
            terminalreporter.write_line(line.text, **({line.style: True} if line.style else {}))
