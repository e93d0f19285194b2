"""With workers of xdist a run has the same outcomes, messages and summary as without."""

import pytest

from tests.integration.user_project import Project

TESTS = """
    import pytest
    from sending import leave_unread, send

    @pytest.mark.cf_limits(subrequests=1)
    def test_broken():
        send(2)

    @pytest.mark.cf_limits(allow={"unread-body": "see #12", "connections": "see #13"})
    def test_allowed():
        leave_unread()

    @pytest.mark.cf_limits
    @pytest.mark.parametrize("n", [1, 7, 7, 51])
    def test_fits(n):
        send(n)

    @pytest.mark.cf_limits(subrequests=1)
    @pytest.mark.xfail
    def test_expected():
        send(2)

    @pytest.mark.cf_limits(subrequests=1)
    def test_own_failure():
        send(2)
        assert 0

    def test_fixture(cf_ledger):
        send(3)

    def test_plain():
        send(99)
"""
HOOKS = """
    def pytest_cf_violation(item, violation):
        with open("told.txt", "a") as told:
            print(item.name, violation.rule, violation.observed, violation.limit, file=told)

    def pytest_cf_limits(item, limits):
        if item.name == "test_fixture":
            return limits.replace(subrequests=2)
"""


def summary(result: pytest.RunResult) -> list[str]:
    """Take the lines that must not differ: the summary without the CPU times, which are measured."""
    lines = result.outlines
    start = next(number for number, line in enumerate(lines) if "= limits of Cloudflare Workers =" in line)
    end = next(number for number, line in enumerate(lines) if number > start and line.startswith("===="))
    return [line for line in lines[start:end] if line and " ms / " not in line]


@pytest.mark.parametrize("mode", ["marked", "report"])
def test_the_same_with_and_without_workers(project: Project, mode: str) -> None:
    """Outcomes, summary, and what the hooks were told."""
    project.write(test_it=TESTS, conftest=HOOKS)
    told = project.path / "told.txt"
    alone = project.run(f"--cf-limits={mode}", "--tb=no")
    told_alone = sorted(told.read_text().splitlines())
    told.unlink()
    shared = project.run(f"--cf-limits={mode}", "--tb=no", "-n2", plugins=("xdist",))
    expected = {"failed": 3, "passed": 6} if mode == "marked" else {"failed": 1, "passed": 8}
    expected["xfailed"] = 1
    alone.assert_outcomes(**expected)
    shared.assert_outcomes(**expected)
    assert summary(alone) == summary(shared)
    assert sorted(told.read_text().splitlines()) == told_alone
    assert told_alone == [
        "test_broken subrequests 2 1",
        "test_expected subrequests 2 1",
        "test_fixture subrequests 3 2",
        "test_own_failure subrequests 2 1",
    ]


def test_the_message_and_the_letter_survive(project: Project) -> None:
    project.write(test_it=TESTS)
    result = project.run("-n2", "-v", "-k", "broken or own_failure", plugins=("xdist",))
    result.stdout.fnmatch_lines_random(
        [
            "*LIMITS*test_it.py::test_broken*",
            "*FAILED*test_it.py::test_own_failure*",
            "subrequests: 2 subrequests, the limit is 1",
            "          called from test_it.py:6 in test_broken",
            "*- limits of Cloudflare Workers that were broken, too -*",
            "* test_it.py::test_broken - subrequests: 2 subrequests, the limit is 1",
        ]
    )


def test_options_reach_the_workers(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line, the environment and the wrangler file hold in every process."""
    monkeypatch.setenv("PYTEST_CF_PLAN", "free")
    (project.path / "wrangler.toml").write_text("[limits]\nsubrequests = 3\n")
    project.write(test_it="from sending import send\n\ndef test_it():\n    send(4)\n\ndef test_two():\n    send(3)\n")
    result = project.run("-n2", "--cf-limits=enforce", plugins=("xdist",))
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["subrequests: 4 subrequests, the limit is 3*"])
