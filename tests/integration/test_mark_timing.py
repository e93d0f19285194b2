"""The mark `cf_timing`: what it judges, together with `cf_limits`, and where it is wrong."""

import pytest

from tests.integration.user_project import Project

START = """
import time

import httpx
import pytest


def work(seconds):
    start = time.thread_time()
    while time.thread_time() - start < seconds:
        pass


def app(environ, start_response):
    time.sleep(0.02 if environ["PATH_INFO"] == "/slow" else 0)
    start_response("200 OK", [])
    return [b"body"]


def ask(*paths):
    with httpx.Client(transport=httpx.WSGITransport(app), base_url="https://app") as client:
        for path in paths:
            client.get(path)

"""


def write(project: Project, text: str) -> None:
    project.write(test_it=START + text)


def test_requests_into_an_app_are_judged(project: Project) -> None:
    write(
        project,
        """
@pytest.mark.cf_timing(p50_ms=10_000, p95_ms=20)
def test_it():
    ask("/fast", "/slow", "/fast")
""",
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "wall-time: *.* ms is the P95 of 3 invocations, the limit is 20 ms",
            "    the slowest of them:",
            "      *.* ms  GET /slow",
            "  95 % of the invocations that the test opens must end within 20 ms each.",
            "LIMITS test_it.py::test_it - *",
        ]
    )


def test_blocks_of_cf_invocation_are_judged(project: Project) -> None:
    write(
        project,
        """
@pytest.mark.cf_timing(p50_ms=20)
def test_it(cf_invocation):
    for _ in range(3):
        with cf_invocation():
            time.sleep(0.02)
""",
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "wall-time: *.* ms is the P50 of 3 invocations, the limit is 20 ms",
            "    the slowest of them:",
            *["      *.* ms  block [123] of cf_invocation"] * 3,
        ]
    )


def test_two_broken_percentiles_are_two_findings_of_the_summary(project: Project) -> None:
    write(
        project,
        """
@pytest.mark.cf_timing(p50_ms=0.001, p99_ms=20, wall_ms=0.001)
def test_it():
    ask("/slow")
""",
    )
    result = project.run("--cf-limits=report")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines_random(
        [
            "    wall-time: *.* ms from start to end, the limit is 0.001 ms",
            "    wall-time: *.* ms is the P50 of 1 invocation, the limit is 0.001 ms",
            "    wall-time: *.* ms is the P99 of 1 invocation, the limit is 20 ms",
        ]
    )


def test_alone_it_guards_what_it_names_and_nothing_else(project: Project) -> None:
    project.write(
        test_it="""
        import pytest
        from sending import leave_unread, send

        @pytest.mark.cf_timing(wall_ms=60_000)
        def test_it():
            leave_unread()
            send(60)
        """
    )
    result = project.run("--cf-plan=free")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("subrequests")


def test_beside_cf_limits_every_limit_of_the_plan_holds(project: Project) -> None:
    project.write(
        test_it="""
        import pytest
        from sending import send

        @pytest.mark.cf_limits
        @pytest.mark.cf_timing(wall_ms=60_000)
        def test_it():
            send(51)
        """
    )
    project.run("--cf-plan=free").stdout.fnmatch_lines(["subrequests: 51 subrequests, the limit is 50 (free plan)"])


CLOSEST = {
    "the function's over the module's": ("cf_limits(wall_ms=1)", "cf_timing(wall_ms=60_000)", 60_000),
    "whichever mark it is": ("cf_timing(wall_ms=60_000)", "cf_limits(wall_ms=1)", 1),
    "None turns it off": ("cf_timing(wall_ms=1)", "cf_timing(wall_ms=None)", None),
}


@pytest.mark.parametrize("case", CLOSEST)
def test_the_closest_mark_wins_key_by_key(project: Project, case: str) -> None:
    module, function, expected = CLOSEST[case]
    write(
        project,
        f"pytestmark = pytest.mark.{module}\n\n@pytest.mark.{function}\ndef test_it():\n    time.sleep(0.005)\n",
    )
    result = project.run()
    result.assert_outcomes(**{"failed" if expected == 1 else "passed": 1})


def test_an_explicit_cpu_ms_fails_and_sleeping_uses_none(project: Project) -> None:
    write(
        project,
        """
@pytest.mark.cf_timing(cpu_ms=15)
def test_busy():
    work(0.02)

@pytest.mark.cf_timing(cpu_ms=15)
def test_asleep():
    time.sleep(0.03)
""",
    )
    result = project.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["cpu-time: *.* ms of CPU time, the limit is 15 ms"])


def test_each_request_into_an_app_has_its_own_cpu_time(project: Project) -> None:
    write(
        project,
        """
def busy(environ, start_response):
    work(0.02)
    start_response("200 OK", [])
    return [b"body"]

@pytest.mark.cf_timing(cpu_ms=60)
def test_it():
    with httpx.Client(transport=httpx.WSGITransport(busy), base_url="https://app") as client:
        for _ in range(4):
            client.get("/")
""",
    )
    project.run().assert_outcomes(passed=1)


