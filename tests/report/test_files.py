"""The JSON file of a run: written whole, read with care."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from pytest_cfworkers.report.files import ReportError, read, write
from pytest_cfworkers.report.run import SCHEMA, Run
from tests.report.runs import record, run, runs


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=runs)
def test_what_is_written_is_read(tmp_path: Path, one: Run) -> None:
    write(one, tmp_path / "run.json")
    assert read(tmp_path / "run.json") == one


def test_each_test_is_one_line(tmp_path: Path) -> None:
    write(run(record("a"), record("b")), tmp_path / "run.json")
    lines = (tmp_path / "run.json").read_text(encoding="utf-8").splitlines()
    assert sum('"nodeid"' in line for line in lines) == 2


def test_half_a_surrogate_pair_is_an_escape(tmp_path: Path) -> None:
    one = run(record("test[\udc80]"))
    write(one, tmp_path / "run.json")
    assert b"\\udc80" in (tmp_path / "run.json").read_bytes()
    assert read(tmp_path / "run.json") == one


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is damaged: it is not JSON"),
        (b'{"format": "pytest-cfworkers", "tests": [', "is damaged: it is not JSON"),
        (b"\xff\xfe\x00", "is damaged: it is not JSON"),
        (b"[" * 100_000, "is damaged: it is not JSON"),
        (b"[]", "is no report of pytest-cfworkers"),
        (b'{"version": "2.1.0", "runs": []}', "is no report of pytest-cfworkers"),
        (b'{"format": "pytest-cfworkers", "schema": 1}', "is damaged: "),
        (b'{"format": "pytest-cfworkers", "schema": "1"}', "is damaged: "),
    ],
)
def test_what_is_no_report_is_refused_with_its_path_and_what_to_do(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(ReportError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path} {what}")
    assert "--cf-report=NAME.json" in str(caught.value)


def test_a_newer_one_is_refused_with_how_to_read_it(tmp_path: Path) -> None:
    data = {"format": "pytest-cfworkers", **run().to_dict(), "schema": SCHEMA + 1}
    (tmp_path / "run.json").write_text(json.dumps(data))
    with pytest.raises(ReportError, match=f"has version {SCHEMA + 1} of the data.*pip install --upgrade"):
        read(tmp_path / "run.json")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"none\.json cannot be read: No such file"):
        read(tmp_path / "none.json")
    with pytest.raises(ReportError, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.json"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write(run(), path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["run.json"]  # noqa: PTH208


def test_a_link_stays_a_link_and_permissions_stay(tmp_path: Path) -> None:
    (tmp_path / "real.json").touch(mode=0o600)
    (tmp_path / "run.json").symlink_to(tmp_path / "real.json")
    write(run(), tmp_path / "run.json")
    assert (tmp_path / "run.json").is_symlink()
    assert read(tmp_path / "real.json") == run()
    assert (tmp_path / "real.json").stat().st_mode & 0o777 == 0o600
