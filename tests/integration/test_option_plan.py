"""`--cf-plan`: whose numbers hold, and what would fail with the other ones."""

import pytest

from tests.integration.user_project import Project

TESTS = "from sending import send\n\ndef test_51():\n    send(51)\n\ndef test_50():\n    send(50)\n"


def test_a_test_that_would_fail_on_the_other_plan_is_listed(project: Project) -> None:
    project.write(test_it=TESTS)
    result = project.run("--cf-limits=enforce")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["1 test would fail on the free plan", "  51 of 50 subrequests  test_it.py::test_51"], consecutive=True
    )


def test_free_fails_it(project: Project) -> None:
    project.write(test_it=TESTS)
    result = project.run("--cf-limits=enforce", "--cf-plan=free")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*would fail on*")


@pytest.mark.parametrize("plan", ["free", "paid"])
def test_a_number_that_a_mark_gives_holds_on_both(project: Project, plan: str) -> None:
    project.write(
        test_it="""
        import pytest
        from sending import send

        @pytest.mark.cf_limits(subrequests=60)
        def test_it():
            send(60)
        """
    )
    result = project.run(f"--cf-plan={plan}")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*would fail on*")
