"""The closest mark wins key by key: parameter, function, class, base class, module, and what a conftest adds."""

import pytest

from tests.integration.user_project import Project

MARK = "pytest.mark.cf_limits"


def subrequests_allowed(project: Project, **files: str) -> list[str]:
    """Run tests that send three requests; return the limit that each was told, "none" where it passed."""
    project.write(**files)
    result = project.run("--tb=short")
    return sorted(
        line.partition("the limit is ")[2] for line in result.outlines if line.startswith("subrequests: 3 subrequests")
    )


@pytest.mark.parametrize(
    ("module", "cls", "function", "expected"),
    [
        ("subrequests=1", "", "", ["1"]),
        ("subrequests=1", "subrequests=2", "", ["2"]),
        ("subrequests=1", "subrequests=2", "subrequests=0", ["0"]),
        ("subrequests=1", "subrequests=None", "", []),
        ("subrequests=None", "subrequests=2", "", ["2"]),
        ("subrequests=1", "connections=2", "unread_bodies=1", ["1"]),  # other keys leave it alone
        ("subrequests=1", "plan='free'", "plan='paid'", ["1"]),
    ],
)
def test_function_outweighs_class_outweighs_module(
    project: Project, module: str, cls: str, function: str, expected: list[str]
) -> None:
    source = f"""
        import pytest
        from sending import send

        pytestmark = {MARK}({module})

        @{MARK}({cls})
        class TestIt:
            @{MARK}({function})
            def test_it(self):
                send(3)
        """
    assert subrequests_allowed(project, test_it=source) == expected


def test_a_plan_of_the_class_and_a_number_of_the_module_are_joined(project: Project) -> None:
    project.write(
        test_it=f"""
        import pytest
        from sending import leave_unread, send

        pytestmark = {MARK}(unread_bodies=1)

        class TestIt:
            pytestmark = {MARK}(plan="free")

            def test_it(self):
                leave_unread()
                send(51)
        """
    )
    result = project.run()
    result.stdout.fnmatch_lines(["subrequests: 52 subrequests, the limit is 50 (free plan)"])
    result.stdout.no_fnmatch_line("unread-body: *")


def test_the_mark_of_a_parameter_outweighs_its_function(project: Project) -> None:
    source = f"""
        import pytest
        from sending import send

        @{MARK}(subrequests=1)
        @pytest.mark.parametrize("n", [3, pytest.param(3, marks={MARK}(subrequests=2), id="marked")])
        def test_it(n):
            send(n)
        """
    assert subrequests_allowed(project, test_it=source) == ["1", "2"]


def test_a_subclass_outweighs_its_base(project: Project) -> None:
    source = f"""
        import pytest
        from sending import send

        @{MARK}(subrequests=1)
        class Base:
            def test_it(self):
                send(3)

        class TestInherits(Base):
            pass

        @{MARK}(subrequests=2)
        class TestOverrides(Base):
            pass

        class TestOverridesInside(Base):
            pytestmark = [{MARK}(subrequests=0)]
        """
    assert subrequests_allowed(project, test_it=source) == ["0", "1", "2"]


def test_the_lower_of_two_decorators_is_the_closer_one(project: Project) -> None:
    source = f"""
        import pytest
        from sending import send

        @{MARK}(subrequests=1)
        @{MARK}(subrequests=2)
        def test_it():
            send(3)
        """
    assert subrequests_allowed(project, test_it=source) == ["2"]


ADDS = """
    import pytest

    def pytest_collection_modifyitems(items):
        for item in items:
            item.add_marker(pytest.mark.cf_limits(subrequests=2){append})
"""


@pytest.mark.parametrize(("append", "expected"), [("", ["0", "2"]), (", append=False", ["2", "2"])])
def test_what_a_conftest_adds_stands_where_pytest_puts_it(project: Project, append: str, expected: list[str]) -> None:
    """Behind the test's own mark, or before it with `append=False`; always before class and module."""
    source = f"""
        import pytest
        from sending import send

        pytestmark = {MARK}(subrequests=1)

        def test_without():
            send(3)

        @{MARK}(subrequests=0)
        def test_with():
            send(3)
        """
    assert subrequests_allowed(project, conftest=ADDS.format(append=append), test_it=source) == expected


FIXTURE = """
    import pytest
    from sending import send

    @pytest.fixture
    def tight(request):
        request.node.add_marker(pytest.mark.cf_limits(subrequests=2), append=False)
"""


def test_a_fixture_may_mark_the_test_that_uses_it(project: Project) -> None:
    """Also in a run where nothing else is guarded, and also a test that has a mark already."""
    source = f"""{FIXTURE}
    def test_it(tight):
        send(3)
    """
    assert subrequests_allowed(project, test_it=source) == ["2"]
    source += f"""
    def test_not_marked():
        send(3)

    @{MARK}(subrequests=1)
    def test_marked_too(tight):
        send(3)

    def test_guarded_by_a_fixture(tight, cf_ledger):
        send(3)
    """
    assert subrequests_allowed(project, test_it=source) == ["2", "2", "2"]


def test_a_wrong_mark_that_a_fixture_adds_fails_that_test(project: Project) -> None:
    project.write(
        test_it="""
        import pytest

        @pytest.fixture
        def wrong(request):
            request.node.add_marker(pytest.mark.cf_limits(subrequests=-1))

        def test_wrong(wrong):
            pass

        def test_right():
            pass
        """
    )
    result = project.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*_ test_wrong _*",
            "test_it.py:7 (a mark of test_wrong that is made elsewhere): subrequests=-1 is not a limit; *",
            "*short test summary info*",  # and nothing of how it came about
        ],
        consecutive=True,
    )
