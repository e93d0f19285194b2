"""Whatever runs a test function, each of its calls is an invocation, and what is around it is not."""

import json

import pytest

from tests.integration.user_project import Project

BROKEN = "subrequests: 2 subrequests, the limit is 1"


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_pytest_asyncio(project: Project, mode: str) -> None:
    """Asynchronous fixtures do not count."""
    mark = "@pytest.mark.asyncio" if mode == "strict" else ""
    project.write(
        test_it=f"""
        import pytest
        import pytest_asyncio
        from sending import send, send_at_once

        pytestmark = pytest.mark.cf_limits(subrequests=1)

        @pytest_asyncio.fixture
        async def seeded():
            await send_at_once(9)
            yield
            await send_at_once(9)

        {mark}
        async def test_fits(seeded):
            await send_at_once(1)

        {mark}
        async def test_broken(seeded):
            await send_at_once(2)

        class TestIt:
            {mark}
            @pytest.mark.parametrize("n", [1, 2])
            async def test_it(self, n, seeded):
                await send_at_once(n)

        def test_sync():
            send(2)
        """
    )
    options = (f"--asyncio-mode={mode}", "-o", "asyncio_default_fixture_loop_scope=function")
    result = project.run(*options, plugins=("asyncio",))
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(["test_it.py .L.LL *", BROKEN])


OTHERS_TASKS = """
    import anyio
    import httpx
    import pytest
    from sending import answer

    {imports}

    pytestmark = [pytest.mark.{mark}, pytest.mark.cf_limits(subrequests=2)]

    class State:
        asked = False

    async def get(number):
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            for _ in range(number):
                await client.get("https://example.com/")
                await anyio.lowlevel.checkpoint()

    async def poll():
        while not State.asked:
            await anyio.lowlevel.checkpoint()
        await get(5)
        State.asked = False

    async def wait():
        State.asked = True
        while State.asked:
            await anyio.lowlevel.checkpoint()

    {fixtures}

    async def test_of_a_fixture(polled):
        await get(2)
        await wait()

    async def test_leaves_a_task_behind(start):
        start(poll())
        await get(2)

    async def test_of_the_one_before():
        await get(2)
        await wait()

    async def test_starts_its_own(start):
        start(poll())
        await wait()
"""


def test_tasks_of_fixtures_and_of_other_tests_count_for_nobody_under_pytest_asyncio(project: Project) -> None:
    project.write(
        test_it=OTHERS_TASKS.format(
            mark='asyncio(loop_scope="session")',
            imports="import asyncio, pytest_asyncio",
            fixtures="""
    tasks = []

    @pytest.fixture
    def start():
        return lambda coroutine: tasks.append(asyncio.create_task(coroutine))

    @pytest_asyncio.fixture(loop_scope="session")
    async def polled():
        task = asyncio.create_task(poll())
        yield
        await task
    """,
        )
    )
    result = project.run("-o", "asyncio_default_fixture_loop_scope=session", plugins=("asyncio",))
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["test_it.py ...L *", "subrequests: 5 subrequests, the limit is 2"])


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_tasks_of_fixtures_and_of_other_tests_count_for_nobody_under_anyio(project: Project, backend: str) -> None:
    project.write(
        test_it=OTHERS_TASKS.format(
            mark="anyio",
            imports="",
            fixtures=f"""
    @pytest.fixture(scope="module")
    def anyio_backend():
        return {backend!r}

    @pytest.fixture(scope="module", autouse=True)
    async def group():
        async with anyio.create_task_group() as tasks:
            yield tasks

    @pytest.fixture
    def start(group):
        return lambda coroutine: group.start_soon(lambda: coroutine)

    @pytest.fixture
    async def polled(start):
        start(poll())
    """,
        )
    )
    result = project.run()
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["test_it.py ...L *", "subrequests: 5 subrequests, the limit is 2"])


def test_threads_that_take_turns_in_a_pool_have_the_invocation_of_each(project: Project) -> None:
    """The executor of a loop of the session outlives the tests that use it."""
    project.write(
        test_it="""
        import asyncio
        import pytest
        from sending import send

        pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.cf_limits(subrequests=2)]

        @pytest.mark.parametrize("number", [2, 3, 2])
        async def test_it(number):
            await asyncio.get_running_loop().run_in_executor(None, send, number)
        """
    )
    result = project.run("-o", "asyncio_default_fixture_loop_scope=session", plugins=("asyncio",))
    result.stdout.fnmatch_lines(["test_it.py .L. *"])


