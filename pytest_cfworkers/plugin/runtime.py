"""The hooks around each test of a run in which at least one is guarded."""

from collections.abc import Generator
from typing import Any, Final, NoReturn, final

import pytest

from pytest_cfworkers import attribution
from pytest_cfworkers.clients.watch import restore
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.keys import LimitsError
from pytest_cfworkers.plugin import marked_limits, marks
from pytest_cfworkers.plugin.causes import behind
from pytest_cfworkers.plugin.explanation import leave_ours_out
from pytest_cfworkers.plugin.guard import Guard
from pytest_cfworkers.plugin.settings import Settings
from pytest_cfworkers.plugin.stash import EMPTY_D1, GUARD
from pytest_cfworkers.report.model import TestRecord
from pytest_cfworkers.violation import CfLimitExceeded, Violation

_PROPERTY: Final = "cf."
"""How the names of our properties in JUnit XML begin."""

_NO_TABLE: Final = "D1_ERROR: no such table: "
"""What D1 says of a table that is not there."""


@final
class Runtime:
    """Guards the tests of a run.

    Args:
        settings: The effective options.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._called: Guard | None = None

    def refuse_wrong_marks(self, items: list[pytest.Item]) -> None:
        """Report each wrong mark as a collection error, and take the tests that have it out of the run."""
        wrong: dict[str, list[pytest.Item]] = {}
        right = []
        for item in items:
            try:
                if marks.is_marked(item):
                    marked_limits.limits_of(item, self._settings.limits, self._settings.mode)
                right.append(item)
            except LimitsError as error:
                wrong.setdefault(str(error), []).append(item)
        items[:] = right
        for what, (first, *others) in wrong.items():
            count = "one more test has" if len(others) == 1 else f"{len(others)} more tests have"
            text = f"{what}\n{count} this mark" if others else what
            first.ihook.pytest_collectreport(report=pytest.CollectReport(first.nodeid, "failed", text, None))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Make the guard of a test before its fixtures ask for it.

        No wrapper: what fails in one leaves pytest's own wrappers, such as that for logging, half set up.
        """
        __tracebackhide__ = True
        item.stash[GUARD] = self._make_guard(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run a test under its guard."""
        __tracebackhide__ = True
        guard = item.stash.get(GUARD, None)
        if guard is None:
            guard = item.stash[GUARD] = self._make_guard(item)
        elif guard.marks != marks.marks_of(item):
            guard.limits = self._limits(item)
        if guard is None:
            return (yield)
        self._called = guard
        with guard.around():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """After a test's own clean-up, put back what could not be put back before it."""
        try:
            return (yield)
        finally:
            if item.stash.get(GUARD, None) is not None:
                restore()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Tell the report of a test what its guard found."""
        if call.excinfo is not None:
            leave_ours_out(behind(call.excinfo.value))
        report = yield
        error = call.excinfo.value if call.excinfo is not None else None
        if isinstance(error, CfLimitExceeded):
            _begin_with_the_rule(report, error.violations[0])
        guard = item.stash.get(GUARD, None)
        if guard is None or call.when != "call":
            return report
        error = call.excinfo.value if call.excinfo is not None else None
        if guard.runs:  # it is a subtest, whose test goes on: what it breaks is known at its end
            report.cf_verdict = isinstance(error, CfLimitExceeded)  # type: ignore[attr-defined]
            return report
        record = guard.record(timelines=self._settings.timelines)
        if record is None:
            return report
        # Reports take further attributes.
        report.cf_record = record.published(str(item.config.rootpath))  # type: ignore[attr-defined]
        told = error.violations if isinstance(error, CfLimitExceeded) else ()
        known = {(found.rule, found.remedy, found.frames) for found in told}
        untold = [found for found in record.violations if (found.rule, found.remedy, found.frames) not in known]
        # Also where an invocation that the test opened itself raised: there pytest's own report shows the block.
        report.cf_verdict = len(untold) < len(record.violations)  # type: ignore[attr-defined]
        if call.excinfo is not None and guard.is_verdict(error) and report.failed:
            report.longrepr = _message(call.excinfo, told[0])
        if error is not None and untold:
            text = "\n\n".join(map(str, untold))
            report.sections.append(("limits of Cloudflare Workers that were broken, too", text))
        if error is not None and _NO_TABLE in str(error) and (why := item.stash.get(EMPTY_D1, "")):
            report.sections.append(("where the tables of cf_d1 come from", why))
        report.user_properties = item.user_properties = _properties(item, record)
        _tell(item, report, record)
        return report

    def pytest_enter_pdb(self) -> None:
        """Note that the program stands: until it goes on, time passes for nothing."""
        if self._called is not None:
            self._called.stopped_by = "a breakpoint"  # also where it comes before the function, as with --trace
        for invocation in attribution.running():
            invocation.note_breakpoint()

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(self) -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
        """Write the record as plain data where a report leaves this process, as for the controller of xdist."""
        data = yield
        if data is not None and "cf_record" in data:
            data["cf_record"] = data["cf_record"].to_dict()
        return data

    def _make_guard(self, item: pytest.Item) -> Guard | None:
        """Make the guard of a test, if it is guarded."""
        __tracebackhide__ = True
        settings = self._settings
        if not marks.is_guarded(item, settings.mode):
            return None
        # A test that is expected to fail would pass unexpectedly without its verdict, and under a baseline.
        enforce = settings.mode in {"marked", "enforce"} or (settings.mode == "report" and marks.fails_expectedly(item))
        tolerates = None
        if settings.baseline is not None and item.get_closest_marker("xfail") is None:
            tolerates = settings.baseline.tolerance(item.nodeid, str(item.config.rootpath))
        return Guard(item, self._limits(item), enforce=enforce, incoming=settings.incoming, tolerates=tolerates)

    def _limits(self, item: pytest.Item) -> Limits:
        """Work out the limits of a guarded test."""
        __tracebackhide__ = True
        try:
            limits = marked_limits.limits_of(item, self._settings.limits, self._settings.mode)
        except LimitsError as error:  # a mark that was added after collection
            _refuse(str(error))
        adjusted: object = item.ihook.pytest_cf_limits(item=item, limits=limits)
        if adjusted is None:
            return limits
        if not isinstance(adjusted, Limits):
            _refuse(
                f"pytest_cf_limits returned {adjusted!r}; valid: limits, as by limits.replace(subrequests=20), or None"
            )
        return adjusted


def _refuse(problem: str) -> NoReturn:
    """Fail a test with a message alone. Not hidden from tracebacks: pytest tells of those that show nothing."""
    raise pytest.fail.Exception(problem, pytrace=False) from None


def _properties(item: pytest.Item, record: TestRecord) -> list[tuple[str, object]]:
    """Add what a test used and may use to what JUnit XML tells of it; where it is run again, what it used last."""
    kept = [pair for pair in item.user_properties if not pair[0].startswith(_PROPERTY)]
    used = record.usage.items()
    return [*kept, *((_PROPERTY + key, f"{_figure(usage.used)}/{_figure(usage.limit)}") for key, usage in used)]


def _figure(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _begin_with_the_rule(report: pytest.TestReport, first: Violation) -> None:
    """Let the line of a test in pytest's short summary tell the rule, in the place of a class's path."""
    if (crash := getattr(report.longrepr, "reprcrash", None)) is not None:
        crash.message = f"{first.rule}: {first.headline}"


def _tell(item: pytest.Item, report: pytest.TestReport, record: TestRecord) -> None:
    """Tell whoever wants to know of what a test broke. What fails there fails the test, too.

    Raised from the hook that makes the report, it would end the session.
    """
    __tracebackhide__ = True
    try:
        for violation in record.violations:
            item.ihook.pytest_cf_violation(item=item, violation=violation)
    except (Exception, pytest.fail.Exception, pytest.skip.Exception) as failure:  # noqa: BLE001 - not ours to know
        shown = item.repr_failure(pytest.ExceptionInfo.from_exception(failure))
        if report.failed:
            report.sections.append(("pytest_cf_violation failed", str(shown)))
            return
        report.outcome, report.longrepr = "failed", shown
        report.__dict__.pop("wasxfail", None)


def _message(excinfo: pytest.ExceptionInfo[BaseException], first: Violation) -> Any:
    """Make what pytest shows of a verdict: its text alone, and as its place the user's line, not ours."""
    shown = excinfo.getrepr(style="value", chain=False)
    if shown.reprcrash is not None:
        shown.reprcrash.message = f"{first.rule}: {first.headline}"
        if first.frames:
            shown.reprcrash.path, shown.reprcrash.lineno, _ = first.frames[0]
    leave_ours_out([excinfo.value])  # unittest has told of its error only now
    if notes := getattr(excinfo.value, "__notes__", ()):  # such as the falsifying example of hypothesis
        shown.addsection("notes", "\n".join(notes))
    return shown
