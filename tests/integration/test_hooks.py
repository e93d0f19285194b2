"""The hooks `pytest_cf_limits` and `pytest_cf_violation`, from a conftest."""

import pytest

from tests.integration.user_project import Project

TESTS = """
    import pytest
    from sending import leave_unread, send

    def test_plain():
        send(99)

    @pytest.mark.cf_limits(subrequests=5)
    def test_marked():
        send(3)
        leave_unread()

    def test_fixture(cf_ledger):
        send(3)
"""


def test_limits_can_be_adjusted_per_test(project: Project) -> None:
    """It is asked for guarded tests only, with what their marks ask for; None leaves them as they are."""
    project.write(
        test_it=TESTS,
        conftest="""
        def pytest_cf_limits(item, limits):
            print("asked", item.name, limits.subrequests)
            if item.name == "test_marked":
                return limits.replace(subrequests=2)
        """,
    )
    result = project.run("-s")
    result.assert_outcomes(passed=2, failed=1)
    text = result.stdout.str()
    assert "asked test_marked 5" in text
    assert "asked test_fixture 10000" in text
    assert "asked test_plain" not in text
    result.stdout.fnmatch_lines(["subrequests: 4 subrequests, the limit is 2"])


def test_a_mistake_in_the_hook_is_an_error_of_the_test(project: Project) -> None:
    project.write(
        test_it=TESTS,
        conftest="def pytest_cf_limits(item, limits):\n    return limits.replace(subrequest=2)\n",
    )
    result = project.run()
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*conftest.py:2: *", "E *LimitsError: cf_limits has no key 'subrequest'; *"])


def test_something_else_than_limits_is_refused(project: Project) -> None:
    project.write(test_it=TESTS, conftest="def pytest_cf_limits(item, limits):\n    return {'subrequests': 2}\n")
    result = project.run()
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*pytest_cf_limits returned {'subrequests': 2}*limits.replace(*"])


def test_each_violation_is_told(project: Project) -> None:
    """Whether it fails the test or is only reported."""
    project.write(
        test_it=TESTS,
        conftest="""
        def pytest_cf_violation(item, violation):
            print("told", item.name, violation.rule, violation.observed, violation.limit, violation.frames[0].function)
        """,
    )
    for mode in ("marked", "report"):
        result = project.run("-s", f"--cf-limits={mode}")
        told = [line for line in result.outlines if "told test_" in line]
        assert len(told) == 1
        assert told[0].endswith("told test_marked unread-body 1 0 leave_unread")


FAILURES = {
    "raise KeyError('mine')": "E *KeyError: 'mine'",
    "import pytest; pytest.fail('mine')": "E *Failed: mine",
    "import pytest; pytest.skip('mine')": "E *Skipped: mine",
}


@pytest.mark.parametrize("failure", FAILURES)
def test_what_fails_in_the_hook_that_is_told_fails_the_test(project: Project, failure: str) -> None:
    """The session goes on, whatever the test itself came to."""
    project.write(
        test_it="""
        import pytest
        from sending import send

        pytestmark = pytest.mark.cf_limits(subrequests=1)

        def test_broken():
            send(2)

        @pytest.mark.xfail
        def test_xfail():
            send(2)

        def test_fits():
            send(1)
        """,
        conftest=f"def pytest_cf_violation(item, violation):\n    {failure}\n",
    )
    result = project.run()
    result.assert_outcomes(failed=2, passed=1)
    result.stdout.fnmatch_lines(
        [
            "test_it.py L*",
            "subrequests: 2 subrequests, the limit is 1",
            "*- pytest_cf_violation failed -*",
            FAILURES[failure],
            "*conftest.py:2: *",
            "*_ test_xfail _*",
            FAILURES[failure],
            "*conftest.py:2: *",
        ]
    )
    result = project.run("--cf-limits=report")
    result.assert_outcomes(failed=2, passed=1)


def test_other_plugins_need_not_know_whether_this_one_is_there(project: Project) -> None:
    project.write(
        test_it="def test_it():\n    pass\n",
        conftest="""
        import pytest

        @pytest.hookimpl(optionalhook=True)
        def pytest_cf_violation(item, violation):
            pass
        """,
    )
    project.run("-p", "no:cfworkers").assert_outcomes(passed=1)