def test_anyio_on_asyncio_and_trio(project: Project) -> None:
    project.write(
        test_it="""
        import anyio
        import httpx
        import pytest
        from sending import answer

        pytestmark = [pytest.mark.anyio, pytest.mark.cf_limits(subrequests=7)]

        @pytest.fixture(params=["asyncio", "trio"])
        def anyio_backend(request):
            return request.param

        @pytest.fixture
        async def seeded(anyio_backend):
            await fan_out(9)

        async def fan_out(number):
            async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
                async with anyio.create_task_group() as group:
                    for _ in range(number):
                        group.start_soon(client.get, "https://example.com/")

        @pytest.mark.parametrize("number", [6, 7])
        async def test_it(seeded, number):
            await fan_out(number)
        """
    )
    result = project.run()
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["connections: 7 connections at once, the limit is 6"] * 2)


def test_unittest_counts_the_method_alone(project: Project) -> None:
    project.write(
        test_it="""
        import unittest
        import pytest
        from sending import send, send_at_once

        pytestmark = pytest.mark.cf_limits(subrequests=1)

        class TestSync(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                send(5)

            def setUp(self):
                send(5)
                self.addCleanup(send, 5)

            def tearDown(self):
                send(5)

            def test_broken(self):
                send(2)

            def test_fits(self):
                send(1)

            def test_own_failure(self):
                send(2)
                self.assertEqual(1, 2, "mine")

        class TestAsync(unittest.IsolatedAsyncioTestCase):
            async def asyncSetUp(self):
                await send_at_once(5)

            async def asyncTearDown(self):
                await send_at_once(5)

            async def test_broken(self):
                await send_at_once(2)

            async def test_fits(self):
                await send_at_once(1)
        """
    )
    result = project.run(shows_plugin=True)  # asyncio, which debugs here, names whoever is slow on a busy machine
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(["test_it.py L.*F*", "*AssertionError: *mine*", "*broken, too*", BROKEN])
    assert result.outlines.count(BROKEN) == 3
    result.stdout.fnmatch_lines_random(
        ["LIMITS test_it.py::TestAsync::test_broken - *", "LIMITS *TestSync::test_broken*"]
    )


def test_each_example_of_hypothesis_is_an_invocation(project: Project) -> None:
    """The example that was found is shown, and what all of them broke is told once."""
    project.write(
        test_it="""
        import pytest
        from hypothesis import Phase, given, settings, strategies as st
        from sending import send

        pytestmark = pytest.mark.cf_limits(subrequests=3)

        @settings(max_examples=20, derandomize=True, database=None)
        @given(number=st.integers(0, 3))
        def test_fits(number):
            send(number)

        @settings(max_examples=20, derandomize=True, database=None, phases=[Phase.generate, Phase.shrink])
        @given(number=st.integers(0, 9))
        def test_broken(number):
            send(number)
        """,
        conftest="""
        def pytest_cf_violation(item, violation):
            print("told", violation.rule)
        """,
    )
    result = project.run("-s", plugins=("hypothesispytest",))
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["subrequests: 4 subrequests, the limit is 3", "*- notes -*", "*: test_broken(", "*number=4,"]
    )
    assert result.stdout.str().count("told subrequests") == 1
    result.stdout.fnmatch_lines(["*3 / 3* 0 % left*test_fits"])


@pytest.mark.parametrize("block", ["nullcontext", "cf_invocation"])
def test_what_an_earlier_example_of_hypothesis_broke_is_told_beside_what_the_last_one_did(
    project: Project, block: str
) -> None:
    """Hypothesis takes both for one failure and shows the smaller one; the test expected neither."""
    project.write(
        test_it=f"""
        from contextlib import nullcontext
        import pytest
        from hypothesis import HealthCheck, given, settings, strategies as st
        from sending import leave_unread, send

        @pytest.mark.cf_limits(subrequests=3)
        @settings(max_examples=50, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
        @given(number=st.integers(0, 99))
        def test_it(cf_invocation, number):
            with {block}():
                if number < 10:
                    send(number)
                else:
                    leave_unread()
        """,
        conftest="""
        def pytest_cf_violation(item, violation):
            print("told", violation.rule, violation.observed)
        """,
    )
    result = project.run("-s", "--cf-report=run.json", plugins=("hypothesispytest",))
    result.stdout.fnmatch_lines(
        ["*subrequests: 4 subrequests, the limit is 3", "*broken, too*", "unread-body: *", "* / 3 * over *test_it"]
    )
    assert next(line for line in result.outlines if "told " in line).endswith("told subrequests 4")
    (test,) = json.loads((project.path / "run.json").read_text())["tests"]
    assert ([found["rule"] for found in test["violations"]], test["expected"]) == (["subrequests", "unread-body"], [])


