"""Brings in what records, judges and tells of a run, in the process that shows it."""

import pytest

from pytest_cfworkers.plugin.letters import Letters
from pytest_cfworkers.plugin.recorder import Recorder
from pytest_cfworkers.plugin.reports import Publisher
from pytest_cfworkers.plugin.stash import RECORDER, SETTINGS
from pytest_cfworkers.plugin.summary import Summary


def bring_in(config: pytest.Config) -> None:
    """Bring it in, unless it is there already; a worker of xdist tells nobody but its controller."""
    if RECORDER in config.stash or hasattr(config, "workerinput"):
        return
    manager = config.pluginmanager
    config.stash[RECORDER] = Recorder(config.stash[SETTINGS])
    manager.register(Summary(), "cfworkers-summary")
    manager.register(Letters(), "cfworkers-letters")
    manager.register(config.stash[RECORDER], "cfworkers-recorder")
    _bring_in_judges(config)
    if publisher := Publisher.wanted(config):
        manager.register(publisher, "cfworkers-publisher")


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
