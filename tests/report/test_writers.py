"""Each report that may be asked for can be written."""

from pathlib import Path

import pytest

from pytest_cfworkers.plugin import reports
from pytest_cfworkers.report.writers import render
from tests.report.runs import record, run


@pytest.mark.parametrize("suffix", reports._SUFFIXES)
def test_each_suffix_has_its_writer(suffix: str) -> None:
    for path in (Path(f"run{suffix}"), Path(f"RUN{suffix.upper()}")):
        assert "connections" in render(run(record()), path)


def test_another_suffix_has_none() -> None:
    with pytest.raises(ValueError, match=r"no report ends in '\.txt'"):
        render(run(), Path("run.txt"))