STATE_MACHINES = """
    import pytest
    from hypothesis import settings
    from hypothesis.stateful import RuleBasedStateMachine, rule
    from sending import send

    pytestmark = pytest.mark.cf_limits(subrequests=6)

    class Machine(RuleBasedStateMachine):
        number = 1

        @rule()
        def ask(self):
            send(self.number)

    class Greedy(Machine):
        number = 2

    TestFits = Machine.TestCase
    TestBroken = Greedy.TestCase
    TestFits.settings = TestBroken.settings = settings(
        max_examples=10, stateful_step_count=5, derandomize=True, database=None
    )
"""


def test_each_example_of_a_state_machine_is_an_invocation(project: Project) -> None:
    project.write(test_it=STATE_MACHINES)
    result = project.run("--cf-report=run.json", plugins=("hypothesispytest",))
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["test_it.py *L*", "subrequests: 8 subrequests, the limit is 6", "*- notes -*", "*state = Greedy()"]
    )
    _, fits = json.loads((project.path / "run.json").read_text())["tests"]
    assert (fits["usage"]["subrequests"]["used"], len(fits["walls_ms"]) >= 10) == (5, True)


@pytest.mark.parametrize("name", ["run_state_machine_as_test", "get_state_machine_test"])
def test_a_state_machine_whose_examples_are_not_found_is_one_invocation(project: Project, name: str) -> None:
    """As with a version of hypothesis that runs them in another way."""
    project.write(
        test_it=STATE_MACHINES,
        conftest=f"""
        import pytest

        @pytest.fixture(autouse=True)
        def changed(monkeypatch):
            from hypothesis import stateful as module

            made = module.get_state_machine_test

            def run_state_machine_as_test(factory, settings):
                made(factory, settings=settings)()

            def get_state_machine_test(*args, **kwargs):
                test = made(*args, **kwargs)
                return lambda: test()

            monkeypatch.setattr(module, {name!r}, {name})
        """,
    )
    result = project.run(plugins=("hypothesispytest",))
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["test_it.py LL *"])


def test_the_explanation_of_hypothesis_names_no_lines_of_the_plugin(project: Project) -> None:
    """The plugin works out what to say where a limit is broken, and nowhere else."""
    project.write(
        test_it="""
        import pytest
        from hypothesis import given, settings, strategies as st
        from sending import send

        @pytest.mark.cf_limits(subrequests=3)
        @settings(max_examples=50, derandomize=True, database=None)
        @given(number=st.integers(0, 9))
        def test_it(number):
            send(number)
        """
    )
    result = project.run(plugins=("hypothesispytest",))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*- notes -*", "*: test_it(", "*number=4,"])
    result.stdout.no_fnmatch_line("Explanation:")


def test_doctests_are_guarded_by_enforce(project: Project) -> None:
    project.write(
        documented='''
        def spend(number):
            """Send.

            >>> spend(2)
            """
            from sending import send
            send(number)

        def fail():
            """Fail.

            >>> spend(51)
            >>> 1
            2
            """
        '''
    )
    args = ("--doctest-modules", "--cf-limits=enforce", "documented.py")
    project.run(*args).assert_outcomes(passed=1, failed=1)
    project.write(conftest="def pytest_cf_limits(item, limits):\n    return limits.replace(subrequests=1)\n")
    result = project.run(*args)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines_random([BROKEN, "*- limits of Cloudflare Workers that were broken, too -*"])


def test_a_test_that_passes_when_it_is_run_again(project: Project) -> None:
    """pytest-rerunfailures: the last run counts, with budgets of its own."""
    project.write(
        test_it="""
        import pytest
        from sending import send

        runs = []

        @pytest.mark.cf_limits(subrequests=2)
        def test_flaky(cf_ledger):
            runs.append(None)
            send(2 if len(runs) == 3 else 3)

        @pytest.mark.cf_limits(subrequests=2)
        def test_broken():
            send(3)
        """
    )
    result = project.run("--reruns=2", plugins=("rerunfailures",))
    result.stdout.fnmatch_lines(["test_it.py RR.RRL *", "*1 failed, 1 passed, 4 rerun*"])
    result.stdout.fnmatch_lines(["* 2 / 2 * 0 % left * test_it.py::test_flaky"])


def test_each_call_of_the_function_has_budgets_of_its_own(project: Project) -> None:
    project.write(
        conftest="""
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_pyfunc_call(pyfuncitem):
            pyfuncitem.obj()
            pyfuncitem.obj()
            return True
        """,
        test_it="""
        import pytest
        from sending import send

        @pytest.mark.cf_limits(subrequests=2)
        def test_fits():
            send(2)
        """,
    )
    project.run().assert_outcomes(passed=1)


def test_a_random_order_changes_nothing(project: Project) -> None:
    project.write(
        test_it="""
        import pytest
        from sending import send

        @pytest.mark.cf_limits(subrequests=2)
        @pytest.mark.parametrize("n", range(5))
        def test_it(n):
            send(n)
        """
    )
    for seed in "12":
        project.run(f"--randomly-seed={seed}", plugins=("randomly",)).assert_outcomes(passed=3, failed=2)


def test_import_mode_importlib(project: Project) -> None:
    project.pytester.syspathinsert()
    project.write(
        test_it="""
        import pytest
        from sending import send

        class TestIt:
            pytestmark = pytest.mark.cf_limits(subrequests=1)

            def test_it(self):
                send(2)

        @pytest.mark.cf_limits(plan="gold")
        def test_wrong():
            pass
        """
    )
    result = project.run("--import-mode=importlib", "--continue-on-collection-errors")
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["test_it.py:10: plan='gold' is unknown; *", BROKEN])


