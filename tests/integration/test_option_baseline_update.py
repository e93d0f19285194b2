"""`--cf-baseline-update`: writes down what is broken."""

import json
from typing import Any

import pytest

from tests.integration.user_project import Project

CODE = """
    import pytest
    from sending import send

    @pytest.mark.cf_limits(subrequests=1)
    @pytest.mark.parametrize("number", [2, 3])
    def test_it(number):
        send(number)
"""
UPDATE = ("--cf-baseline=base.jsonl", "--cf-baseline-update")


@pytest.fixture
def broken(project: Project) -> Project:
    project.write(test_it=CODE, test_other=CODE.replace("test_it", "test_other"))
    return project


def entries(project: Project) -> dict[str, Any]:
    _, *lines = (project.path / "base.jsonl").read_text(encoding="utf-8").splitlines()
    return {entry["test"]: entry["observed"] for entry in map(json.loads, lines)}


ALL = {
    "test_it.py::test_it[2]": 2,
    "test_it.py::test_it[3]": 3,
    "test_other.py::test_other[2]": 2,
    "test_other.py::test_other[3]": 3,
}


@pytest.mark.parametrize("xdist", [False, True], ids=["alone", "xdist"])
def test_it_writes_a_line_for_each_violation_sorted_and_fails_on_none(broken: Project, *, xdist: bool) -> None:
    args, plugins = (["-n2"], ("xdist",)) if xdist else ([], ())
    result = broken.run(*UPDATE, *args, plugins=plugins)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*base.jsonl written: 4 violations, 4 new, 0 gone"])
    text = (broken.path / "base.jsonl").read_text(encoding="utf-8")
    head, *lines = text.splitlines()
    assert json.loads(head) == {"format": "pytest-cfworkers baseline", "schema": 1}
    assert lines == sorted(lines)
    assert entries(broken) == ALL
    assert str(broken.path) not in text
    assert ".py:" not in text.replace(".py::", "")


def test_writing_it_again_changes_nothing(broken: Project) -> None:
    broken.run(*UPDATE)
    before = (broken.path / "base.jsonl").read_bytes()
    broken.run(*UPDATE).stdout.fnmatch_lines(["*written: 4 violations, 0 new, 0 gone"])
    assert (broken.path / "base.jsonl").read_bytes() == before
    assert [path.name for path in broken.path.glob("*.jsonl*")] == ["base.jsonl"]


@pytest.mark.parametrize("args", [["-k", "it and 2"], ["test_it.py::test_it[2]"], ["-m", "nothing"]])
def test_a_run_of_some_tests_keeps_what_is_known_of_others(broken: Project, args: list[str]) -> None:
    broken.run(*UPDATE)
    broken.run(*UPDATE, *args)
    assert entries(broken) == ALL


def test_a_run_of_some_files_keeps_what_is_known_of_others(broken: Project) -> None:
    broken.run(*UPDATE)
    broken.write(test_it=CODE.replace("2, 3", "2"))
    broken.run(*UPDATE, "test_it.py")
    assert entries(broken) == {test: seen for test, seen in ALL.items() if test != "test_it.py::test_it[3]"}


def test_what_is_mended_goes_and_what_is_less_is_written_down(broken: Project) -> None:
    broken.run(*UPDATE)
    broken.write(test_it=CODE.replace("send(number)", "send(number - 1)"))
    broken.run(*UPDATE).stdout.fnmatch_lines(["*written: 3 violations, 0 new, 1 gone"])
    others = {test: seen for test, seen in ALL.items() if "other" in test}
    assert entries(broken) == {"test_it.py::test_it[3]": 2, **others}


def test_what_is_known_of_a_file_that_is_no_more_goes(broken: Project) -> None:
    broken.run(*UPDATE)
    (broken.path / "test_other.py").unlink()
    broken.run(*UPDATE)
    assert entries(broken) == {test: seen for test, seen in ALL.items() if "other" not in test}


def test_a_run_that_stopped_early_forgets_nothing(broken: Project) -> None:
    broken.run(*UPDATE)
    broken.write(test_a="def test_a():\n    assert 0\n", test_it="def test_gone():\n    pass\n")
    broken.run(*UPDATE, "-x")
    assert entries(broken) == ALL


def test_a_test_that_fails_by_itself_forgets_nothing(broken: Project) -> None:
    broken.run(*UPDATE)
    broken.write(test_it=CODE.replace("send(number)", "assert 0"))
    broken.run(*UPDATE).assert_outcomes(failed=2, passed=2)
    assert entries(broken) == ALL


def test_a_damaged_file_is_not_overwritten(broken: Project) -> None:
    path = broken.path / "base.jsonl"
    path.write_text("precious", encoding="utf-8")
    assert "base.jsonl is damaged" in broken.refuse(*UPDATE)
    assert path.read_text(encoding="utf-8") == "precious"


def test_without_a_file_to_write_it_is_refused(broken: Project) -> None:
    text = broken.refuse("--cf-baseline-update")
    assert "--cf-baseline-update: there is no file to write; name it: --cf-baseline=FILE" in text


def test_a_folder_that_does_not_exist_is_refused_before_the_first_test(broken: Project) -> None:
    text = broken.refuse("--cf-baseline=gone/base.jsonl", "--cf-baseline-update")
    assert "the folder gone does not exist; make it first, or choose another" in text.replace(
        str(broken.path) + "/", ""
    )


def test_listing_tests_writes_nothing(broken: Project) -> None:
    broken.run(*UPDATE, "--collect-only")
    assert not (broken.path / "base.jsonl").exists()


def test_odd_names_cross_the_file(project: Project) -> None:
    odd = ["\\u2028", "<script>", "\\x1b[31m", '\\"', "\\U0001f600"]
    names = ", ".join(f'"{name}"' for name in odd)
    project.write(
        test_it=CODE.replace(
            '"number", [2, 3]', f'"number", [2], ids=["a"])\n    @pytest.mark.parametrize("odd", [{names}]'
        ).replace("(number):", "(number, odd):")
    )
    args = ("-o", "disable_test_id_escaping_and_forfeit_all_rights_to_community_support=true")
    project.run(*UPDATE, *args).assert_outcomes(passed=len(odd))
    project.run(UPDATE[0], *args).assert_outcomes(passed=len(odd))


@pytest.mark.parametrize("value", ["maybe", "true", "ON"])
def test_another_value_is_a_usage_error(broken: Project, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PYTEST_CF_BASELINE_UPDATE", value)
    text = broken.refuse("--cf-baseline=base.jsonl")
    assert f"variable PYTEST_CF_BASELINE_UPDATE: {value!r} is not valid; valid: off, on" in text


def test_the_flag_stands_alone(broken: Project) -> None:
    broken.run(*UPDATE, "test_it.py").assert_outcomes(passed=2)


def test_an_ini_file_and_a_variable_ask_for_it_too(broken: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    broken.ini(cf_baseline="base.jsonl", cf_baseline_update="on")
    broken.run().assert_outcomes(passed=4)
    assert entries(broken) == ALL
    monkeypatch.setenv("PYTEST_CF_BASELINE_UPDATE", "off")
    broken.write(test_it=CODE.replace("2, 3", "2, 4"))
    broken.run().assert_outcomes(passed=3, failed=1)
