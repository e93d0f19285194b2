"""Where an example of a docstring is written. Python names its code `<doctest module.function[0]>` and no file."""

import re
from collections.abc import Iterator
from types import FrameType
from typing import Any, Final

_NAME: Final = re.compile(r"<doctest (?P<name>.+)\[(?P<number>\d+)\]>")


def written_at(frame: FrameType) -> tuple[str, int, str] | None:
    """Tell in which file, at which line and in whose docstring the code of a frame is written.

    Returns:
        None where it is no example of a docstring, or where Python does not know its file.
    """
    named = _NAME.fullmatch(frame.f_code.co_filename)
    if named is None:
        return None
    for test in _tests_run_below(frame):
        if test.name == named["name"] and test.filename and test.lineno is not None:
            example = test.examples[int(named["number"])]
            return test.filename, test.lineno + example.lineno + frame.f_lineno, test.name
    return None


def _tests_run_below(frame: FrameType | None) -> Iterator[Any]:
    """Yield the docstrings whose examples are being run: `doctest` calls each one `test`."""
    while frame is not None:
        if frame.f_globals.get("__name__") == "doctest" and "test" in frame.f_locals:
            yield frame.f_locals["test"]
        frame = frame.f_back