def test_items_of_other_kinds_are_guarded_whole(project: Project) -> None:
    project.write(
        conftest="""
        import pytest
        from sending import send

        class Item(pytest.Item):
            def runtest(self):
                send(51)

        class File(pytest.File):
            def collect(self):
                yield Item.from_parent(self, name="it")

        def pytest_collect_file(file_path, parent):
            if file_path.suffix == ".txt":
                return File.from_parent(parent, path=file_path)
        """
    )
    (project.path / "it.txt").touch()
    result = project.run("--cf-limits=enforce", "--cf-plan=free")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["it.txt L *", "subrequests: 51 subrequests, the limit is 50 (free plan)"])


def test_subtests(project: Project) -> None:
    """The invocation is the test, not its subtests."""
    project.write(
        test_it="""
        import pytest
        from sending import send

        @pytest.mark.cf_limits(subrequests=2)
        def test_it(subtests):
            for number in range(3):
                with subtests.test(number=number):
                    send(1)
        """
    )
    result = project.run()
    result.stdout.fnmatch_lines(["subrequests: 3 subrequests, the limit is 2"])
    assert result.ret is pytest.ExitCode.TESTS_FAILED


def test_a_subtest_in_the_middle_of_a_stream_judges_nothing(project: Project) -> None:
    """A subtest is reported while its test still runs: what is open then may yet be read."""
    project.write(
        conftest="""
        def pytest_cf_violation(item, violation):
            print("told", violation.rule)
        """,
        test_it="""
        import pytest
        from sending import leave_unread

        @pytest.mark.cf_limits
        def test_it(subtests):
            response = leave_unread()
            with subtests.test():
                assert response.status_code == 200
            with subtests.test():
                assert response.status_code == 404
            response.read()
        """,
    )
    result = project.run("-s", "--cf-report=run.json")
    assert "told" not in result.stdout.str()
    assert "unread-body" not in result.stdout.str()
    (test,) = json.loads((project.path / "run.json").read_text())["tests"]
    assert (test["violations"], test["outcome"]) == ([], "failed")


def test_a_request_whose_loop_was_closed_under_it_ends_quietly(project: Project) -> None:
    """The collector ends it, in whatever context that runs."""
    project.write(
        test_it="""
        import asyncio
        import gc
        import httpx
        import pytest

        @pytest.mark.filterwarnings("ignore:coroutine")
        @pytest.mark.cf_limits
        def test_it():
            async def main():
                sent = asyncio.Event()

                async def never(request):
                    sent.set()
                    await asyncio.Event().wait()

                client = httpx.AsyncClient(transport=httpx.MockTransport(never))
                asyncio.ensure_future(client.get("https://example.com/"))
                await sent.wait()

            loop = asyncio.new_event_loop()
            loop.run_until_complete(main())
            loop.close()
            gc.collect()
        """
    )
    project.run("-Werror::pytest.PytestUnraisableExceptionWarning").assert_outcomes(passed=1)
