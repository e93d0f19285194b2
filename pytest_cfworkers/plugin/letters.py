"""The letter of tests that failed by a limit."""

from typing import Any, final

import pytest


@final
class Letters:
    """Gives them one of their own. Brought in with the first guarded test."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Any] | None:
        """Tell pytest the outcome, the letter and the word of such a test."""
        if report.failed and getattr(report, "cf_verdict", False):
            _, _, name = report.location
            subtest = (report.head_line or "").removeprefix(name)  # what pytest calls it beside its test
            return "failed", "L", (f"LIMITS{subtest}", {"red": True})
        return None
