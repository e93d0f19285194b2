"""`python -m pytest_cfworkers` knows its commands, and ends quietly where nobody reads on."""

import subprocess
import sys

import pytest

from pytest_cfworkers.cli import main


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    shown = capsys.readouterr().out
    for command in ("limits", "doctor", "merge", "compare", "install"):
        assert f"\n    {command} " in shown


def test_without_a_command_it_is_refused_and_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "\n    doctor " in shown.err


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "pytest_cfworkers", "limits"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait() == 1
