"""`cf_invocation`: a block with budgets of its own is an assertion of the test's own."""

import json

import pytest

from tests.integration.user_project import Project

CAUGHT = """
    import pytest
    from pytest_cfworkers import CfLimitExceeded
    from sending import send

    def test_it(cf_invocation):
        with pytest.raises(CfLimitExceeded, match="2 subrequests, the limit is 1"):
            with cf_invocation(subrequests=1):
                send(2)
"""

ANYHOW = [
    (),
    ("--cf-limits=off",),
    ("--cf-limits=report",),
    ("--cf-limits=enforce",),
    ("--cf-baseline=base.jsonl", "--cf-baseline-update"),
]


@pytest.mark.parametrize("args", ANYHOW, ids=" ".join)
def test_a_block_raises_whatever_the_run_enforces_or_knows(project: Project, args: tuple[str, ...]) -> None:
    project.write(test_it=CAUGHT)
    project.run(*args).assert_outcomes(passed=1)


def test_what_a_test_catches_is_no_violation_in_any_report(project: Project) -> None:
    project.write(test_it=CAUGHT)
    reports = ("--cf-report=run.json", "--cf-report=run.md", "--cf-report=run.sarif")
    result = project.run(*reports, "--cf-gate=violations==0", "--cf-baseline=base.jsonl", "--cf-baseline-update")
    assert result.ret is pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["* 2 / 1  over, expected *test_it"])
    (test,) = json.loads((project.path / "run.json").read_text())["tests"]
    assert (test["violations"], [found["rule"] for found in test["expected"]]) == ([], ["subrequests"])
    assert json.loads((project.path / "run.sarif").read_text())["runs"][0]["results"] == []
    assert "breaks" not in (project.path / "run.md").read_text()
    assert "subrequests" not in (project.path / "base.jsonl").read_text()


@pytest.mark.parametrize(
    "end",
    [
        "raise",
        "raise RuntimeError from error",
        "raise ExceptionGroup('several', [error]) from None",
        "pytest.fail('too many')",
    ],
)
def test_what_a_test_fails_by_is_a_violation_however_it_is_raised_on(project: Project, end: str) -> None:
    project.write(
        test_it=f"""
        import pytest
        from pytest_cfworkers import CfLimitExceeded
        from sending import send

        def test_it(cf_invocation):
            try:
                with cf_invocation(subrequests=1):
                    send(2)
            except CfLimitExceeded as error:
                {end}
        """
    )
    project.run("--cf-report=run.json").assert_outcomes(failed=1)
    (test,) = json.loads((project.path / "run.json").read_text())["tests"]
    assert ([found["rule"] for found in test["violations"]], test["expected"]) == (["subrequests"], [])


def test_a_baseline_excuses_no_block(project: Project) -> None:
    project.write(
        test_it="""
        from sending import send

        def test_it(cf_invocation):
            with cf_invocation(subrequests=1):
                send(2)
        """
    )
    project.run("--cf-baseline=base.jsonl", "--cf-baseline-update").assert_outcomes(failed=1)
    project.run("--cf-baseline=base.jsonl").assert_outcomes(failed=1)


ENDED = """
    import contextlib
    import pytest
    from sending import send{asynchronous}

    {test}
        with pytest.raises(ValueError):
            with cf_invocation(subrequests=1):
                {sends}
                raise ValueError
        {end}
"""
SYNC = "def test_it(cf_invocation):"
SENDS = {
    SYNC: "send(3)",
    "@pytest.mark.anyio\n    async def test_it(cf_invocation, anyio_backend_name):": "await send_at_once(3)",
}


@pytest.mark.parametrize("args", ANYHOW[:-1], ids=" ".join)
@pytest.mark.parametrize("test", SENDS, ids=["sync", "async"])
def test_a_block_that_an_expected_exception_ends_fails_the_test_at_its_end(
    project: Project, test: str, args: tuple[str, ...]
) -> None:
    asynchronous = "_at_once" if "async" in test else ""
    project.write(test_it=ENDED.format(asynchronous=asynchronous, test=test, sends=SENDS[test], end=""))
    result = project.run(*args, "-k", "not trio")
    result.assert_outcomes(failed=1, deselected=1 if asynchronous else 0)
    result.stdout.fnmatch_lines(
        ["test_it.py L *", "subrequests: 3 subrequests, the limit is 1", "LIMITS *test_it* - subrequests: 3 *"]
    )


