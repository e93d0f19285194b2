"""The mark `cf_limits`: every key fails the test that breaks its limit, and None turns the limit off."""

import pytest

from tests.integration.user_project import Project

SPEND = "send(3)"
UNREAD = "leave_unread()"
TOGETHER = "asyncio.run(send_at_once(7))"
INTERNAL = "attribution.current().requests.open_internal('KV get', capture()).state"
QUERY = "attribution.current().requests.open_internal('D1 query', capture(), statements=['SELECT 1']).state"
WORK = "sum(range(300_000))"
SLEEP = "time.sleep(0.02)"

BREAKS = {
    "connections": ("connections=6", TOGETHER, "connections: 7 connections at once, the limit is 6"),
    "unread_bodies": (
        "unread_bodies=0",
        UNREAD,
        "unread-body: 1 response body neither read nor closed, the limit is 0",
    ),
    "subrequests": ("subrequests=2", SPEND, "subrequests: 3 subrequests, the limit is 2"),
    "internal_subrequests": (
        "internal_subrequests=0",
        INTERNAL,
        "internal-subrequests: 1 call of a service, the limit is 0",
    ),
    "d1_queries": ("d1_queries=0", QUERY, "d1-queries: 1 D1 query, the limit is 0"),
    "cpu_ms": ("cpu_ms=0.5", WORK, "cpu-time: * ms of CPU time, the limit is 0.5 ms"),
    "wall_ms": ("wall_ms=10", SLEEP, "wall-time: * ms from start to end, the limit is 10 ms"),
}


def write(project: Project, keys: str, body: str) -> None:
    project.write(
        test_it=f"""
        import asyncio
        import time

        import pytest
        from pytest_cfworkers import attribution
        from pytest_cfworkers.callsite import capture
        from sending import leave_unread, send, send_at_once

        @pytest.mark.cf_limits({keys})
        def test_it():
            {body}
        """
    )


@pytest.mark.parametrize("key", BREAKS)
def test_a_broken_limit_fails_the_test(project: Project, key: str) -> None:
    keys, body, headline = BREAKS[key]
    write(project, keys, body)
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([headline])


@pytest.mark.parametrize("key", BREAKS)
def test_none_turns_a_limit_off(project: Project, key: str) -> None:
    _, body, _ = BREAKS[key]
    rest = ", wall_ms=None" if key != "wall_ms" else ""
    write(project, f"{key}=None{rest}", body)
    project.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("key", BREAKS)
def test_a_rule_may_be_broken_for_a_reason(project: Project, key: str) -> None:
    keys, body, headline = BREAKS[key]
    rule = headline.partition(":")[0]
    write(project, f"{keys}, allow={{'{rule}': 'see #12'}}", body)
    result = project.run()
    result.assert_outcomes(passed=1)
    if key != "cpu_ms":  # where it may be over, or under
        result.stdout.fnmatch_lines(["*  over, allowed  test_it.py::test_it"])
    result.stdout.no_fnmatch_line("allowances that were not needed")
    result.stdout.no_fnmatch_line("* over  *")


def test_an_allowance_that_was_not_needed_is_reported(project: Project) -> None:
    write(project, "allow={'unread-body': 'the health check, see #12'}", SPEND)
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["allowances that were not needed", "  unread-body (the health check, see #12)  test_it.py::test_it"]
    )


def test_an_allowed_rule_would_not_fail_on_the_other_plan_either(project: Project) -> None:
    write(project, "allow={'subrequests': 'an import job, see #12'}", "send(51)")
    project.run().stdout.no_fnmatch_line("*would fail on the free plan")


def test_plan_changes_the_numbers_that_are_not_given(project: Project) -> None:
    write(project, "plan='free'", "send(51)")
    project.run().stdout.fnmatch_lines(["subrequests: 51 subrequests, the limit is 50 (free plan)"])
    write(project, "plan='free', subrequests=60", "send(51)")
    project.run().assert_outcomes(passed=1)


def test_connection_model_headers_lets_a_slot_go_with_the_headers(project: Project) -> None:
    body = "held = [leave_unread() for _ in range(7)]; [response.read() for response in held]"
    write(project, "connection_model='headers'", body)
    project.run().assert_outcomes(passed=1)
    write(project, "connection_model='body'", "held = [leave_unread() for _ in range(7)]")
    project.run().stdout.fnmatch_lines(["connections: 7 connections at once, the limit is 6"])


def test_a_mark_without_keys_asks_for_every_limit_of_the_plan(project: Project) -> None:
    write(project, "", "leave_unread(); send(51)")
    result = project.run("--cf-plan=free")
    result.stdout.fnmatch_lines(["unread-body: 1 response body *", "subrequests: 52 subrequests*"])


@pytest.mark.parametrize("size", ["'128 MB'", "'128MiB'", "'0.5 gb'", "1024", "None"])
def test_sizes_are_accepted(project: Project, size: str) -> None:
    write(project, f"memory={size}", SPEND)
    project.run("--collect-only").assert_outcomes()


def test_the_mark_outweighs_the_command_line(project: Project) -> None:
    write(project, "plan='free'", "send(51)")
    project.run("--cf-plan=paid").assert_outcomes(failed=1)
