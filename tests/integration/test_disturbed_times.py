"""Times that mean nothing are not judged, and the run says so: breakpoints, debuggers and tracers."""

import sys

import pytest

from tests.integration.user_project import Project

OVER = """
    import sys
    import time

    import pytest

    def work(seconds):
        start = time.thread_time()
        while time.thread_time() - start < seconds:
            pass

    @pytest.mark.cf_limits(cpu_ms=1, wall_ms=1)
    def test_it():
        {first}
        work(0.005)
        {last}
    """


GOES_ON = """
    import pdb

    class GoesOn(pdb.Pdb):
        def interaction(self, *args):
            self.set_continue()
    """


@pytest.fixture(autouse=True)
def _no_tracer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide whoever traces the run outside."""
    monkeypatch.setattr(sys, "gettrace", lambda: None)


def test_a_breakpoint(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pytest's own debugger, which here goes on at once."""
    project.write(
        test_it=OVER.format(first="breakpoint()", last=""),
        conftest=GOES_ON,
    )
    monkeypatch.syspath_prepend(project.path)
    result = project.run("--pdbcls=conftest:GoesOn", shows_plugin=True)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "advice",
            "  test_it.py::test_it",
            "    not judged: *.* ms of CPU time, the limit is 1 ms",
            "    a breakpoint may have stopped the test meanwhile. Run it without one to have",
            "    it judged.",
            "    not judged: *.* ms from start to end, the limit is 1 ms",
        ]
    )


PDB_OF_ONES_OWN = """
    import pdb

    import pytest

    class GoesOn(pdb.Pdb):
        def interaction(self, frame, *_):
            print("stands in", frame.f_code.co_name)
            self.set_continue()

    @pytest.mark.cf_limits(wall_ms=0.001, memory="64 MB", trace=True)
    def test_it():
        GoesOn(nosigint=True).set_trace()
        assert "stands"
    """


def test_a_breakpoint_of_a_debugger_that_pytest_does_not_know(project: Project) -> None:
    """As ipdb has. It stands in the function that set it, as ever."""
    project.write(test_it=PDB_OF_ONES_OWN)
    result = project.run("-s", shows_plugin=True)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*stands in test_it"])
    result.stdout.fnmatch_lines_random(
        [
            "    not judged: *.* ms from start to end, the limit is 0.001 ms",
            "    a breakpoint may have stopped the test meanwhile. Run it without one to have",
            "    it judged.",
            "    memory was not measured: a breakpoint was hit, and the debugger takes memory, too",
        ]
    )


def test_memory_that_was_not_judged_is_told_under_q_too(project: Project) -> None:
    project.write(test_it=PDB_OF_ONES_OWN)
    quiet = project.run("-q", shows_plugin=True).stdout
    quiet.fnmatch_lines_random(["    memory was not measured: a breakpoint was hit, *"])


def test_trace_which_stops_at_the_start_of_each_test(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(test_it=OVER.format(first="", last=""), conftest=GOES_ON)
    monkeypatch.syspath_prepend(project.path)
    result = project.run("--trace", "--pdbcls=conftest:GoesOn", shows_plugin=True)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["    not judged: *.* ms of CPU time, the limit is 1 ms"])


def test_a_breakpoint_in_one_test_leaves_the_next_one_judged(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(
        test_it=OVER.format(first="breakpoint()", last="")
        + """
    @pytest.mark.cf_limits(wall_ms=1)
    def test_next():
        time.sleep(0.002)
    """,
        conftest=GOES_ON,
    )
    monkeypatch.syspath_prepend(project.path)
    result = project.run("--pdbcls=conftest:GoesOn", shows_plugin=True)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["LIMITS test_it.py::test_next - *"])


def test_the_same_without_the_breakpoint_fails(project: Project) -> None:
    project.write(test_it=OVER.format(first="", last=""))
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["cpu-time: *", "wall-time: *"])


def test_a_debugger_that_is_attached(project: Project) -> None:
    project.write(
        test_it=OVER.format(
            first="trace = lambda *_: None; trace.__module__ = 'pydevd'; sys.gettrace = lambda: trace", last=""
        )
    )
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["    the debugger pydevd may have stopped the test meanwhile. *"])
    quiet = project.run("-q").stdout  # where the figures are not shown
    quiet.fnmatch_lines(["advice", "    the debugger pydevd may have stopped the test meanwhile. *"])
    quiet.no_fnmatch_line("CPU time")


