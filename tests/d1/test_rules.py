"""What a statement may do."""

import pytest

from pytest_cfworkers.d1.engine import Engine
from pytest_cfworkers.d1.errors import Refused
from pytest_cfworkers.d1.rules import TRANSACTION_REFUSED, allows_pragma


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("BEGIN", TRANSACTION_REFUSED),
        ("EXPLAIN SAVEPOINT a", TRANSACTION_REFUSED),
        ("ATTACH ':memory:' AS x", "not authorized: SQLITE_AUTH"),
        ("CREATE TEMP TABLE x (a)", "not authorized: SQLITE_AUTH"),
        ("CREATE TABLE _CF_x (a)", "not authorized: SQLITE_AUTH"),
        ("ALTER TABLE t RENAME TO _cf_t", "not authorized: SQLITE_AUTH"),
        ("CREATE VIRTUAL TABLE v USING fts3(a)", "not authorized: SQLITE_AUTH"),
        ("PRAGMA journal_mode", "not authorized: SQLITE_AUTH"),
        (
            "SELECT sqlite_version()",
            "not authorized to use function: sqlite_version at offset 7: SQLITE_ERROR",
        ),
        ("SELECT median(1)", "no such function: median at offset 7: SQLITE_ERROR"),
        ("SELECT * FROM dbstat", "no such table: dbstat: SQLITE_ERROR"),
        ("SELECT * FROM carray", "no such table: carray: SQLITE_ERROR"),
        ("SELECT * FROM _cf_METADATA", "access to _cf_METADATA.key is prohibited: SQLITE_AUTH"),
    ],
)
def test_refused_statements(sql: str, reason: str) -> None:
    engine = Engine()
    engine.answer("query", [("CREATE TABLE t (a)", ())])
    with pytest.raises(Refused) as caught:
        engine.answer("query", [(sql, ())])
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("name", "argument", "allowed"),
    [
        ("foreign_keys", None, True),
        ("foreign_keys", "onward", True),
        ("foreign_keys", "'off'", True),
        ("foreign_keys", "2", False),
        ("table_info", "t", True),
        ("table_info", "_cf_x", False),
        ("table_info", None, False),
        ("page_size", None, True),
        ("page_size", "512", False),
        ("optimize", "0xfffe", True),
        ("optimize", "x", False),
        ("user_version", None, False),
    ],
)
def test_pragmas(name: str, argument: str | None, allowed: bool) -> None:
    assert allows_pragma(name, argument) is allowed
