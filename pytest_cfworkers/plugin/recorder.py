"""`Recorder`: gathers what is known of the run, in the process that shows it: of pytest, or the controller of xdist.

The order at the end of a run: gates are judged in `pytest_sessionfinish` and set `gates` and `bundle`; reports are
written after, in the same hook with `trylast`; the summary is shown in `pytest_terminal_summary`.
"""

import datetime as dt
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

import pytest

from pytest_cfworkers.clock import SystemClock
from pytest_cfworkers.plugin.settings import Settings

if TYPE_CHECKING:
    from pytest_cfworkers.report.model import TestRecord
    from pytest_cfworkers.report.run import Bundle, GateResult, Run


@final
class Recorder:
    """What is known of a run.

    Args:
        settings: The effective options.

    Attributes:
        records: What is known of each guarded test, by its id.
        gates: What the gates of the run came to; whoever judges them sets it.
        bundle: What the Worker's bundle was measured to be; whoever measures it sets it.
        complete: Whether the run did all that it was asked to, as far as is known.
    """

    def __init__(self, settings: Settings) -> None:
        self.records: dict[str, TestRecord] = {}
        self.gates: tuple[GateResult, ...] = ()
        self.bundle: Bundle | None = None
        self.complete: bool = True
        self._failed_in_part: set[str] = set()
        self._settings = settings
        self._problems: dict[str, None] = {}
        self._started = dt.datetime.now(dt.UTC)
        self._clock_start = SystemClock.monotonic()

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the run is not complete, or what else a reader must know."""
        return tuple(self._problems)

    def note(self, problem: str, *, complete: bool = False) -> None:
        """Note what a reader must know.

        Args:
            problem: What happened, in a line.
            complete: Whether the run did all that it was asked to nevertheless.
        """
        self._problems[problem] = None
        if not complete:
            self.complete = False

    def run(self) -> "Run":
        """Derive what reports tell, as far as the run has come."""
        from importlib.metadata import version  # noqa: PLC0415 - only at the end, and only if there is a report

        from pytest_cfworkers.report.run import Run  # noqa: PLC0415

        return Run(
            version=version("pytest-cfworkers"),
            started=self._started.isoformat(timespec="milliseconds"),
            duration_s=round(SystemClock.monotonic() - self._clock_start, 3),
            settings=self._settings.words,
            tests=tuple(self.records[nodeid] for nodeid in sorted(self.records)),
            complete=self.complete,
            problems=self.problems,
            gates=self.gates,
            bundle=self.bundle,
        )

    def pytest_sessionstart(self) -> None:
        """Note when the run began."""
        self._started = dt.datetime.now(dt.UTC)
        self._clock_start = SystemClock.monotonic()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note that the tests of a file are not known."""
        if report.failed:
            self.note(f"{report.nodeid} could not be collected")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what is known of a test, before anybody shows its report."""
        if hasattr(report, "cf_record"):
            self._take(report)
        elif report.failed and report.when == "teardown" and report.nodeid in self.records:
            self.records[report.nodeid] = replace(self.records[report.nodeid], outcome="failed")
        elif report.failed and report.when == "call":
            self._failed_in_part.add(report.nodeid)  # a subtest, for which pytest lets its test fail later

    def _take(self, report: Any) -> None:
        """Keep the record that the report of a test carries; a test that is run again replaces it."""
        from pytest_cfworkers.report.model import TestRecord  # noqa: PLC0415 - only with guarded tests

        found, (path, line, _) = report.cf_record, report.location
        record = self.records[report.nodeid] = replace(
            found if isinstance(found, TestRecord) else TestRecord.from_dict(found),  # which xdist brought
            path=path.replace("\\", "/"),
            line=0 if line is None else line + 1,
        ).ended(
            "failed" if report.nodeid in self._failed_in_part else report.outcome,
            round(report.duration * 1_000, 3),
            excused=report.skipped or hasattr(report, "wasxfail"),  # pytest's word on a test that is expected to fail
        )
        self._failed_in_part.discard(report.nodeid)  # it may be run again
        if report.failed and record.timelines:
            self._draw(report, record)

    def _draw(self, report: pytest.TestReport, record: "TestRecord") -> None:
        """Show under the message of a failed test what was open when, where that is what it broke."""
        from pytest_cfworkers.report.model import SHOWN  # noqa: PLC0415
        from pytest_cfworkers.report.waterfall import drawn, waterfall  # noqa: PLC0415

        timeline = drawn(record.timelines)
        if timeline is not None and any(found.rule in SHOWN for found in record.violations):
            width = shutil.get_terminal_size().columns
            encoding = getattr(sys.__stdout__, "encoding", None)  # while a test is captured, sys.stdout is another
            lines = waterfall(timeline, width=width, encoding=encoding)
            report.sections.append(("connections over time", "\n".join(lines)))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note that the run was ended from outside, or ended itself early."""
        self.note(f"ended early: {str(excinfo.value) or 'interrupted by the keyboard'}")

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note that pytest itself failed."""
        self.note(f"ended early: pytest failed with {type(excinfo.value).__name__}")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Note that a worker of xdist crashed: what it ran then is not known."""
        if error:
            self.note(f"worker {node.gateway.id} crashed")

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str) -> None:
        """Note which test a worker of xdist ran when it crashed."""
        self.note(f"{crashitem} was running when its worker crashed: what it used is not known")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Note that the run stopped before its last test, before anybody judges it."""
        if why := session.shouldfail or session.shouldstop:
            self.note(f"ended early: {why}")
