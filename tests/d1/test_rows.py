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
        ("SELECT rank() OVER (ORDER BY v) FROM s", 17, 0),
        ("SELECT count(*) OVER () FROM s ORDER BY id", 17, 0),
        (
            "SELECT row_number() OVER (ORDER BY v, id), rank() OVER (ORDER BY v), count(*) OVER () FROM s ORDER BY id",
            43,
            0,
        ),
        ("SELECT row_number() OVER (PARTITION BY v ORDER BY id) FROM s", 20, 0),
        ("SELECT count(*) OVER () FROM e", 2, 0),
        ("SELECT id FROM e WHERE v > 1 UNION SELECT id FROM e WHERE v < 1 ORDER BY 1", 2, 0),
        ("SELECT id FROM s WHERE v > 'a' EXCEPT SELECT id FROM e WHERE v < 1 ORDER BY 1", 5, 0),
        ("CREATE TABLE copy AS SELECT * FROM s", 5, 6),
        ("INSERT OR IGNORE INTO s (u) VALUES (1), (2), (1)", 0, 4),
        ("INSERT INTO s (v, u) VALUES (1, 1), (2, 2)", 0, 4),
    ],
)
def test_coroutines_and_windows_count_as_they_do_in_the_runtime(sql: str, read: int, written: int) -> None:
    """As the real lane answers: what flows into a subroutine that nobody calls, or that is asked for rows, counts."""
    engine = Engine()
    for setup in (
        "CREATE TABLE s (id INTEGER PRIMARY KEY, v, u UNIQUE)",
        "INSERT INTO s (v) VALUES ('a'), ('b'), ('c'), ('c')",
        "CREATE TABLE e (id INTEGER PRIMARY KEY, v)",
        sql,
    ):
        meta = engine.answer("query", [(setup, ())]).results[0][2]
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


@pytest.mark.parametrize(
    ("sql", "read", "written"),
    [
        ("SELECT * FROM kv WHERE k = 'a'", 1, 0),
        ("SELECT * FROM kv WHERE k = 'c'", 0, 0),
        ("DELETE FROM kv WHERE k = 'a'", 1, 1),
        ("DELETE FROM kv WHERE k = 'c'", 0, 0),
        ("UPDATE t SET b = 0 WHERE id > 2", 2, 2),
        ("UPDATE t SET b = 0 WHERE id > 9", 1, 0),
        ("INSERT OR IGNORE INTO t VALUES (1, 1, 1), (9, 9, 9)", 2, 2),
        ("REPLACE INTO t VALUES (1, 1, 1)", 1, 2),
        (
            "INSERT INTO log WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r WHERE x<5) SELECT x FROM r",
            6,
            5,
        ),
        ("CREATE INDEX tb ON t (b)", 10, 5),
        ('CREATE INDEX main.tb ON "t" (b)', 10, 5),
        ("CREATE UNIQUE INDEX tb ON t (b) WHERE b > 3", 6, 2),
        ("CREATE INDEX IF NOT EXISTS ta ON t (b)", 0, 0),
        ("CREATE INDEX l ON log (x);", 2, 1),
        ("DROP INDEX IF EXISTS nope", 0, 0),
        ("ALTER TABLE made DROP COLUMN c", 70, 11),
    ],
)
def test_what_did_not_happen_is_not_counted(sql: str, read: int, written: int) -> None:
    """As the real runtime counts: keys not found, conflicts, indexes, columns that are not stored."""
    engine = Engine()
    for statement in _KEYED:
        engine.answer("query", [(statement, ())])
    meta = engine.answer("query", [(sql, ())]).results[0][2]
    assert (meta["rows_read"], meta["rows_written"]) == (read, written)


@pytest.mark.parametrize(
    ("sql", "written"), [("UPDATE parent SET k = k + 10", 6), ("INSERT INTO seen VALUES (1), (2), (3)", 6)]
)
def test_what_cascades_and_triggers_write_counts(sql: str, written: int) -> None:
    engine = Engine()
    for statement in _KEYED:
        engine.answer("query", [(statement, ())])
    assert engine.answer("query", [(sql, ())]).results[0][2]["rows_written"] == written


_KEYED = (
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)",
    "CREATE INDEX ta ON t (a)",
    "CREATE TABLE log (x)",
    "CREATE TABLE kv (k TEXT PRIMARY KEY, v)",
    "INSERT INTO kv VALUES ('a', 1), ('b', 2)",
    "INSERT INTO t VALUES (1, 'x', 1), (2, 'x', 2), (3, 'y', 3), (4, 'z', 4)",
    "CREATE TABLE parent (k INTEGER PRIMARY KEY)",
    "CREATE TABLE child (k REFERENCES parent ON UPDATE CASCADE)",
    "INSERT INTO parent VALUES (1), (2), (3)",
    "INSERT INTO child VALUES (1), (2), (2)",
    "CREATE TABLE seen (id INTEGER PRIMARY KEY)",
    "CREATE TRIGGER note AFTER INSERT ON seen BEGIN INSERT INTO log VALUES (new.id); END",
    "CREATE TABLE made (a, c AS (a + 1) VIRTUAL)",
    "INSERT INTO made VALUES (1), (2), (3)",
)


def test_dropping_reads_the_schema_and_once_more_for_each_tree() -> None:
    engine = Engine()
    for statement in _KEYED[:6]:
        engine.answer("query", [(statement, ())])
    dropped = [
        engine.answer("query", [(sql, ())]).results[0][2]["rows_read"]
        for sql in ("DROP INDEX ta", "DROP TABLE IF EXISTS log;", "DROP TABLE kv", "DROP TABLE t")
    ]
    assert dropped == [7, 6, 6, 3]
