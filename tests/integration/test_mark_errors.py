"""A wrong mark is a collection error that names its file and line, the value and what is valid."""

import html
from textwrap import dedent

import pytest

from tests.integration.user_project import Project

WRONG = {
    "subrequest=5": "cf_limits has no key 'subrequest'; valid keys: connections, unread_bodies, subrequests, *",
    "memory='2KBanana'": "memory='2KBanana' is not a size: *(units: B, KB, MB, GB, KiB, MiB, GiB; *",
    "memory=-1": "memory=-1 is not a size: *",
    "memory=True": "memory=True is not a size: *",
    "memory=1.5": "memory=1.5 is not a size: *",
    "plan='gold'": "plan='gold' is unknown; valid: free, paid",
    "plan=None": "plan=None is unknown; valid: free, paid",
    "plan=['free']": "plan=?'free'? is unknown; valid: free, paid",
    "connection_model='tcp'": "connection_model='tcp' is unknown; valid: body, headers",
    "allow=True": "allow=True is not a mapping; valid: {rule: reason}, rules: connections, *",
    "allow=['memory']": "allow=?'memory'? is not a mapping; *",
    "allow={'unread-body': ''}": "allow={'unread-body': ''} gives no reason; write why the rule may be broken",
    "allow={'unread-body': None}": "allow={'unread-body': None} gives no reason; *",
    "allow={'unread_body': 'why'}": "allow names the unknown rule 'unread_body'; valid rules: *unread-body*",
    "'free'": "cf_limits takes keys only, such as plan='free'; got 'free'",
    "6": "cf_limits takes keys only, such as plan='free'; got 6",
    "connections=0": "connections=0 is not a limit; valid: an int of at least 1, or None",
    "connections=True": "connections=True is not a limit; *",
    "subrequests=-1": "subrequests=-1 is not a limit; valid: an int of at least 0, or None",
    "subrequests=1.5": "subrequests=1.5 is not a limit; *",
    "subrequests='50'": "subrequests='50' is not a limit; *",
    "unread_bodies=False": "unread_bodies=False is not a limit; *",
    "internal_subrequests=-1": "internal_subrequests=-1 is not a limit; *",
    "d1_queries='many'": "d1_queries='many' is not a limit; *",
    "cpu_ms=0": "cpu_ms=0 is not a time; valid: a positive number of milliseconds, or None",
    "cpu_ms=-5": "cpu_ms=-5 is not a time; *",
    "cpu_ms=True": "cpu_ms=True is not a time; *",
    "wall_ms='5 s'": "wall_ms='5 s' is not a time; *, or a cut-off of the platform: wait_until, cron, queue, alarm",
    "wall_ms=float('nan')": "wall_ms=nan is not a time; *",
    "wall_ms=float('inf')": "wall_ms=inf is not a time; *",
    "subrequests=10**5000": "subrequests=<int that cannot be shown> is more than can ever be reached; *",
    "memory='9' * 5000": "memory='9999*…* is not a size: *",
    "plan=Unshowable()": "plan=<Unshowable that cannot be shown> is unknown; valid: free, paid",
    "allow={Unshowable(): 'why'}": "allow names the unknown rule <Unshowable that cannot be shown>; *",
}

UNSHOWABLE = """
class Unshowable:
    __hash__ = object.__hash__

    def __repr__(self):
        raise RuntimeError

    def __eq__(self, other):
        raise RuntimeError
"""


def test_every_wrong_value_is_named_with_its_line_and_what_is_valid(project: Project) -> None:
    """Each is one error; the tests beside them are not run unless that is asked for."""
    tests = "\n".join(
        f"\n@pytest.mark.cf_limits({keys})\ndef test_{number}():\n    pass\n" for number, keys in enumerate(WRONG)
    )
    project.write(test_it=f"import pytest\n{UNSHOWABLE}\ndef test_right():\n    pass\n{tests}")
    result = project.run()
    assert result.ret is pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=len(WRONG))
    lines = (project.path / "test_it.py").read_text().splitlines()
    for number, (keys, message) in enumerate(WRONG.items()):
        line = lines.index(f"@pytest.mark.cf_limits({keys})") + 1
        result.stdout.fnmatch_lines_random([f"test_it.py:{line}: {message}"])
        result.stdout.fnmatch_lines_random([f"ERROR test_it.py::test_{number} - *"])


