"""The hooks around each test of a run in which at least one is guarded."""

from collections.abc import Generator
from typing import Any, final

import pytest

from pytest_cfworkers.clients.watch import restore
from pytest_cfworkers.limits import LimitsError
from pytest_cfworkers.plugin import marks
from pytest_cfworkers.plugin.guard import Guard
from pytest_cfworkers.plugin.options import Settings
from pytest_cfworkers.plugin.stash import GUARD
from pytest_cfworkers.report.model import TestRecord


@final
class CfLimitsWarning(pytest.PytestWarning):
    """Something that was asked for is not measured."""


@final
class Runtime:
    """Guards the tests of a run.

    Args:
        settings: The effective options.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def refuse_wrong_marks(self, items: list[pytest.Item]) -> None:
        """Report each test whose mark is wrong as a collection error, and take it out of the run."""
        for item in list(items):
            if item.get_closest_marker(marks.NAME) is None:
                continue
            try:
                marks.limits_of(item, self._settings.limits, self._settings.mode)
            except LimitsError as error:
                items.remove(item)
                report = pytest.CollectReport(item.nodeid, "failed", str(error), None)
                item.ihook.pytest_collectreport(report=report)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Make the guard of a test before its fixtures ask for it."""
        self._renew_guard(item)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run a test under its guard."""
        __tracebackhide__ = True
        guard = item.stash.get(GUARD, None) or self._renew_guard(item)  # marked by a fixture meanwhile
        if guard is None:
            return (yield)
        with guard.around():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """After a test's own clean-up, put back what could not be put back before it."""
        try:
            return (yield)
        finally:
            if GUARD in item.stash:
                restore()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Tell the report of a test what its guard found."""
        report = yield
        guard = item.stash.get(GUARD, None)
        if guard is None or call.when != "call" or (record := guard.record()) is None:
            return report
        # Reports take further attributes, and carry plain ones to the controller of xdist.
        report.cf_record = record.to_dict()  # type: ignore[attr-defined]
        if call.excinfo is not None and guard.is_verdict(call.excinfo.value):
            report.cf_verdict = True  # type: ignore[attr-defined]
            if report.failed:
                report.longrepr = _only_the_message(call.excinfo, record)
        elif record.violations and call.excinfo is not None:
            text = "\n\n".join(map(str, record.violations))
            report.sections.append(("limits of Cloudflare Workers that were broken, too", text))
        for violation in record.violations:
            item.ihook.pytest_cf_violation(item=item, violation=violation)
        return report

    def _renew_guard(self, item: pytest.Item) -> Guard | None:
        """Make the guard of a test, if it is guarded."""
        settings = self._settings
        if not marks.is_guarded(item, settings.mode):
            return None
        try:
            limits = marks.limits_of(item, settings.limits, settings.mode)
        except LimitsError as error:  # a mark that was added after collection
            pytest.fail(str(error), pytrace=False)
        if "memory" in limits.given and limits.memory is not None:
            item.warn(CfLimitsWarning("cf_limits(memory=...): this version does not measure memory"))
        adjusted = item.ihook.pytest_cf_limits(item=item, limits=limits)
        guard = item.stash[GUARD] = Guard(
            item,
            limits if adjusted is None else adjusted,
            enforce=settings.mode in {"marked", "enforce"},
            incoming=settings.incoming,
        )
        return guard


def _only_the_message(raised: pytest.ExceptionInfo[BaseException], record: TestRecord) -> Any:
    """Represent a verdict: no traceback, which would lead into the plugin; the place is where the rule was broken."""
    shown: Any = raised.getrepr(style="value")
    crash = shown.reprcrash
    if crash is not None:
        crash.message = "; ".join(f"{found.rule}: {found.headline}" for found in record.violations)
        frame = next((found.frames[0] for found in record.violations if found.frames), None)
        if frame is not None:
            crash.path, crash.lineno = frame.path, frame.line
    return shown
