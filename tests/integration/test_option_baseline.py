"""`--cf-baseline`: only what is new or worse fails."""

import json

import pytest

from tests.integration.user_project import Project

CODE = """
    import asyncio
    import pytest
    from sending import send, send_at_once

    COUNT = 9

    @pytest.mark.cf_limits(subrequests=2)
    def test_known():
        send(COUNT)

    @pytest.mark.cf_limits(connections=2)
    def test_at_once():
        asyncio.run(send_at_once(4))
        assert True

    @pytest.mark.cf_limits
    def test_fits():
        send(1)
"""
BASE = "--cf-baseline=base.jsonl"


@pytest.fixture
def known(project: Project) -> Project:
    """Make a project with two known violations."""
    project.write(test_it=CODE)
    project.run(BASE, "--cf-baseline-update").assert_outcomes(passed=3)
    return project


@pytest.mark.parametrize("xdist", [False, True], ids=["alone", "xdist"])
def test_what_is_known_fails_nothing_and_is_shown(known: Project, *, xdist: bool) -> None:
    known.run().assert_outcomes(failed=2, passed=1)
    args, plugins = (["-n2"], ("xdist",)) if xdist else ([], ())
    result = known.run(BASE, *args, plugins=plugins)
    result.assert_outcomes(passed=3)
    assert result.ret is pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "subrequests",
            "* 9 / 2 * over, known *test_it.py::test_known",
            "=* baseline =*",
            "2 violations known to base.jsonl, which fail nothing",
            "  test_it.py::test_at_once: connections: 4 connections at once, the limit is 2",
            "  test_it.py::test_known: subrequests: 9 subrequests, the limit is 2",
        ]
    )


def test_moved_lines_and_renamed_variables_change_nothing(known: Project) -> None:
    known.write(test_it=CODE.replace("COUNT = 9", "# moved\n\n    NUMBER = 9").replace("COUNT", "NUMBER"))
    result = known.run(BASE)
    result.assert_outcomes(passed=3)
    result.stdout.no_fnmatch_line("*better*")


def test_what_is_worse_fails_and_is_shown_as_it_was_and_is(known: Project) -> None:
    known.write(test_it=CODE.replace("COUNT = 9", "COUNT = 10"))
    result = known.run(BASE)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "subrequests: 10 subrequests, the limit is 2",
            "1 worse than in base.jsonl",
            "  test_it.py::test_known: subrequests *sending.py::send < *: 9 before, now 10",
        ]
    )


def test_what_is_new_fails_and_what_is_known_is_not_in_its_message(known: Project) -> None:
    known.write(test_it=CODE.replace("send(COUNT)", "send(COUNT)\n    asyncio.run(send_at_once(7))"))
    # The seven are new subrequests, too: allow them, so that only the connections are new.
    known.write(test_it=CODE.replace("send(COUNT)", "send(2)\n        asyncio.run(send_at_once(7))"))
    result = known.run(BASE)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["connections: 7 connections at once, the limit is 6"])


def test_what_got_better_is_told_with_how_to_write_it_down(known: Project) -> None:
    known.write(test_it=CODE.replace("COUNT = 9", "COUNT = 8").replace("send_at_once(4)", "send_at_once(2)"))
    known.run(BASE).stdout.fnmatch_lines(
        [
            "1 violation known to base.jsonl, which fails nothing",
            "2 better than in base.jsonl: --cf-baseline-update writes it down",
            "  test_it.py::test_at_once: connections *: gone",
            "  test_it.py::test_known: subrequests *: 9 before, now 8",
        ]
    )


def test_under_report_only_what_is_new_would_fail(known: Project) -> None:
    result = known.run(BASE, "--cf-limits=report")
    result.stdout.no_fnmatch_line("*would fail with --cf-limits=enforce")
    known.write(test_it=CODE.replace("COUNT = 9", "COUNT = 10"))
    known.run(BASE, "--cf-limits=report").stdout.fnmatch_lines(["1 test would fail with --cf-limits=enforce"])


