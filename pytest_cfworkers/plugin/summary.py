"""`Summary`: what the guarded tests used, at the end of a run."""

import shutil
from typing import Any, final

import pytest

from pytest_cfworkers.plugin.stash import RECORDER, SETTINGS


@final
class Summary:
    """Shows what the guarded tests used."""

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        """Show what the guarded tests used."""
        records = config.stash[RECORDER].records
        settings = config.stash[SETTINGS]
        if not records or settings.mode == "off":
            return
        from pytest_cfworkers.report import terminal  # noqa: PLC0415 - a controller of xdist may have heard of none

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
