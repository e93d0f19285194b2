"""`BaselineKeeper`: tells what changed since the baseline, and writes it where that is asked for."""

from pathlib import Path
from typing import Any, final

import pytest

from pytest_cfworkers.plugin import section
from pytest_cfworkers.plugin.stash import RECORDER
from pytest_cfworkers.report.baseline import Baseline
from pytest_cfworkers.report.terminal import Line
from pytest_cfworkers.report.verdict import baseline_lines, update_lines


@final
class BaselineKeeper:
    """Keeps the baseline of a run, in the process that shows its summary.

    Args:
        config: The configuration of the run.
        baseline: The baseline as it was read.
    """

    def __init__(self, config: pytest.Config, baseline: Baseline) -> None:
        self._config = config
        self._recorder = config.stash[RECORDER]
        self._baseline = baseline
        self._written: Baseline | None = None
        self._problem = ""
        self._files: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note which files were run."""
        self._files.add(_file(report.nodeid))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the baseline where that is asked for."""
        if not self._baseline.update or self._config.getoption("collectonly"):
            return
        run = self._recorder.run()
        whole = run.complete and self._is_whole()
        new = self._baseline.updated(run.tests, drop=lambda test: self._is_no_more(test, whole), bundle=run.bundle)
        try:
            new.write()
        except OSError as error:
            self._problem = f"{new.path} cannot be written: {error.strerror}"
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        else:
            self._written = new

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        """Show what is known, what got better, or what was written."""
        quiet = config.get_verbosity() < 0
        if self._problem:
            section.show(terminalreporter, "baseline", [Line(self._problem, "red")])
        elif self._written is not None and not quiet:
            section.show(terminalreporter, "baseline", update_lines(self._baseline, self._written))
        elif not quiet and not config.getoption("collectonly"):
            lines = baseline_lines(self._baseline, self._recorder.run().tests, top=section.most(config))
            section.show(terminalreporter, "baseline", lines)

    def _is_whole(self) -> bool:
        """Tell whether each file that was run was run with all of its tests."""
        chosen = ("keyword", "markexpr", "deselect", "lf", "failedfirst", "stepwise")
        return not any(self._config.getoption(name, None) for name in chosen) and not any(
            "::" in argument for argument in self._config.args
        )

    def _is_no_more(self, test: str, whole: bool) -> bool:
        """Tell whether a test of the baseline that did not run was removed, or only left out this time."""
        file = _file(test)
        return (whole and file in self._files) or not Path(self._config.rootpath, file).exists()


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
