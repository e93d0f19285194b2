"""The reports of a run: checked when it starts, written when it ends, however it ends."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, final

import pytest

from pytest_cfworkers.plugin import github
from pytest_cfworkers.plugin.stash import RECORDER, SETTINGS

if TYPE_CHECKING:
    from pytest_cfworkers.report.run import Run

_SUFFIXES: Final = (".html", ".json", ".sarif", ".md")


def parse(text: str) -> str:
    """Refuse a path of which it is not clear what report it asks for."""
    if Path(text).suffix.lower() not in _SUFFIXES:
        raise ValueError(f"a path that ends in {', '.join(_SUFFIXES)}")
    return text


@final
class Publisher:
    """Writes the reports of a run at its end, in the process that knows all of it.

    Args:
        config: The configuration of the run.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._told: list[str] = []
        self._failed: list[str] = []

    @classmethod
    def wanted(cls, config: pytest.Config) -> Self | None:
        """Make one if the options or GitHub Actions ask for a report, and tests are to be run."""
        asked = config.stash[SETTINGS].reports or github.step_summary() or github.annotates()
        return cls(config) if asked and not config.getoption("collectonly") else None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the reports, after whoever judges the run."""
        recorder = self._config.stash[RECORDER]
        paths = self._config.stash[SETTINGS].reports
        if not paths and not recorder.records:
            return
        if not recorder.records:
            recorder.note("no test was guarded: --cf-limits=enforce guards all, the mark cf_limits one", complete=True)
        run = recorder.run()
        for path in paths:
            self._write(run, path)
        if recorder.records:
            self._summarize(run)
        if self._failed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say where the reports are, and annotate the lines for GitHub Actions."""
        for problem in self._failed:
            terminalreporter.write_line(f"ERROR: {problem}", red=True)
        if self._told and self._config.get_verbosity() >= 0:
            terminalreporter.write_sep("-", f"generated report: {', '.join(self._told)}")
        if github.annotates() and self._config.stash[RECORDER].records:
            from pytest_cfworkers.report.annotations import annotations  # noqa: PLC0415 - only where they are read

            for line in annotations(self._config.stash[RECORDER].run(), prefix=self._prefix()):
                terminalreporter.write_line(line)

    def _write(self, run: "Run", path: Path) -> None:
        from pytest_cfworkers.report.atomic import write_text  # noqa: PLC0415 - only where a report is asked for
        from pytest_cfworkers.report.writers import render  # noqa: PLC0415

        try:
            write_text(path, render(run, path, prefix=self._prefix()))
        except OSError as error:
            self._failed.append(f"the report {path} could not be written: {error.strerror or error}")
        else:
            self._told.append(os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path))

    def _summarize(self, run: "Run") -> None:
        """Add the run to the summary of a step, which other steps and runs write to as well."""
        name = github.step_summary()
        if not name:
            return
        from pytest_cfworkers.report.markdown import render  # noqa: PLC0415 - only under GitHub Actions

        try:
            with Path(name).open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(render(run) + "\n")
        except OSError as error:
            self._failed.append(f"{github.STEP_SUMMARY}={name} could not be written: {error.strerror or error}")

    def _prefix(self) -> str:
        """Write the root of the project from that of its repository, with a slash at its end; "" if they are one."""
        root = self._config.rootpath
        given = os.environ.get("GITHUB_WORKSPACE")
        if given and root.is_relative_to(given):
            repository = Path(given)
        else:
            repository = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
        inside = root.relative_to(repository).as_posix()
        return "" if inside == "." else f"{inside}/"
