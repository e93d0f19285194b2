"""`--cf-memory-baseline`: what is taken before the test's own code counts against the limit."""

from tests.integration.user_project import Project

HOLD = """
import pytest

@pytest.mark.cf_limits(memory="64 MB", trace=True)
def test_it(cf_memory):
    bytearray(40 * 2**20)
    assert cf_memory.headroom < 24 * 2**20
"""


def test_without_a_baseline_the_limit_is_the_tests_alone(project: Project) -> None:
    project.write(test_it=HOLD)
    project.run().assert_outcomes(passed=1)


def test_a_baseline_of_nothing_may_be_written_with_a_unit(project: Project) -> None:
    project.write(test_it=HOLD)
    project.run("--cf-memory-baseline=0 MB").assert_outcomes(passed=1)


def test_pyodide_stands_for_its_interpreter_and_the_message_says_so(project: Project) -> None:
    project.write(test_it=HOLD)
    result = project.run("--cf-memory-baseline=pyodide")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "cfworkers: *memory-baseline=30 MB",
            "memory: 70 MB held at once, the limit is 64 MB",
            "    30 MB of it are the baseline, Pyodide's own: cf_memory_baseline",
            "*70 MB / 64 MB * over *",
        ]
    )


def test_a_size_of_ones_own_counts_as_well(project: Project) -> None:
    project.write(test_it=HOLD)
    project.ini(cf_memory_baseline="20 MB")
    project.run().assert_outcomes(passed=1)
    result = project.run("--cf-memory-baseline=26 MB")
    result.stdout.fnmatch_lines(["    26 MB of it are the baseline, what is there before the code of the test:*"])


def test_a_baseline_that_fills_the_limit_leaves_nothing_to_measure(project: Project) -> None:
    project.write(test_it=HOLD.replace("    assert cf_memory.headroom < 24 * 2**20\n", ""))
    result = project.run("--cf-memory-baseline=64 MB")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*memory was not measured: nothing is left of 64 MB after a baseline of 64 MB"])


def test_a_baseline_that_leaves_too_little_to_measure_is_told(project: Project) -> None:
    project.write(test_it=HOLD.replace("    assert cf_memory.headroom < 24 * 2**20\n", ""))
    result = project.run("--cf-memory-baseline=63.99 MB")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["*memory was not measured: what the baseline leaves of 64 MB, 10.2 KB, is less than *"]
    )


def test_a_number_of_more_digits_than_any_memory_has_is_no_size(project: Project) -> None:
    text = project.refuse(f"--cf-memory-baseline={'9' * 400}")
    assert 'is not valid; valid: a size such as "30 MB" or a number of bytes, 0, or pyodide' in text