def test_the_tests_own_failure_wins_over_such_a_block_and_the_block_is_told_beside_it(project: Project) -> None:
    project.write(test_it=ENDED.format(asynchronous="", test=SYNC, sends="send(3)", end="assert not 'mine'"))
    result = project.run()
    result.stdout.fnmatch_lines(
        ["test_it.py F *", "*assert not 'mine'*", "*broken, too*", "subrequests: 3 subrequests, the limit is 1"]
    )


def test_a_broken_limit_of_the_test_wins_over_such_a_block_and_the_block_is_told_beside_it(project: Project) -> None:
    end = "send(5)"
    test = "@pytest.mark.cf_limits(subrequests=4)\n    " + SYNC
    project.write(test_it=ENDED.format(asynchronous="", test=test, sends="send(3)", end=end))
    result = project.run()
    result.stdout.fnmatch_lines(
        ["test_it.py L *", "subrequests: 5 subrequests, the limit is 4", "*broken, too*", "subrequests: 3 *"]
    )


def test_a_block_that_was_never_entered_breaks_nothing(project: Project) -> None:
    project.write(test_it="def test_it(cf_invocation):\n    cf_invocation(subrequests=0, wall_ms=1, memory='1 B')\n")
    project.run().assert_outcomes(passed=1)


FIXTURES = {
    "a fixture": """
    import pytest
    from sending import send

    @pytest.fixture
    def budget(cf_invocation):
        with cf_invocation(subrequests=2) as invocation:
            yield invocation

    def test_it(budget):
        send(3)
    """,
    "an async fixture": """
    import pytest
    from sending import send_at_once

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def anyio_backend():
        return "asyncio"

    @pytest.fixture
    async def budget(anyio_backend, cf_invocation):
        with cf_invocation(subrequests=2) as invocation:
            yield invocation

    async def test_it(budget):
        await send_at_once(3)
    """,
    "setUp": """
    import unittest
    import pytest
    from sending import send

    class TestIt(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def ask(self, cf_invocation):
            self.cf_invocation = cf_invocation

        def setUp(self):
            self.enterContext(self.cf_invocation(subrequests=2))

        def test_it(self):
            send(3)
    """,
    "hypothesis": """
    import pytest
    from hypothesis import HealthCheck, given, settings, strategies as st
    from sending import send

    @pytest.fixture
    def budget(cf_invocation):
        with cf_invocation(subrequests=2) as invocation:
            yield invocation

    @settings(suppress_health_check=list(HealthCheck), database=None)
    @given(number=st.just(3))
    def test_it(budget, number):
        send(number)
    """,
    "what is left of the test": """
    import pytest
    from sending import send

    @pytest.fixture
    def budget(cf_invocation):
        yield
        with cf_invocation(subrequests=2):
            send(3)

    def test_it(budget):
        pass
    """,
}


@pytest.mark.parametrize("test", FIXTURES.values(), ids=FIXTURES)
def test_a_block_is_refused_where_the_function_does_not_run(project: Project, test: str) -> None:
    """The invocation of the test would hide it, and what a fixture sends is not watched: it would pass silently."""
    project.write(test_it=test)
    result = project.run(plugins=("hypothesispytest",))
    assert result.ret is pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*RuntimeError: A block of cf_invocation stands in the test's function, *"])


def test_a_fixture_may_return_a_function_that_opens_a_block(project: Project) -> None:
    project.write(
        test_it="""
        import pytest
        from sending import send

        runs = []

        @pytest.fixture
        def budget(cf_invocation):
            return lambda: cf_invocation(subrequests=2)

        def test_it(budget):
            runs.append(None)
            with budget():
                send(2 if len(runs) == 2 else 3)
        """
    )
    result = project.run("--reruns=1", plugins=("rerunfailures",))
    result.assert_outcomes(passed=1)
