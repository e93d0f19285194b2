"""`Gatekeeper`: measures the bundle and judges the gates at the end of a run, in the process that shows its summary."""

from dataclasses import replace
from typing import Any, final

import pytest

from pytest_cfworkers.bundle import measure, startup
from pytest_cfworkers.bundle.upload import BundleError, Upload, of_folder, of_wrangler
from pytest_cfworkers.gates import presets
from pytest_cfworkers.plugin import section
from pytest_cfworkers.plugin.settings import Settings
from pytest_cfworkers.plugin.stash import RECORDER, SETTINGS
from pytest_cfworkers.report.run import Bundle
from pytest_cfworkers.report.terminal import Line
from pytest_cfworkers.report.verdict import bundle_lines, gate_lines
from pytest_cfworkers.wrangler import Wrangler, WranglerError


@final
class Gatekeeper:
    """Judges a run.

    Args:
        config: The configuration of the run.

    Raises:
        pytest.UsageError: The bundle that is to be measured is not there.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._settings = config.stash[SETTINGS]
        self._recorder = config.stash[RECORDER]
        self._root = config.rootpath
        self._unmeasured = ""
        self._no_start = ""
        self._idle = bool(config.getoption("collectonly"))
        try:
            self._upload = _upload(self._settings)
        except (BundleError, WranglerError) as error:
            asks = "cf_bundle" if self._settings.bundle is not None else f"cf_gate: {_asking(self._settings)[0]}"
            raise pytest.UsageError(f"{asks}: {error}") from None

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Judge the run; a critical gate that does not hold fails it, unless its tests did already."""
        if self._idle:
            return
        if self._upload is not None and session.exitstatus != pytest.ExitCode.INTERRUPTED:
            self._recorder.bundle = self._measure(self._upload)
        self._recorder.gates = presets.judge(self._settings.gates, self._recorder.run())
        broken = bool(self._unmeasured) or any(
            gate.level == "critical" and not gate.passed for gate in self._recorder.gates
        )
        if broken and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        """Show the bundle, and each gate with what was observed and its bound."""
        quiet = config.get_verbosity() < 0
        lines = [Line(self._unmeasured, "red")] if self._unmeasured else []
        if self._no_start and not quiet:
            lines.append(Line(self._no_start, "yellow"))
        if (bundle := self._recorder.bundle) is not None and not quiet:
            before = self._settings.baseline.bundle if self._settings.baseline is not None else None
            lines += bundle_lines(bundle, before, top=section.most(config))
        lines += gate_lines(self._recorder.gates, quiet=quiet)
        section.show(terminalreporter, "gates" if self._recorder.complete else "gates of an incomplete run", lines)

    def _measure(self, upload: Upload) -> Bundle | None:
        """Measure the bundle; note what could not be."""
        try:
            bundle = measure.measure(upload, self._root)
        except BundleError as error:
            self._unmeasured = f"the bundle is not measured: {error}"
            self._recorder.note(self._unmeasured)
            return None
        try:
            start = startup.measure(upload)
        except BundleError as error:
            self._no_start = str(error)
            self._recorder.note(self._no_start, complete=True)
            return bundle
        return replace(bundle, startup_ms=start.cpu_ms, imports=start.imports)


def _upload(settings: Settings) -> Upload | None:
    """Find what to measure: the folder that was named, or what a gate asks for and the wrangler file names."""
    wrangler, folder = settings.wrangler, settings.bundle
    if folder is not None:
        own = Wrangler.find(folder)
        if own is not None:
            return of_wrangler(own)
        return of_folder(folder, wrangler.main.name if wrangler is not None and wrangler.main is not None else None)
    if wrangler is None or wrangler.main is None or not _asking(settings):
        return None
    return of_wrangler(wrangler)


def _asking(settings: Settings) -> list[str]:
    """Return the gates that ask for the bundle."""
    named = (gate for gate in settings.gates if gate.metric.name.startswith(("bundle_", "startup_")))
    return [gate.expression for gate in named]
