"""`cf_memory`: figures and phases in sync and async tests, alone and beside the mark."""

import json

from tests.integration.user_project import Project

ASYNCIO = ("-o", "asyncio_default_fixture_loop_scope=function")


def test_figures_phases_and_assertions(project: Project) -> None:
    project.write(
        test_it="""
        import pytest

        MB = 2**20

        @pytest.mark.cf_limits(memory="64 MB", trace=True)
        def test_phases(cf_memory):
            held = bytearray(10 * MB)
            assert 10 * MB <= cf_memory.current < 11 * MB
            del held
            assert 10 * MB <= cf_memory.checkpoint("held") < 11 * MB
            bytearray(5 * MB)
            assert 5 * MB <= cf_memory.checkpoint("freed") < 6 * MB
            assert 10 * MB <= cf_memory.peak < 11 * MB
            assert cf_memory.limit == 64 * MB
            assert cf_memory.headroom == cf_memory.limit - cf_memory.peak
            cf_memory.assert_under("16 MB")
        """
    )
    project.run().assert_outcomes(passed=1)


def test_alone_it_guards_the_platforms_128_mb_and_nothing_else(project: Project) -> None:
    project.write(
        test_it="""
        from sending import leave_unread

        def test_it(cf_memory):
            leave_unread()
            assert cf_memory.limit == 128 * 2**20
            bytearray(200 * 2**20)
        """
    )
    result = project.run("--cf-memory=trace")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["memory: 200*MB held at once, the limit is 128 MB (paid plan)"])
    result.stdout.no_fnmatch_line("*unread-body*")


def test_a_failed_assertion_names_what_was_held(project: Project) -> None:
    project.write(
        test_it="""
        def test_it(cf_memory):
            bytearray(8 * 2**20)
            cf_memory.assert_under("4 MB")
        """
    )
    result = project.run("--cf-memory=trace")
    result.stdout.fnmatch_lines(["E*memory: 8 MB held at once, the limit is 4 MB", "E *Fix:"])
    result.stdout.no_fnmatch_line("*On purpose?*")  # no mark allows an assertion


def test_async_tests_and_a_mark_that_turns_the_limit_off(project: Project) -> None:
    project.write(
        test_it="""
        import asyncio

        import pytest

        @pytest.mark.cf_limits(memory=None, trace=True)
        @pytest.mark.asyncio
        async def test_it(cf_memory):
            async def step():
                bytearray(200 * 2**20)
                await asyncio.sleep(0)

            await asyncio.gather(step(), step())
            assert cf_memory.peak > 199 * 2**20
        """
    )
    project.run(*ASYNCIO, plugins=("asyncio",)).assert_outcomes(passed=1)


def test_what_the_ledger_pauses_does_not_count(project: Project) -> None:
    project.write(
        test_it="""
        import pytest

        @pytest.mark.cf_limits(memory="32 MB", trace=True)
        def test_it(cf_memory, cf_ledger):
            with cf_ledger.paused():
                seeded = bytearray(60 * 2**20)
            bytearray(20 * 2**20)
            assert len(seeded) > cf_memory.peak
        """
    )
    project.run().assert_outcomes(passed=1)


def test_a_limit_that_is_turned_off_changes_nothing_else(project: Project) -> None:
    """What is paused does not count, and the way of measuring is that of the run."""
    project.write(
        test_it="""
        import pytest

        @pytest.mark.cf_limits(memory=None)
        def test_it(cf_memory, cf_ledger):
            with cf_ledger.paused():
                seeded = bytearray(60 * 2**20)
            bytearray(20 * 2**20)
            assert 20 * 2**20 <= cf_memory.peak < 21 * 2**20
            assert cf_memory.limit == 128 * 2**20
            assert cf_memory.headroom == cf_memory.limit - 30 * 2**20 - cf_memory.peak
        """
    )
    project.run("--cf-memory=trace", "--cf-memory-baseline=pyodide").assert_outcomes(passed=1)


def test_a_phase_may_be_called_by_anything(project: Project) -> None:
    project.write(
        test_it="""
        def test_it(cf_memory, cf_timer):
            for page in range(3):
                cf_memory.checkpoint(page)
                cf_timer.checkpoint(page)
            assert [phase.name for phase in cf_timer.report().checkpoints] == ["0", "1", "2"]
        """
    )
    project.run("--cf-memory=trace", "--cf-report=report.html", "--cf-report=report.json").assert_outcomes(passed=1)
    (test,) = json.loads((project.path / "report.json").read_text(encoding="utf-8"))["tests"]
    assert [name for name, _ in test["timelines"][0]["checkpoints"]] == ["0", "0", "1", "1", "2", "2"]


def test_before_the_tests_function_there_is_no_figure(project: Project) -> None:
    project.write(
        test_it="""
        import pytest

        @pytest.fixture
        def early(cf_memory):
            with pytest.raises(RuntimeError, match="from its function on"):
                cf_memory.peak

        def test_it(early):
            pass
        """
    )
    project.run().assert_outcomes(passed=1)
