"""Row counts are the runtime's, where the flow of a program determines them."""

import pytest

from pytest_cfworkers.d1.engine import Engine


@pytest.fixture(name="engine")
def _engine() -> Engine:
    engine = Engine()
    for sql in (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)",
        "CREATE INDEX ta ON t (a)",
        "CREATE TABLE log (x)",
        "INSERT INTO t VALUES (1, 'x', 1), (2, 'x', 2), (3, 'y', 3), (4, 'z', 4)",
    ):
        engine.answer("query", [(sql, ())])
    return engine


@pytest.mark.parametrize(
    ("sql", "read", "written"),
    [
        ("SELECT 1", 0, 0),
        ("SELECT * FROM t WHERE id = 2", 1, 0),
        ("SELECT * FROM t", 4, 0),
        ("SELECT * FROM t WHERE b > 2", 4, 0),
        ("SELECT count(*) FROM t", 4, 0),
        ("SELECT * FROM t ORDER BY b", 8, 0),
        ("INSERT INTO log VALUES (1)", 0, 1),
        ("INSERT INTO log VALUES (1), (2), (3)", 0, 3),
        ("INSERT INTO t (a, b) VALUES ('q', 9)", 0, 2),
        ("UPDATE t SET b = 0 WHERE id = 1", 1, 1),
        ("DELETE FROM t WHERE id = 1", 1, 1),
        ("DELETE FROM log", 0, 0),
    ],
)
def test_counts(engine: Engine, sql: str, read: int, written: int) -> None:
    meta = engine.answer("query", [(sql, ())]).results[0][2]
    assert (meta["rows_read"], meta["rows_written"]) == (read, written)


@pytest.mark.parametrize(
    ("sql", "read", "written"),
    [
        ("ALTER TABLE t ADD COLUMN c", 6, 1),
        ("ALTER TABLE t ADD COLUMN c CHECK (c > 0)", 7, 1),
        ("ALTER TABLE t ADD c INTEGER NOT NULL DEFAULT 5", 6, 1),
        ("ALTER TABLE t RENAME COLUMN a TO c", 38, 8),
        ('ALTER TABLE main."t" RENAME b TO c', 38, 8),
        ("ALTER TABLE t RENAME TO u", 27, 6),
        ("ALTER TABLE t DROP COLUMN b", 34, 9),
    ],
)
def test_alter_table_counts_the_rows_of_the_schema(engine: Engine, sql: str, read: int, written: int) -> None:
    """As recorded for a schema of four rows, the runtime's own included, of which two belong to the table."""
    meta = engine.answer("query", [(sql, ())]).results[0][2]
    assert (meta["rows_read"], meta["rows_written"]) == (read, written)
