"""`--cf-memory`: how memory is measured, and what the summary says where it is not."""

import sys

import pytest

from tests.integration.user_project import Project

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark is Linux's")

HOLD = """
import pytest

MB = 2**20

@pytest.mark.cf_limits
def test_too_much():
    held = [bytearray(b'x') * MB for _ in range(160)]
    del held

@pytest.mark.cf_limits
def test_enough():
    bytearray(60 * MB)
"""

KEEP = """
import pytest

MB = 2**20
kept = []

@pytest.mark.cf_limits
def test_too_much():
    kept.extend(bytearray(b'x') * MB for _ in range(160))

@pytest.mark.cf_limits
def test_enough():
    bytearray(60 * MB)
"""
"""The same, and held until the end, so that the lines are surely looked at."""


@LINUX_ONLY
def test_auto_fails_the_test_that_held_too_much_and_says_how_to_get_the_lines(project: Project) -> None:
    project.write(test_it=HOLD)
    result = project.run(apart=True)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "memory: 1[56]?* MB held at once, the limit is 128 MB (paid plan)",
            "    measured by the kernel's high-water mark and the allocators' books: between*",
            "      1?* MB and 1?* MB",
            "    a Worker would hold about 1?* MB for the same work, its interpreter",
            "      included: an estimate",
            "    which lines held it: @pytest.mark.cf_limits(trace=True), or --cf-memory=trace",
            "memory",
            "*/ 128 MB * over *::test_too_much",
            "* MB / 128 MB *5? % left *::test_enough",
        ]
    )


@pytest.mark.parametrize("mode", ["trace", "memray"])
def test_exact_engines_name_the_lines(project: Project, mode: str) -> None:
    if mode == "memray":
        pytest.importorskip("memray")
    project.write(test_it=KEEP)
    result = project.run(f"--cf-memory={mode}")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "cfworkers: *memory=" + mode,
            "memory: 160* MB held at once, the limit is 128 MB (paid plan)",  # memray counts what others take, too
            "    every allocation counted, by *",
            "    held at:",
            "      *MB in *blocks  test_it.py:8: kept.extend(bytearray(b'x') ? MB for _ in range(160))",
        ]
    )


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python tells of returns from 3.12 on")
def test_the_lines_of_what_is_freed_at_once_by_the_end_of_the_test_are_named(project: Project) -> None:
    project.write(
        test_it="""
        import pytest

        @pytest.mark.cf_limits
        def test_takes():
            held = b"x" * (150 * 2**20)

        @pytest.mark.cf_limits
        def test_raises():
            held = b"x" * (150 * 2**20)
            raise RuntimeError(len(held))
        """
    )
    result = project.run("--cf-memory=trace")
    result.assert_outcomes(failed=2)
    for line in (5, 9):
        result.stdout.fnmatch_lines([f'* 150 MB in * test_it.py:{line}: held = b"x" * (150 [*] 2[*][*]20)'])


def test_off_measures_nothing_and_skips_what_asks_for_figures(project: Project) -> None:
    project.write(test_it=HOLD + "\ndef test_asks(cf_memory):\n    assert cf_memory.peak\n")
    result = project.run("--cf-memory=off", "-rs")
    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * cf_memory: memory is not measured, by --cf-memory=off"])
    result.stdout.no_fnmatch_line("memory")


def test_memray_skips_what_asks_for_figures_that_it_has_at_its_end_only(project: Project) -> None:
    pytest.importorskip("memray")
    project.write(test_it="def test_asks(cf_memory):\n    assert cf_memory.peak\n")
    result = project.run("--cf-memory=memray", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(
        ["SKIPPED * cf_memory: memray tells its figure at its end only; --cf-memory=trace tells it at any time"]
    )


def test_the_key_trace_of_the_mark_traces_one_test(project: Project) -> None:
    project.write(test_it=KEEP.replace("@pytest.mark.cf_limits", "@pytest.mark.cf_limits(trace=True)", 1))
    project.run().stdout.fnmatch_lines(["    every allocation counted, by tracemalloc", "    held at:"])


@LINUX_ONLY
def test_a_limit_inside_of_the_range_is_told_and_fails_nothing(project: Project) -> None:
    project.write(
        test_it="""
        import pytest

        @pytest.mark.cf_limits(memory="64 MB")
        def test_close():
            bytearray(64 * 2**20 - 4096)
        """
    )
    result = project.run(apart=True)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "advice",
            "    cannot be decided: between 6?* MB and * MB held, the limit is 64 MB",
            "    @pytest.mark.cf_limits(trace=True) or --cf-memory=trace decides it, slowly.",
        ]
    )


