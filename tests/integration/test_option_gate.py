"""`--cf-gate`: what a whole run is held to."""

import pytest

from tests.integration.user_project import Project

TESTS = """
    import pytest
    from sending import send

    @pytest.mark.cf_limits
    @pytest.mark.parametrize("number", [1, 7])
    def test_it(number):
        send(number)
"""


@pytest.fixture
def tests(project: Project) -> Project:
    project.write(test_it=TESTS)
    return project


@pytest.mark.parametrize("xdist", [False, True], ids=["alone", "xdist"])
def test_a_gate_that_does_not_hold_fails_the_run_with_observed_and_bound(tests: Project, *, xdist: bool) -> None:
    args, plugins = (["-n2"], ("xdist",)) if xdist else ([], ())
    result = tests.run("--cf-gate=subrequests<=6", "--cf-gate=violations==0", *args, plugins=plugins)
    result.assert_outcomes(passed=2)
    assert result.ret is pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "=* gates =*",
            "  failed   subrequests<=6  7 (test_it.py::test_it[[]7]); at most 6",
            "  passed   violations==0   0 (0 of 2 tests); exactly 0",
        ]
    )


def test_gates_that_hold_change_nothing(tests: Project) -> None:
    result = tests.run("--cf-gate=subrequests<=7", "--cf-gate=p95_ms<=10min", "--cf-gate=error_rate<=1%")
    assert result.ret is pytest.ExitCode.OK


def test_a_warning_is_shown_and_fails_nothing(project: Project) -> None:
    project.write(
        test_it="""
        import asyncio
        import pytest
        from sending import send_at_once

        @pytest.mark.cf_limits
        def test_it():
            asyncio.run(send_at_once(6))
        """
    )
    result = project.run("--cf-gate=preset")
    assert result.ret is pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["  warning  connections<=5 * 6 (test_it.py::test_it); at most 5"])
    result.stdout.no_fnmatch_line("*cron_ms*")


def test_the_tests_own_failure_wins(tests: Project) -> None:
    tests.write(test_more="def test_more():\n    assert 0\n")
    assert tests.run("--cf-gate=subrequests<=6").ret is pytest.ExitCode.TESTS_FAILED
    assert tests.run("--cf-gate=subrequests<=6", "-k", "nothing").ret is pytest.ExitCode.NO_TESTS_COLLECTED


def test_what_nothing_measured_is_not_passed(project: Project) -> None:
    project.write(test_it="def test_it():\n    pass\n")
    result = project.run("--cf-gate=connections<=6", "--cf-gate=bundle_size<=1MB")
    assert result.ret is pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "  failed   connections<=6    nothing measured: no guarded test measures it; at most 6",
            "  failed   bundle_size<=1MB  nothing measured: it needs --cf-bundle=DIR, or a wrangler file that *",
        ]
    )


def test_a_quiet_run_shows_only_what_does_not_hold(tests: Project) -> None:
    result = tests.run("-q", "--cf-gate=subrequests<=6", "--cf-gate=violations==0")
    result.stdout.fnmatch_lines(["  failed   subrequests<=6 *"])
    result.stdout.no_fnmatch_line("*violations==0*")
    tests.run("-q", "--cf-gate=violations==0").stdout.no_fnmatch_line("*gates*")


def test_listing_tests_judges_nothing(tests: Project) -> None:
    result = tests.run("--collect-only", "--cf-gate=subrequests<=6")
    assert result.ret is pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*gates*")


def test_gates_of_a_run_that_stopped_early_say_so(tests: Project) -> None:
    tests.write(test_a="def test_a():\n    assert 0\n")
    result = tests.run("-x", "--cf-gate=violations==0")
    result.stdout.fnmatch_lines(["=* gates of an incomplete run =*"])


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("p95<=5000", "'p95<=5000' is not valid; valid: there is no figure 'p95', did you mean p95_ms? figures: *"),
        ("connections=5", "'connections=5' is not valid; valid: '=' is no comparison; comparisons: <= < == >= >"),
        ("presets", "'presets' is not valid; valid: a figure, a comparison and a number, such as p95_ms<=5000*"),
    ],
)
def test_what_is_no_gate_is_a_usage_error(tests: Project, gate: str, said: str) -> None:
    lines = tests.refuse(f"--cf-gate={gate}").splitlines()
    pytest.LineMatcher(lines).fnmatch_lines([f"*--cf-gate: {said}"])


def test_gates_of_an_ini_file_are_one_on_each_line(tests: Project) -> None:
    tests.ini(cf_gate="\n    subrequests<=6\n    violations==0")
    result = tests.run()
    result.stdout.fnmatch_lines(["  failed   subrequests<=6 *", "  passed   violations==0 *"])


def test_gates_of_a_variable_are_separated_by_semicolons(tests: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_CF_GATE", "subrequests<=6; violations==0")
    tests.run().stdout.fnmatch_lines(["  failed   subrequests<=6 *", "  passed   violations==0 *"])
