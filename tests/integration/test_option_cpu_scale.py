"""`--cf-cpu-scale`: what measured CPU time is multiplied by before it is judged, and who is told."""

import pytest

from pytest_cfworkers.calibration import PYODIDE_CPU_FACTOR
from tests.integration.user_project import Project

TESTS = """
    import time

    import pytest

    def work(seconds):
        start = time.thread_time()
        while time.thread_time() - start < seconds:
            pass

    @pytest.mark.cf_limits(cpu_ms=10_000)
    def test_given():
        work(0.02)
    """


def test_the_factor_decides_and_the_message_says_so(project: Project) -> None:
    project.write(test_it=TESTS)
    project.run().assert_outcomes(passed=1)
    result = project.run("--cf-cpu-scale=1000")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "cfworkers: *, cpu-scale=1000",
            "cpu-time: *.* ms of CPU time, the limit is 10,000 ms",
            "    measured as *.* ms on CPython here, times 1000: cf_cpu_scale, an estimate",
        ]
    )


def test_the_summary_shows_what_was_judged(project: Project) -> None:
    project.write(test_it=TESTS)
    shown = project.run("--cf-cpu-scale=100").stdout
    shown.fnmatch_lines(["CPU time", "* ms / 10,000 ms * % left  test_it.py::test_given"])


def test_pyodide_is_the_measured_factor(project: Project) -> None:
    project.write(test_it=TESTS)
    project.run("--cf-cpu-scale=pyodide").stdout.fnmatch_lines([f"cfworkers: *, cpu-scale={PYODIDE_CPU_FACTOR:g}"])


def test_the_plans_own_number_goes_by_it_too(project: Project) -> None:
    project.write(test_it=TESTS.replace("cpu_ms=10_000", "plan='free'").replace("0.02", "0.002"))
    result = project.run("--cf-cpu-scale=100")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*/ 10 ms    over, warns  test_it.py::test_given"])


def test_a_request_into_an_app_goes_by_it_too(project: Project) -> None:
    project.write(
        test_it="""
        import time

        import httpx
        import pytest

        def app(environ, start_response):
            start = time.thread_time()
            while time.thread_time() - start < 0.02:
                pass
            start_response("200 OK", [])
            return [b"body"]

        @pytest.mark.cf_limits(cpu_ms=10_000)
        def test_it():
            with httpx.Client(transport=httpx.WSGITransport(app), base_url="https://app") as client:
                client.get("/work")
        """
    )
    result = project.run("--cf-cpu-scale=1000")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["    while the app handled GET /work"])


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "1e300", "2x", "Pyodide"])
def test_what_is_no_factor_is_refused(project: Project, value: str) -> None:
    text = project.refuse(f"--cf-cpu-scale={value}")
    valid = f"a positive number up to 1,000,000, or pyodide ({PYODIDE_CPU_FACTOR:g})"
    assert f"--cf-cpu-scale: '{value}' is not valid; valid: {valid}" in text