PLACES = {
    "a decorator": """
        @pytest.mark.cf_limits(plan="gold")  # here
        def test_it():
            pass
        """,
    "a decorator over several lines": """
        @pytest.mark.usefixtures()
        @pytest.mark.cf_limits(  # here
            connections=6,
            plan="gold",
        )
        @pytest.mark.parametrize("n", [1])
        def test_it(n):
            pass
        """,
    "one of two decorators": """
        @pytest.mark.cf_limits(plan="free")
        @pytest.mark.cf_limits(plan="gold")  # here
        def test_it():
            pass
        """,
    "a decorator of a coroutine": """
        @pytest.mark.cf_limits(plan="gold")  # here
        async def test_it():
            pass
        """,
    "a decorator of a method": """
        class TestIt:
            @pytest.mark.cf_limits(plan="gold")  # here
            def test_it(self):
                pass
        """,
    "a decorator of a class": """
        @pytest.mark.cf_limits(plan="gold")  # here
        class TestIt:
            @pytest.mark.cf_limits(connections=2)
            def test_it(self):
                pass
        """,
    "the pytestmark of a class": """
        class TestIt:
            pytestmark = pytest.mark.cf_limits(plan="gold")  # here

            def test_it(self):
                pass
        """,
    "a decorator of a base class": """
        @pytest.mark.cf_limits(plan="gold")  # here
        class Base:
            def test_it(self):
                pass

        class TestIt(Base):
            pass
        """,
    "the pytestmark of a module": """
        pytestmark = pytest.mark.cf_limits(plan="gold")  # here

        def test_it():
            pass
        """,
    "a pytestmark with a type": """
        pytestmark: list[pytest.MarkDecorator] = [
            pytest.mark.cf_limits(plan="free"),
            pytest.mark.cf_limits(plan="gold"),  # here
        ]

        def test_it():
            pass
        """,
    "a parameter": """
        @pytest.mark.cf_limits(plan="free")
        @pytest.mark.parametrize("n", [
            1,
            pytest.param(2, marks=pytest.mark.cf_limits(plan="gold")),  # here
        ])
        def test_it(n):
            pass
        """,
    "a test case of unittest": """
        import unittest

        class TestIt(unittest.TestCase):
            @pytest.mark.cf_limits(plan="gold")  # here
            def test_it(self):
                pass
        """,
    "a name": """
        tight = pytest.mark.cf_limits(plan="gold")

        @tight
        def test_it():  # here
            pass
        """,
    "a decorated function": """
        import functools

        def twice(function):
            @functools.wraps(function)
            def wrapper():
                function()
                function()
            return wrapper

        @pytest.mark.cf_limits(plan="gold")  # here
        @twice
        def test_it():
            pass
        """,
}


@pytest.mark.parametrize("place", PLACES)
def test_the_line_is_that_of_the_mark(project: Project, place: str) -> None:
    source = "import pytest\n" + dedent(PLACES[place])
    project.write(test_it=source)
    line = next(number for number, text in enumerate(source.splitlines(), 1) if text.endswith("# here"))
    result = project.run()
    assert result.ret is pytest.ExitCode.INTERRUPTED
    if place == "a name":
        line -= 1  # the decorator
        result.stdout.fnmatch_lines([f"test_it.py:{line} (a mark of test_it that is made elsewhere): plan='gold' *"])
    else:
        result.stdout.fnmatch_lines([f"test_it.py:{line}: plan='gold' is unknown; valid: free, paid"])


def test_a_mark_that_a_conftest_adds_names_the_test(project: Project) -> None:
    project.write(
        conftest="""
        import pytest

        def pytest_collection_modifyitems(items):
            items[0].add_marker(pytest.mark.cf_limits(plan="gold"))
        """,
        test_it="def test_it():\n    pass\n",
    )
    project.run().stdout.fnmatch_lines(["test_it.py:1 (a mark of test_it that is made elsewhere): plan='gold' *"])


MIXED = """
    import pytest
    from sending import send

    @pytest.mark.cf_limits(plan="gold")
    @pytest.mark.parametrize("n", range(5))
    def test_wrong(n):
        pass

    @pytest.mark.cf_limits(connexions=2)
    class TestWrong:
        def test_one(self):
            pass

        def test_two(self):
            pass

    def test_right():
        pass

    @pytest.mark.cf_limits(subrequests=1)
    def test_broken():
        send(2)
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_the_others_run_with_continue_on_collection_errors(project: Project, workers: tuple[str, ...]) -> None:
    """One wrong mark is one error, however many tests have it."""
    project.write(test_it=MIXED)
    result = project.run("--continue-on-collection-errors", *workers, plugins=("xdist",))
    result.assert_outcomes(passed=1, failed=1, errors=2)
    assert result.ret is pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "test_it.py:4: plan='gold' is unknown; valid: free, paid",
            "4 more tests have this mark",
            "test_it.py:9: cf_limits has no key 'connexions'; *",
            "one more test has this mark",
            "ERROR test_it.py::test_wrong?0? - *",
            "ERROR test_it.py::TestWrong::test_one - *",
        ]
    )


@pytest.mark.parametrize("args", [("-n2",), ("--collect-only",), ("--strict-markers",), ("-q",), ("--tb=no",), ("-x",)])
def test_the_run_stops_without_it(project: Project, args: tuple[str, ...]) -> None:
    project.write(test_it=MIXED)
    result = project.run(*args, plugins=("xdist",))
    assert result.ret in {pytest.ExitCode.INTERRUPTED, pytest.ExitCode.TESTS_FAILED}
    if args != ("--tb=no",):
        result.stdout.fnmatch_lines(["test_it.py:4: plan='gold' is unknown; valid: free, paid"])


def test_what_is_deselected_is_not_looked_at(project: Project) -> None:
    project.write(test_it=MIXED)
    project.run("-k", "right").assert_outcomes(passed=1, deselected=8)


def test_strict_markers_know_the_mark(project: Project) -> None:
    project.write(test_it="import pytest\n\n@pytest.mark.cf_limits\ndef test_it():\n    pass\n")
    project.run("--strict-markers", "-W", "error").assert_outcomes(passed=1)


def test_junitxml_has_the_error(project: Project) -> None:
    project.write(test_it=MIXED)
    project.run("--junitxml=junit.xml")
    text = html.unescape((project.path / "junit.xml").read_text(encoding="utf-8"))
    assert "test_it.py:4: plan='gold' is unknown; valid: free, paid" in text