def test_coverage_leaves_wall_time_and_not_cpu_time_over_the_limit(project: Project) -> None:
    project.write(
        test_it=OVER.format(
            first="trace = lambda *_: None; trace.__module__ = 'coverage.tracer'; sys.gettrace = lambda: trace", last=""
        )
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "wall-time: *.* ms from start to end, the limit is 1 ms",
            "    not judged: *.* ms of CPU time, the limit is 1 ms",
            "    coverage traced the test meanwhile, which takes CPU time of its own.",
        ]
    )
    result.stdout.no_fnmatch_line("cpu-time: *")


MEASURED = """
    import time

    import pytest

    def work():
        start = time.thread_time()
        while time.thread_time() - start < 0.005:
            pass

    @pytest.mark.cf_limits({keys})
    def test_it(cf_invocation):
        {first}
        work()
    """


@pytest.mark.parametrize(
    ("keys", "first", "option", "told", "way_out"),
    [
        ('memory="12 MB", cpu_ms=1', "", "auto", "tracemalloc measured the memory", "with --cf-memory=off"),
        ("trace=True, cpu_ms=1", "", "auto", "tracemalloc measured the memory", "with --cf-memory=off"),
        ("cpu_ms=1", "", "memray", "memray measured the memory", "with --cf-memory=off"),
        ("cpu_ms=1", "with cf_invocation(trace=True): pass", "auto", "tracemalloc measured the memory", "with *"),
        ("cpu_ms=1", "import tracemalloc as t; t.start(); t.stop()", "off", "tracemalloc traced the test", "without"),
    ],
)
def test_cpu_time_over_the_limit_is_not_judged_while_allocations_are_traced(
    project: Project, keys: str, first: str, option: str, told: str, way_out: str
) -> None:
    if option == "memray":
        pytest.importorskip("memray")
    project.write(test_it=MEASURED.format(keys=keys, first=first))
    result = project.run(f"--cf-memory={option}")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "    not judged: *.* ms of CPU time, the limit is 1 ms",
            f"    {told} meanwhile, which takes CPU time of its own.",
            f"    Run it {way_out} to have it judged; under the limit it counts as*",
        ]
    )


def test_cpu_time_is_judged_where_memory_is_not_measured(project: Project) -> None:
    project.write(test_it=MEASURED.format(keys='memory="12 MB", cpu_ms=1', first=""))
    result = project.run("--cf-memory=off")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["cpu-time: *.* ms of CPU time, the limit is 1 ms"])


def test_certificates_are_named(project: Project) -> None:
    project.write(
        test_it="""
        import ssl

        import httpx
        import pytest

        @pytest.mark.cf_limits(cpu_ms=0.1)
        def test_it():
            httpx.AsyncClient()
        """
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["    *.* ms of it went into certificates for SSL contexts, which no*"])


NO_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the cheap engine of memory is Linux's")


@pytest.fixture
def fragmented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let so much be free in the heap that the cheap engine of memory says it may not decide."""
    highwater = sys.modules["pytest_cfworkers.memory.highwater"]  # by its name another run's would be found
    monkeypatch.setattr(highwater.HighWater, "doubtful", True)


@NO_LINUX
@pytest.mark.usefixtures("fragmented")
def test_a_limit_of_cpu_time_alone_is_judged_whatever_is_free_in_the_heap(project: Project) -> None:
    """Auto would trace to decide about the plan's memory, which nobody has asked for."""
    project.write(test_it=OVER.format(first="", last="").replace(", wall_ms=1", ""))
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["cpu-time: * ms of CPU time, the limit is 1 ms"])


@NO_LINUX
@pytest.mark.usefixtures("fragmented")
def test_a_limit_of_memory_beside_it_is_traced_and_the_allowance_is_not_called_needless(project: Project) -> None:
    keys = "memory='64 MB', allow={'cpu-time': 'see #12'}"
    project.write(test_it=OVER.format(first="", last="").replace("wall_ms=1", keys))
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["    not judged: *.* ms of CPU time, the limit is 1 ms"])
    result.stdout.no_fnmatch_line("allowances that were not needed")


def test_an_allowance_of_cpu_time_where_the_plans_own_number_only_warns_is_not_needed(project: Project) -> None:
    project.write(
        test_it=OVER.format(first="", last="").replace("cpu_ms=1, wall_ms=1", "allow={'cpu-time': 'see #12'}")
    )
    result = project.run("--cf-plan=free", "--cf-cpu-scale=100")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["allowances that were not needed", "  cpu-time (see #12)  test_it.py::test_it"])