def test_where_no_invocation_is_opened_the_summary_says_that_nothing_was_judged(project: Project) -> None:
    write(project, "@pytest.mark.cf_timing(p95_ms=800)\ndef test_it():\n    pass\n")
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["advice", "    not judged: p95_ms: the test opened no invocation"])


def test_a_broken_percentile_may_be_allowed(project: Project) -> None:
    write(
        project,
        """
@pytest.mark.cf_limits(allow={"wall-time": "a slow upstream, see #12"})
@pytest.mark.cf_timing(p50_ms=1)
def test_it():
    ask("/slow")
""",
    )
    project.run().assert_outcomes(passed=1)


def test_off_makes_it_inert(project: Project) -> None:
    write(project, "@pytest.mark.cf_timing(wall_ms=1)\ndef test_it():\n    time.sleep(0.005)\n")
    project.run("--cf-limits=off").assert_outcomes(passed=1)


def test_a_fixture_may_mark_the_test(project: Project) -> None:
    write(
        project,
        """
@pytest.fixture(autouse=True)
def timed(request):
    request.node.add_marker(pytest.mark.cf_timing(wall_ms=1))

def test_it():
    time.sleep(0.005)
""",
    )
    project.run().assert_outcomes(failed=1)


def test_the_verdict_is_the_same_with_workers(project: Project) -> None:
    write(project, "@pytest.mark.cf_timing(p50_ms=1)\ndef test_it():\n    ask('/slow')\n")
    result = project.run("-n1", plugins=("xdist",))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["wall-time: *.* ms is the P50 of 1 invocation, the limit is 1 ms"])


def test_of_a_test_that_is_run_again_the_last_run_counts(project: Project) -> None:
    write(
        project,
        """
runs = []

@pytest.mark.flaky(reruns=1)
@pytest.mark.cf_timing(p50_ms=0.001)
def test_it():
    runs.append(True)
    if len(runs) == 1:
        ask("/")
""",
    )
    result = project.run(plugins=("rerunfailures",))
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["    not judged: p50_ms: the test opened no invocation", "* 1 passed, 1 rerun in *"])


WRONG = {
    "p90_ms=5": "cf_timing has no key 'p90_ms'; valid keys: cpu_ms, wall_ms, p50_ms, p95_ms, p99_ms",
    "subrequests=5": "cf_timing has no key 'subrequests'; *",
    "limits=1": "cf_timing has no key 'limits'; *",
    "p95_ms=-1": "p95_ms=-1 is not a time; valid: a positive number of milliseconds, or None",
    "p50_ms='1 s'": "p50_ms='1 s' is not a time; *",
    "p99_ms=True": "p99_ms=True is not a time; *",
    "p95_ms=float('nan')": "p95_ms=nan is not a time; *",
    "cpu_ms=0": "cpu_ms=0 is not a time; *",
    "wall_ms='crown'": "wall_ms='crown' is not a time; *, or a cut-off of the platform: wait_until, cron, queue, alarm",
    "p99_ms=10**400": "p99_ms=10000* is more than can ever be reached; valid: 1,000,000,000,000,000 or less, or None",
    "": "cf_timing names no time; valid keys: cpu_ms, wall_ms, p50_ms, p95_ms, p99_ms",
    "800": "cf_timing takes keys only, such as p95_ms=800; got 800",
}


def test_every_wrong_key_and_value_is_a_collection_error_with_its_line(project: Project) -> None:
    tests = "\n".join(f"@pytest.mark.cf_timing({keys})\ndef test_{n}():\n    pass\n" for n, keys in enumerate(WRONG))
    project.write(test_it=f"import pytest\n\n{tests}")
    result = project.run()
    result.assert_outcomes(errors=len(WRONG))
    lines = (project.path / "test_it.py").read_text().splitlines()
    for keys, message in WRONG.items():
        line = lines.index(f"@pytest.mark.cf_timing({keys})") + 1
        result.stdout.fnmatch_lines_random([f"test_it.py:{line}: {message}"])


def test_a_mark_without_parentheses_is_found_like_one_with_empty_ones(project: Project) -> None:
    write(project, "@pytest.mark.cf_timing\ndef test_bare():\n    pass\n")
    line = (project.path / "test_it.py").read_text().splitlines().index("@pytest.mark.cf_timing") + 1
    project.run().stdout.fnmatch_lines([f"test_it.py:{line}: cf_timing names no time; *"])


@pytest.mark.parametrize("preset", ["wait_until", "cron", "queue", "alarm"])
def test_wall_time_takes_the_cut_offs_of_the_platform_in_both_marks(project: Project, preset: str) -> None:
    write(
        project,
        f"""
@pytest.mark.cf_timing(wall_ms="{preset}")
def test_timing():
    pass

@pytest.mark.cf_limits(wall_ms="{preset}")
def test_limits():
    pass
""",
    )
    shown = project.run("-vv").stdout
    limit = "30,000" if preset == "wait_until" else "900,000"
    shown.fnmatch_lines(["wall time", f"* ms / {limit} ms *", f"* ms / {limit} ms *"])
