"""Errors carry what Pyodide's carry, and survive pickling."""

import pickle

from pytest_cfworkers.d1 import D1Error, JsException
from pytest_cfworkers.d1.errors import Refused


def test_the_text_starts_with_the_name_and_the_message_lacks_it() -> None:
    error = D1Error.caused("D1_ERROR", "no such table: t: SQLITE_ERROR")
    assert str(error) == "Error: D1_ERROR: no such table: t: SQLITE_ERROR"
    assert error.message == "D1_ERROR: no such table: t: SQLITE_ERROR"
    assert isinstance(error.cause, JsException)
    assert error.cause.message == "no such table: t: SQLITE_ERROR"


def test_an_error_pickles_with_its_cause() -> None:
    copy = pickle.loads(pickle.dumps(D1Error.caused("D1_ERROR", "x")))  # noqa: S301 - its own bytes
    assert (type(copy), copy.name, copy.message, copy.cause.message) == (D1Error, "Error", "D1_ERROR: x", "x")
    refused = pickle.loads(pickle.dumps(Refused("y", kind="reset", position=3)))  # noqa: S301 - its own bytes
    assert (refused.reason, refused.kind, refused.position) == ("y", "reset", 3)
