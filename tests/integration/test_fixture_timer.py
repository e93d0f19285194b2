"""The fixture `cf_timer`: a stopwatch for the test's function."""

import pytest

from tests.integration.user_project import Project

ASYNCIO = ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")


def test_it_times_the_function_and_not_its_fixtures(project: Project) -> None:
    project.write(
        test_it="""
        import time

        import pytest

        @pytest.fixture
        def slow(cf_timer):
            time.sleep(0.05)
            cf_timer.checkpoint("in a fixture")

        def test_it(cf_timer, slow):
            time.sleep(0.01)
            cf_timer.checkpoint("slept")
            report = cf_timer.report()
            (phase,) = report.checkpoints
            assert phase.name == "slept"
            assert phase.wall_ms >= 10
            assert report.total_ms >= phase.at_ms == phase.wall_ms
            assert report.cpu_ms < 10
        """
    )
    project.run().assert_outcomes(passed=1)


def test_it_counts_the_work_of_the_invocations_tasks_and_threads(project: Project) -> None:
    project.write(
        test_it="""
        import asyncio
        import time

        def work(seconds):
            start = time.thread_time()
            while time.thread_time() - start < seconds:
                pass

        async def test_it(cf_timer):
            await asyncio.to_thread(work, 0.05)
            cf_timer.checkpoint("in a thread")
            assert cf_timer.report().checkpoints[0].cpu_ms >= 50
        """
    )
    project.run(*ASYNCIO, plugins=("asyncio",)).assert_outcomes(passed=1)


def test_an_operation_that_takes_too_long_fails_the_test_with_its_name(project: Project) -> None:
    project.write(
        test_it="""
        import asyncio

        async def test_it(cf_timer):
            await cf_timer.with_timeout(asyncio.Event().wait(), 1, "reading the pages")
        """
    )
    result = project.run(*ASYNCIO, plugins=("asyncio",))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *OperationTimeout: reading the pages was cancelled after *.* ms; it may take 1 ms"])


def test_each_example_of_hypothesis_is_timed_anew(project: Project) -> None:
    project.write(
        test_it="""
        from hypothesis import HealthCheck, given, settings, strategies as st

        @settings(max_examples=5, database=None, suppress_health_check=list(HealthCheck))
        @given(n=st.integers())
        def test_it(cf_timer, n):
            assert cf_timer.report().checkpoints == ()
            cf_timer.checkpoint("one")
        """
    )
    project.run(plugins=("hypothesispytest",)).assert_outcomes(passed=1)


def test_alone_it_guards_time_and_nothing_else(project: Project) -> None:
    project.write(
        test_it="""
        from sending import leave_unread, send

        def test_it(cf_timer):
            leave_unread()
            send(60)
        """
    )
    result = project.run("--cf-plan=free")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("subrequests")


@pytest.mark.parametrize("mode", ["marked", "off", "report", "enforce"])
def test_it_works_in_every_mode(project: Project, mode: str) -> None:
    project.write(test_it="def test_it(cf_timer):\n    cf_timer.checkpoint('one')\n    print(cf_timer.report())\n")
    result = project.run(f"--cf-limits={mode}", "-s")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*one  *ms  *ms of CPU", "total  *ms  *ms of CPU"])
