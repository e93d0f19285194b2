"""`doctor` shows what is there, what is missing, and how to get it."""

import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest

from pytest_cfworkers.cli import main
from pytest_cfworkers.commands import doctor
from pytest_cfworkers.lanes import installation
from pytest_cfworkers.lanes.installation import INSTALL_COMMAND, Status


@pytest.fixture(autouse=True)
def lane(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Status:
    """Let Node and the runtime be there."""
    ready = Status(ready=True, folder=tmp_path, versions={"workerd": "1.2", "node": "v22.0.0"}, problem="")
    monkeypatch.setattr(installation, "status", lambda: ready)
    return ready


def test_versions_of_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    for package in ("pytest", "httpx", "apsw", "httpx2", "pytest-xdist"):
        assert [package, version(package)] in [line[:2] for line in lines]
    assert ["Python", platform.python_version()] in [line[:2] for line in lines]
    assert ["Node", "v22.0.0"] in [line[:2] for line in lines]
    assert ["workerd", "workerd", "1.2"] in [line[:3] for line in lines]


def test_what_is_needed_is_what_is_installed_with_the_plugin() -> None:
    wanted = {re.split(r"[^\w.-]", text)[0] for text in requires("pytest-cfworkers") or () if "extra ==" not in text}
    assert {part.package for part in doctor.NEEDED} == wanted


def test_what_is_missing_is_named_with_the_command_that_gets_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_version(package: str) -> str:
        raise PackageNotFoundError(package)

    problem = f"workerd 1.2 is not installed. Run: {INSTALL_COMMAND}"
    none = Status(ready=False, folder=tmp_path, versions={"workerd": "1.2"}, problem=problem)
    monkeypatch.setattr(doctor, "version", no_version)
    monkeypatch.setattr(installation, "status", lambda: none)
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert "missing: measures memory precisely; get it: python -m pip install memray" in shown
    assert f"missing: {problem}" in shown
    assert "get it: https://nodejs.org" in shown
