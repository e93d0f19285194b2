"""`merge` makes one report of several."""

from pathlib import Path

import pytest

from pytest_cfworkers.cli import main
from pytest_cfworkers.report import files
from pytest_cfworkers.report.run import Run
from tests.report.runs import record, run


@pytest.fixture
def shards(tmp_path: Path) -> list[str]:
    """Write the reports of two shards, each with one broken test of two."""
    paths = []
    for name in "ab":
        fits = record(f"{name}_fits", violations=(), outcome="passed", usage={})
        files.write(run(record(f"{name}_broken"), fits), tmp_path / f"{name}.json")
        paths.append(str(tmp_path / f"{name}.json"))
    return paths


def test_the_tests_of_all_are_in_one_file(
    shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    assert main(["merge", *shards, "-o", str(out)]) == 0
    assert [test.nodeid for test in files.read(out).tests] == ["a_broken", "a_fits", "b_broken", "b_fits"]
    assert files.read(out) == Run.merge(map(files.read, map(Path, shards)))
    assert capsys.readouterr().out == f"2 runs with 4 guarded tests: {out}\n"


@pytest.mark.parametrize("suffix", [".md", ".sarif"])
def test_other_reports_are_written_by_their_suffix(shards: list[str], tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    assert main(["merge", *shards, "-o", str(out), "-o", str(tmp_path / "out.json")]) == 0
    assert "a_broken" in out.read_text(encoding="utf-8")


def test_gates_judge_the_whole(shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out.json")
    args = ["merge", *shards, "-o", out, "--gate"]
    assert main([*args, "violations<=1"]) == 1
    assert "  failed   violations<=1  2 (2 of 4 tests); at most 1\n" in capsys.readouterr().out
    assert [gate.expression for gate in files.read(Path(out)).gates] == ["violations<=1"]
    assert main([*args, "violations<=2"]) == 0
    assert main([*args, "preset"]) == 1


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "pytest-cfworkers", "schema": 99}', "{"])
def test_a_report_that_cannot_be_used_is_named(
    shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(text, encoding="utf-8")
    out = tmp_path / "out.json"
    assert main(["merge", *shards, str(bad), "-o", str(out)]) == 2
    assert capsys.readouterr().err.startswith(f"{bad} ")
    assert not out.exists()
    assert main(["merge", *shards, str(tmp_path / "gone.json"), "-o", str(out)]) == 2


def test_what_cannot_be_written_is_named(shards: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "gone" / "out.json"
    assert main(["merge", *shards, "-o", str(out)]) == 2
    said = f"the folder {out.parent} does not exist; make it first, or choose another\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["-o", "out.txt"], "'out.txt' is no report; valid: a path that ends in .json, .html, .md, .sarif"),
        (["-o", "out.json", "--gate", "p95<1"], "'p95<1' is not valid; valid: perhaps p95_ms in the place of 'p95'"),
        ([], "the following arguments are required: -o/--output"),
    ],
)
def test_wrong_arguments_are_refused_with_what_is_valid(
    shards: list[str], capsys: pytest.CaptureFixture[str], args: list[str], said: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["merge", *shards, *args])
    assert said in capsys.readouterr().err