def test_a_limit_too_small_to_measure_is_told(project: Project) -> None:
    project.write(test_it="import pytest\n\n@pytest.mark.cf_limits(memory=1000)\ndef test_it():\n    pass\n")
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["    memory was not measured: *1,000 bytes is less than *: 65,536 bytes (a number alone is bytes; *64 MB?)"]
    )


def test_a_test_that_traces_by_itself_is_measured_with_its_tracing_or_told(project: Project) -> None:
    project.write(
        test_it="""
        import tracemalloc

        import pytest

        @pytest.fixture
        def tracing():
            tracemalloc.start(5)
            yield
            tracemalloc.stop()

        @pytest.mark.cf_limits(memory="32 MB")
        def test_beside(tracing):
            bytearray(40 * 2**20)
            assert tracemalloc.is_tracing()

        @pytest.mark.cf_limits(memory="8 MB")
        def test_stops_it():
            tracemalloc.stop()
        """
    )
    result = project.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "memory: 40 MB held at once, the limit is 32 MB",
            "*memory was not measured: the test stopped tracemalloc, with which its memory was measured",
        ]
    )


def test_workers_of_xdist_tell_the_same(project: Project) -> None:
    project.write(test_it=KEEP)
    result = project.run("-n1", "--cf-memory=trace", plugins=("xdist",))
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["    held at:", "*/ 128 MB * over *::test_too_much"])


def test_a_test_that_is_run_again_is_measured_anew(project: Project) -> None:
    project.write(
        test_it="""
        import pytest

        runs = []

        @pytest.mark.cf_limits(memory="16 MB")
        def test_once_too_much():
            runs.append(1)
            bytearray(b'x') * ((30 if len(runs) == 1 else 5) * 2**20)
        """
    )
    project.run("--reruns=1", plugins=("rerunfailures",), apart=True).stdout.fnmatch_lines(["*1 passed*1 rerun*"])


def test_a_breakpoint_takes_memory_that_is_not_the_tests(project: Project) -> None:
    project.write(
        test_it="""
        import sys

        import pytest

        class Debugger:
            def set_trace(self, *args, **kwargs): ...

        @pytest.mark.cf_limits(memory="20 MB")
        def test_it(pytestconfig):
            pytestconfig.hook.pytest_enter_pdb(config=pytestconfig, pdb=Debugger())
            bytearray(60 * 2**20)
        """
    )
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*memory was not measured: a breakpoint was hit, and the debugger takes memory, too"])


@LINUX_ONLY
def test_under_memray_of_pytest_the_cheap_engine_still_decides(project: Project) -> None:
    pytest.importorskip("pytest_memray")
    project.write(test_it=HOLD)
    result = project.run("--memray", apart=True, shows_plugin=True)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["memory: 1[56]?* MB held at once, the limit is 128 MB (paid plan)"])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python tells of returns from 3.12 on")
def test_what_the_plugin_notes_itself_is_not_among_the_lines_that_held_it(project: Project) -> None:
    project.write(
        test_it="""
        import pytest

        @pytest.mark.cf_limits(memory="64 KB")
        def test_it(cf_memory, cf_ledger):
            held = bytearray(70_000)
            for _ in range(100):
                cf_ledger.statistics()
                cf_memory.checkpoint("again")
        """
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["    held at:", "* KB in * blocks  test_it.py:5: held = bytearray(70_000)"])
    result.stdout.no_fnmatch_line("*in the place of the platform*")


def test_what_a_database_answered_is_among_what_was_held(project: Project) -> None:
    project.write(
        test_it="""
        import asyncio

        import pytest

        ROWS = (
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
            "SELECT i, printf('%.400c', 'x') AS text FROM n"
        )

        @pytest.mark.cf_limits(memory="1 MB")
        def test_all_at_once(cf_d1):
            async def run():
                return (await cf_d1.prepare(ROWS).all()).results

            assert len(asyncio.run(run())) == 5_000
        """
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["    held at:", "*MB in * blocks  pytest_cfworkers/d1, in the place of the platform: what it answered"]
    )
