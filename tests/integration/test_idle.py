"""Who asks for nothing gets nothing: no imports, and no output but one line of the header."""

import re

import pytest

from pytest_cfworkers.keys import OPTIONS_HELP
from pytest_cfworkers.limits import LIMITS
from pytest_cfworkers.plugin.marks import FIXTURE_LIMITS
from pytest_cfworkers.plugin.options import OPTIONS
from pytest_cfworkers.timing_keys import TIMING_HELP
from tests.integration.user_project import OTHERS, Project

QUICK = ("-pno:anyio", *(f"-pno:{name}" for name in OTHERS))


def test_a_suite_that_asks_for_nothing(project: Project) -> None:
    """2,000 tests: neither a client of HTTP nor what guards it is imported, and nothing is shown."""
    project.write(
        test_it="\n".join(f"def test_{number}():\n    pass" for number in range(2_000)),
        conftest="""
        import sys

        def pytest_unconfigure():
            wanted = ("httpx", "httpx2", "anyio", "pytest_cfworkers.clients", "pytest_cfworkers.plugin.runtime",
                      "pytest_cfworkers.plugin.guard", "pytest_cfworkers.report")
            print("imported:", [name for name in wanted if name in sys.modules])
        """,
    )
    result = project.pytester.runpytest_subprocess(*QUICK)
    result.assert_outcomes(passed=2_000)
    result.stdout.fnmatch_lines(["cfworkers: limits=marked, plan=paid, connections=body", "imported: ??"])
    assert sum("cfworkers" in line for line in result.outlines if not line.startswith("plugins:")) == 1
    result.stdout.no_fnmatch_line("*Cloudflare*")


def test_of_each_test_only_its_marks_are_looked_at(project: Project) -> None:
    """And by nobody any more once something is guarded."""
    project.write(
        test_it="""
        import pytest

        @pytest.mark.cf_limits
        def test_marked():
            pass

        def test_plain():
            pass
        """,
        conftest="""
        PER_TEST = ("pytest_runtest_logreport", "pytest_runtest_protocol", "pytest_runtest_setup",
                    "pytest_runtest_call", "pytest_runtest_teardown", "pytest_runtest_makereport",
                    "pytest_fixture_setup", "pytest_pyfunc_call", "pytest_report_teststatus")

        def pytest_runtestloop(session):
            hooks = session.config.hook
            print("hooks:", [
                (name, type(implementation.plugin).__name__)
                for name in PER_TEST
                for implementation in getattr(hooks, name).get_hookimpls()
                if "cfworkers" in (implementation.plugin_name or "")
            ])
        """,
    )
    result = project.run("-s", "-k", "plain")
    result.stdout.fnmatch_lines(["*hooks: [[]('pytest_runtest_setup', 'LateMarks')[]]*"])
    project.run("-s").stdout.no_fnmatch_line("*LateMarks*")
    project.run("-s", "-k", "plain", "--cf-limits=off").stdout.fnmatch_lines(["*hooks: [[][]]*"])


def test_a_fixture_of_a_class_may_mark_it_where_nothing_else_is_guarded(project: Project) -> None:
    project.write(
        test_it="""
        import pytest
        from sending import send

        @pytest.fixture(scope="class")
        def tight(request):
            request.node.add_marker(pytest.mark.cf_limits(subrequests=2))

        def test_before():
            send(3)

        @pytest.mark.usefixtures("tight")
        class TestIt:
            def test_first(self):
                send(3)

            def test_second(self):
                send(3)

        def test_after():
            send(3)
        """
    )
    project.run().assert_outcomes(passed=2, failed=2)
    project.run("-n1", plugins=("xdist",)).assert_outcomes(passed=2, failed=2)


def test_without_the_plugin_all_of_it_is_gone(project: Project) -> None:
    project.write(test_it="def test_it(request):\n    pass\n")
    result = project.run("-p", "no:cfworkers")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("cfworkers: *")
    for args in (("--help",), ("--markers",), ("--fixtures", "-v")):
        text = project.run("-p", "no:cfworkers", *args).stdout.str()
        assert not re.search(r"(--|\b)cf[-_]\w+", text)
    assert "unrecognized arguments: --cf-limits=enforce" in project.refuse("-p", "no:cfworkers", "--cf-limits=enforce")


def test_without_the_plugin_its_mark_and_fixtures_are_unknown(project: Project) -> None:
    project.write(
        test_it="""
        import pytest

        @pytest.mark.cf_limits
        def test_mark():
            pass

        def test_fixture(cf_client):
            pass
        """
    )
    # Another process, because pytest remembers the marks that it was ever told of.
    result = project.pytester.runpytest_subprocess("-pno:cfworkers", *QUICK)
    result.assert_outcomes(passed=1, errors=1, warnings=1)
    result.stdout.fnmatch_lines(["*fixture 'cf_client' not found", "*Unknown pytest.mark.cf_limits *"])


def test_help_shows_every_option_by_every_route(project: Project) -> None:
    lines = project.run("--help").outlines
    for option in OPTIONS:
        shown = option.flag if option.switch else f"{option.flag}="
        assert any(line.lstrip().startswith(shown) for line in lines)
        assert any(re.match(rf" +{option.name} \((string|linelist)\)", line) for line in lines)
    text = " ".join(" ".join(lines).split())
    for option in OPTIONS:
        assert option.help in text
        assert option.variable in text


def test_markers_shows_every_key(project: Project) -> None:
    shown = project.run("--markers").stdout.str().splitlines()
    line = next(line for line in shown if line.startswith("@pytest.mark.cf_limits("))
    for limit in LIMITS:
        assert f"{limit.key}: {limit.help}" in line
    for key, text in OPTIONS_HELP.items():
        assert f"{key}: {text}" in line
    line = next(line for line in shown if line.startswith("@pytest.mark.cf_timing("))
    for key, text in TIMING_HELP.items():
        assert f"{key}: {text}" in line


def test_fixtures_shows_every_fixture(project: Project) -> None:
    lines = project.run("--fixtures", shows_plugin=True).outlines
    for name in FIXTURE_LIMITS:
        at = next(number for number, line in enumerate(lines) if line.startswith(f"{name} -- "))
        assert lines[at + 1].strip()
        assert "no docstring" not in lines[at + 1]


def test_every_option_has_a_file_of_tests(request: pytest.FixtureRequest) -> None:
    files = {path.stem for path in request.path.parent.glob("test_option_*.py")}
    assert {option.name.replace("cf_", "test_option_") for option in OPTIONS} <= files
