"""The JSON file of a run: written by a test run, read by whoever merges, compares or draws."""

import json
from pathlib import Path
from typing import Final, final

from pytest_cfworkers.report.atomic import write_text
from pytest_cfworkers.report.run import SCHEMA, Run
from pytest_cfworkers.report.schema import FORMAT, mismatch

_AGAIN: Final = "write it again with --cf-report=NAME.json"


@final
class ReportError(Exception):
    """A file of a run that cannot be used; the text names it and says what to do."""


def write(run: Run, path: Path) -> None:
    """Write a run, whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    write_text(path, dump(run))


def dump(run: Run) -> str:
    """Return the text of the file: one line for each test, so that two files can be compared line by line."""
    data = {"format": FORMAT, **run.to_dict()}
    tests = data.pop("tests")
    head = json.dumps(data, ensure_ascii=False, indent=1)[: -len("\n}")]
    encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode  # a run is a tree
    lines = ",\n".join("  " + encode(test) for test in tests)
    return f'{head},\n "tests": [\n{lines}\n ]\n}}\n' if tests else f'{head},\n "tests": []\n}}\n'


def read(path: Path) -> Run:
    """Read a run.

    Raises:
        ReportError: The file is not there, is damaged, is of something else, or of a newer version; the text names
            the path and what to do.
    """
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}; {_AGAIN}") from None
    except (ValueError, RecursionError) as error:
        raise ReportError(f"{path} is damaged: it is not JSON ({error}); {_AGAIN}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ReportError(f"{path} is no report of pytest-cfworkers; valid: what --cf-report=NAME.json writes")
    schema = data.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise ReportError(
            f"{path} has version {schema} of the data, this pytest-cfworkers reads up to {SCHEMA}; "
            f"update it: pip install --upgrade pytest-cfworkers"
        )
    if damage := mismatch(data):
        raise ReportError(f"{path} is damaged: {damage}; {_AGAIN}")
    return Run.from_dict({key: value for key, value in data.items() if key != "format"})