def test_the_same_violation_of_another_test_is_new(known: Project) -> None:
    known.write(test_it=CODE.replace("test_known", "test_other"))
    known.run(BASE).assert_outcomes(passed=2, failed=1)


def test_a_test_that_is_expected_to_fail_still_does(known: Project) -> None:
    known.write(
        test_it=CODE.replace("    @pytest.mark.cf_limits(sub", "    @pytest.mark.xfail\n    @pytest.mark.cf_limits(sub")
    )
    known.run(BASE).assert_outcomes(passed=2, xfailed=1)


def test_the_gate_on_violations_counts_none_that_is_known(known: Project) -> None:
    assert known.run(BASE, "--cf-gate=violations==0").ret is pytest.ExitCode.OK


def test_the_header_names_the_file_and_a_quiet_run_says_nothing_more(known: Project) -> None:
    known.run(BASE).stdout.fnmatch_lines(["cfworkers: *, baseline=base.jsonl"])
    known.run(BASE, "-q").stdout.no_fnmatch_line("*base*")


HEAD = json.dumps({"format": "pytest-cfworkers baseline", "schema": 1})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "*base.jsonl does not exist; write it first: pytest --cf-baseline=*base.jsonl --cf-baseline-update"),
        ("", "*base.jsonl is no baseline; name another file, or delete it and run: pytest *"),
        ("{}", "*base.jsonl is no baseline; *"),
        (
            "[1]",
            "*base.jsonl is damaged: line 1 is [[]1], no object; take it *, or delete it and run: pytest *",
        ),
        ("not json", "*base.jsonl is damaged: line 1 is not JSON; take it from version control, *"),
        (f"{HEAD}\n{HEAD[:20]}", "*base.jsonl is damaged: line 2 is not JSON; *"),
        (f"{HEAD}\n{{}}", "*base.jsonl is damaged: line 2 has no 'test'; *"),
        (
            f'{HEAD}\n{{"test": 1, "key": "k", "observed": 1, "limit": 1, "unit": ""}}',
            "*: line 2 has test=1, no text; *",
        ),
        (
            f'{HEAD}\n{{"test": "", "key": "k", "observed": "x", "limit": 1, "unit": ""}}',
            "*: line 2 has observed='x', no number; *",
        ),
        ("[" * 100_000, "*base.jsonl is damaged: line 1 is not JSON; *"),
        (f'{HEAD}\n{{"test": "", "line": 1}}', "*: line 2 has 'line', which means nothing; *"),
        (HEAD.replace("1}", "true}"), "*: line 1 has schema=True, no whole number; *"),
        (f"{HEAD}\n{HEAD.replace('1}', '2}')}", "*has version 2 of the format, *"),
        (HEAD.replace("1}", "2}"), "*has version 2 of the format, this pytest-cfworkers reads up to 1; update it: *"),
        (f"{HEAD}\n<<<<<<< ours\n=======\n>>>>>>> theirs\n", "*holds the marks of a merge conflict; keep the lines *"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_before_the_first_test(
    project: Project, text: str | None, said: str
) -> None:
    if text is not None:
        (project.path / "base.jsonl").write_text(text, encoding="utf-8")
    pytest.LineMatcher(project.refuse(BASE).splitlines()).fnmatch_lines([f"ERROR: --cf-baseline: {said}"])


def test_a_file_of_another_encoding_and_a_folder_are_refused(project: Project) -> None:
    (project.path / "base.jsonl").write_bytes(b"\xff\xfe")
    assert "base.jsonl cannot be read: " in project.refuse(BASE)
    assert "cannot be read: " in project.refuse("--cf-baseline=.")


def test_lines_of_two_branches_in_any_order_are_read_and_the_worse_of_two_counts(known: Project) -> None:
    path = known.path / "base.jsonl"
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    less = [line.replace('"observed": 9', '"observed": 8') for line in lines]
    path.write_text("\n".join([head, *reversed(lines), *less, ""]), encoding="utf-8")
    known.run(BASE).assert_outcomes(passed=3)
