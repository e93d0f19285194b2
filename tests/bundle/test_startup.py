"""What the start costs is measured in a fresh process, or said not to be."""

from pathlib import Path

import pytest

from pytest_cfworkers.bundle import startup
from pytest_cfworkers.bundle.upload import BundleError, of_folder, of_wrangler
from tests.bundle.worker import wrangler, write

BUSY = "total = 0\nfor number in range(300_000):\n    total += number\n"


def test_the_slowest_imports_are_named_and_are_part_of_the_whole(tmp_path: Path) -> None:
    write(tmp_path, "src/entry.py", "import sys\nprint('shown')\nprint('warned', file=sys.stderr)\nimport heavy.part\n")
    write(tmp_path, "python_modules/heavy/__init__.py", "")
    write(tmp_path, "python_modules/heavy/part.py", BUSY)
    start = startup.measure(of_wrangler(wrangler(tmp_path)))
    assert start.imports[0][0] == "heavy"
    assert start.cpu_ms > 1


def test_what_is_written_while_python_ends_hides_no_figure(tmp_path: Path) -> None:
    write(tmp_path, "index.py", "import atexit, sys\natexit.register(print, 'late', file=sys.stderr)\n")
    assert startup.measure(of_folder(tmp_path, None)).cpu_ms >= 0


def test_ones_own_modules_go_before_what_is_installed(tmp_path: Path) -> None:
    write(tmp_path, "index.py", "import pytest\nassert pytest.OWN\n")
    write(tmp_path, "pytest.py", "OWN = True\n")
    assert startup.measure(of_folder(tmp_path, None)).cpu_ms >= 0


def test_an_entry_in_a_package_below_the_base_is_imported_by_its_name(tmp_path: Path) -> None:
    write(tmp_path, "src/entry.py", "assert __name__ == 'src.entry'\n")
    base = 'main = "src/entry.py"\nbase_dir = "."\n'
    assert startup.measure(of_wrangler(wrangler(tmp_path, base))).cpu_ms >= 0


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("from workers import handler", "it imports workers, which only the platform has; `wrangler deploy` shows"),
        ("import js", "it imports js, which only the platform has"),
        ("import pyodide.ffi", "it imports pyodide, which only the platform has"),
        ("import not_there", "importing it here fails: No module named 'not_there'"),
        ("1 / 0", "importing it here fails: ZeroDivisionError: division by zero"),
        ("x = (", "importing it here fails: SyntaxError"),
        ("raise SystemExit(3)", "importing it here fails: SystemExit: 3"),
        ("import os; os._exit(7)", "importing it ended Python with status 7"),
    ],
)
def test_an_entry_that_cannot_be_imported_here_has_no_figure(tmp_path: Path, source: str, said: str) -> None:
    write(tmp_path, "index.py", source)
    with pytest.raises(BundleError) as error:
        startup.measure(of_folder(tmp_path, None))
    assert f"the startup of {tmp_path / 'index.py'} is not measured: " in str(error.value)
    assert said in str(error.value)


def test_a_folder_without_an_entry_has_no_figure(tmp_path: Path) -> None:
    write(tmp_path, "module.py")
    with pytest.raises(BundleError, match=r"is not measured: it has no index\.py, entry\.py or worker\.py"):
        startup.measure(of_folder(tmp_path, None))
