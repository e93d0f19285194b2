"""What the engine does around SQLite."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers.d1 import D1Database, D1Error
from pytest_cfworkers.d1.connection import DatabaseFileError
from pytest_cfworkers.d1.engine import Engine
from pytest_cfworkers.d1.errors import Refused
from pytest_cfworkers.d1.limited_writes import RowKey, rewrite


def rows(engine: Engine, sql: str, *params: Any) -> list[list[Any]]:
    return engine.answer("query", [(sql, params)]).results[0][1]


def meta(engine: Engine, sql: str, *params: Any) -> dict[str, Any]:
    return engine.answer("query", [(sql, params)]).results[0][2]


def test_a_file_keeps_the_data(tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite"
    engine = Engine(path)
    rows(engine, "CREATE TABLE t (a)")
    rows(engine, "INSERT INTO t VALUES (5)")
    engine.store.close()
    assert rows(Engine(path), "SELECT a FROM t") == [[5]]


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are notes, not a database, and long enough to have a header" * 20)
    before = path.read_bytes()
    with pytest.raises(DatabaseFileError, match=r"notes\.txt: the file is not an SQLite database"):
        D1Database(path)
    assert path.read_bytes() == before


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseFileError, match=r"the directory .*nowhere does not exist"):
        D1Database(tmp_path / "nowhere" / "x.sqlite")


def test_explain_again_follows_a_changed_schema() -> None:
    """SQLite would read tables that are gone, and end the process, if it had a compiled form of the text."""
    engine = Engine()
    for _ in range(3):
        rows(engine, "CREATE TABLE t (a UNIQUE)")
        assert rows(engine, "EXPLAIN INSERT INTO t VALUES (1)")
        assert meta(engine, "EXPLAIN INSERT INTO t VALUES (1)")["rows_written"] == 0
        rows(engine, "INSERT INTO t VALUES (?)", "a")
        rows(engine, "DROP TABLE t")
        with pytest.raises(Refused, match="no such table: t"):
            rows(engine, "EXPLAIN INSERT INTO t VALUES (1)")


def test_a_rule_holds_for_a_text_that_was_refused_before() -> None:
    engine = Engine()
    rows(engine, "CREATE TABLE t (a)")
    for _ in range(3):
        with pytest.raises(Refused, match="not authorized: SQLITE_AUTH"):
            rows(engine, "ALTER TABLE t RENAME TO _cf_t")


def test_a_leading_statement_that_stands_on_a_row_takes_the_object_with_it() -> None:
    engine = Engine()
    rows(engine, "CREATE TABLE t (a)")
    with pytest.raises(Refused, match="internal error") as refused:
        rows(engine, "INSERT INTO t VALUES (1) RETURNING a; SELECT 1", 5.0)
    assert refused.value.kind == "reset"
    assert rows(engine, "SELECT * FROM t") == []


def test_the_same_statement_again_follows_a_changed_schema() -> None:
    engine = Engine()
    rows(engine, "CREATE TABLE t (a)")
    rows(engine, "INSERT INTO t VALUES (1)")
    assert engine.answer("query", [("SELECT * FROM t", ())]).results[0][0] == ["a"]
    rows(engine, "ALTER TABLE t ADD COLUMN b DEFAULT 2")
    assert engine.answer("query", [("SELECT * FROM t", ())]).results[0][:2] == (["a", "b"], [[1, 2]])
    rows(engine, "DROP TABLE t")
    with pytest.raises(Refused, match="no such table: t"):
        rows(engine, "SELECT * FROM t")


def test_meta_of_the_short_way_is_that_of_the_long_way() -> None:
    """The first run of a text takes the long way, the next ones the short way."""
    engine = Engine()
    rows(engine, "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE)")
    keys = ("changes", "changed_db", "rows_read", "rows_written", "size_after")
    metas = [meta(engine, "INSERT INTO t (a) VALUES (?)", float(number)) for number in range(5)]
    assert len({tuple(one[key] for key in keys) for one in metas}) == 1
    assert [one["last_row_id"] for one in metas] == [1, 2, 3, 4, 5]
    assert [meta(engine, "SELECT * FROM t WHERE id = ?", 3.0)["rows_read"] for _ in range(3)] == [1, 1, 1]


def test_size_grows_and_shrinks_with_the_pages() -> None:
    engine = Engine()
    rows(engine, "CREATE TABLE t (a)")
    empty = meta(engine, "SELECT 1")["size_after"]
    sizes = [meta(engine, "INSERT INTO t VALUES (zeroblob(3000))")["size_after"] for _ in range(20)]
    assert sizes == sorted(sizes)
    assert sizes[-1] > empty
    assert meta(engine, "DELETE FROM t")["size_after"] == empty


def test_sqlites_own_roll_back_resets_the_object() -> None:
    engine = Engine()
    rows(engine, "CREATE TABLE t (a INTEGER PRIMARY KEY)")
    rows(engine, "INSERT INTO t VALUES (1)")
    with pytest.raises(Refused, match="internal error; reference = ") as caught:
        rows(engine, "INSERT OR ROLLBACK INTO t VALUES (1)")
    assert caught.value.kind == "reset"
    assert rows(engine, "SELECT a FROM t") == [[1]]


def test_a_violated_deferred_key_resets_the_object() -> None:
    async def story() -> int:
        database = D1Database()
        await database.exec("CREATE TABLE p (id INTEGER PRIMARY KEY)")
        await database.exec("CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED)")
        with pytest.raises(D1Error, match="Durable Object was reset and rolled back") as caught:
            await database.prepare("INSERT INTO c VALUES (9)").run()
        assert caught.value.cause is None
        return await database.prepare("SELECT count(*) AS n FROM c").first("n")  # type: ignore[no-any-return]

    assert asyncio.run(story()) == 0


@pytest.mark.parametrize(
    ("sql", "left"),
    [
        ("DELETE FROM t ORDER BY a DESC LIMIT 2", [1, 2]),
        ("DELETE FROM t WHERE a > 1 ORDER BY a LIMIT 1 OFFSET 1", [1, 2, 4]),
        ("UPDATE t SET a = a * 10 WHERE a < 4 ORDER BY a LIMIT 1", [2, 3, 4, 10]),
    ],
)
def test_writes_with_a_limit(sql: str, left: list[int]) -> None:
    for table in ("t (a INTEGER)", "t (a INTEGER PRIMARY KEY) WITHOUT ROWID", "t (rowid, a INTEGER)"):
        engine = Engine()
        rows(engine, f"CREATE TABLE {table}")
        rows(engine, "INSERT INTO t (a) VALUES (1), (2), (3), (4)")
        rows(engine, sql)
        assert rows(engine, "SELECT a FROM t ORDER BY a") == [[value] for value in left]


def test_errors_of_a_rewritten_text_point_into_the_original() -> None:
    engine = Engine()
    rows(engine, "CREATE TABLE t (a)")
    with pytest.raises(Refused, match="no such column: nope at offset 20:"):
        rows(engine, "DELETE FROM t WHERE nope = 1 LIMIT 1")
    assert rewrite("SELECT 1 LIMIT 1", lambda _: RowKey(("rowid",))) is None


def test_like_sees_blobs_and_damaged_text_is_shown() -> None:
    engine = Engine()
    assert rows(engine, "SELECT x'61' LIKE 'A', x'61' LIKE 'b'") == [[1, 0]]
    assert rows(
        engine, "SELECT x'61' GLOB 'a', x'61' GLOB '[a-c]', 'b' GLOB '[^a]', ']' GLOB '[]]', 'a' GLOB '[a'"
    ) == [[1, 1, 1, 1, 0]]
    rows(engine, "PRAGMA case_sensitive_like = ON")
    assert rows(engine, "SELECT x'61' LIKE 'A', 'a' LIKE 'A', 'a' LIKE 'a'") == [[0, 0, 1]]
    assert rows(engine, "SELECT CAST(x'61ff' AS TEXT)") == [["a\ufffd"]]
    assert rows(engine, "SELECT length(?)", "\ud800") == [[3]]


@given(st.text(alphabet="ab%_[]^-*?c", max_size=8), st.text(alphabet="abc]^-", max_size=6))
def test_like_and_glob_are_sqlites(pattern: str, text: str) -> None:
    """The functions that take the place of SQLite's give what SQLite gives for text."""
    sql = "SELECT ? LIKE ?, ? GLOB ?, ? LIKE ? ESCAPE 'c'"
    values = (text, pattern) * 3
    try:
        [expected] = _PLAIN.execute(sql, values).fetchall()
    except apsw.Error:
        return
    assert rows(_REPLACED, sql, *values) == [list(expected)]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_like_and_glob_see_a_number_as_sqlite_writes_it(number: float) -> None:
    written = _PLAIN.execute("SELECT CAST(? AS TEXT)", (number,)).get
    assert rows(_REPLACED, "SELECT ?1 LIKE ?2, ?1 GLOB ?2", number, written) == [[1, 1]]


_PLAIN = apsw.Connection(":memory:")
_REPLACED = Engine()
_REPLACED.store.blob_like.activate()


def test_a_limited_update_from_another_table_changes_as_many_rows() -> None:
    engine = Engine()
    for sql in (
        "CREATE TABLE t (a PRIMARY KEY, c) WITHOUT ROWID",
        "CREATE TABLE u (x)",
        "INSERT INTO u VALUES (7), (7)",
    ):
        rows(engine, sql)
    rows(engine, "INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)")
    rows(engine, "UPDATE t AS q SET c = ? + x FROM u WHERE q.a <= x ORDER BY q.a DESC LIMIT ? -- two", 1.0, 2.0)
    assert rows(engine, "SELECT * FROM t") == [[1, 0], [2, 8], [3, 8]]


@pytest.mark.parametrize("values", ["(1, 2, 3)", "(1)", "x", "(SELECT 1)"])
def test_a_limited_update_with_too_many_or_too_few_values_is_refused_and_changes_nothing(values: str) -> None:
    engine = Engine()
    for setup in ("CREATE TABLE t (a, c)", "CREATE TABLE u (x)", "INSERT INTO t VALUES (1, 0), (2, 0)"):
        rows(engine, setup)
    with pytest.raises(Refused, match=r"2 columns assigned \d values: SQLITE_ERROR"):
        rows(engine, f"UPDATE t SET (a, c) = {values} FROM u LIMIT 1")
    assert rows(engine, "SELECT count(*), sum(c) FROM t") == [[2, 0]]


def test_a_limit_on_a_view_limits_what_its_trigger_does() -> None:
    engine = Engine()
    rows(engine, "CREATE TABLE t (a, c)")
    rows(engine, "CREATE VIEW v AS SELECT * FROM t")
    rows(engine, "CREATE TRIGGER w INSTEAD OF DELETE ON v BEGIN DELETE FROM t WHERE a = old.a; END")
    rows(engine, "INSERT INTO t VALUES (1, NULL), (2, NULL), (3, NULL)")
    rows(engine, "DELETE FROM v ORDER BY a DESC LIMIT 1")
    assert rows(engine, "SELECT a FROM t") == [[1], [2]]
    rows(engine, "DELETE FROM v ORDER BY a")  # which SQLite refuses on a table
    assert rows(engine, "SELECT a FROM t") == []


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("DELETE FROM t ORDER BY a", "ORDER BY without LIMIT on DELETE: SQLITE_ERROR"),
        ("UPDATE t SET a = 1 ORDER BY a", "ORDER BY without LIMIT on UPDATE: SQLITE_ERROR"),
        ("DELETE FROM nope ORDER BY a", "no such table: nope: SQLITE_ERROR"),
        ("DELETE FROM t LIMIT 1 OFFSET", "incomplete input: SQLITE_ERROR"),
        (
            "DELETE FROM t WHERE 'é' = a LIMIT 1 RETURNING a",
            'near "RETURNING": syntax error at offset 37: SQLITE_ERROR',
        ),
        ("UPDATE t SET order = 1 LIMIT 1", 'near "order": syntax error at offset 13: SQLITE_ERROR'),
    ],
)
def test_wrong_limited_writes_are_refused_in_the_words_of_a_sqlite_that_knows_them(sql: str, error: str) -> None:
    engine = Engine()
    rows(engine, "CREATE TABLE t (a)")
    with pytest.raises(Refused) as caught:
        rows(engine, sql)
    assert caught.value.reason == error


def test_threads_take_turns() -> None:
    database = D1Database()
    asyncio.run(database.exec("CREATE TABLE t (a)"))

    def insert(number: int) -> None:
        for _ in range(25):
            asyncio.run(database.prepare("INSERT INTO t VALUES (?)").bind(number).run())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(insert, range(4)))
    assert asyncio.run(database.prepare("SELECT count(*) AS n FROM t").first("n")) == 100


def test_a_batch_of_a_known_statement_fails_at_the_first_that_has_another_number_of_values() -> None:
    database = D1Database()
    insert = database.prepare("INSERT INTO t VALUES (?, ?)")

    async def use() -> list[dict[str, int]]:
        await database.exec("CREATE TABLE t (a, b)")
        await database.batch([insert.bind(1, 2)] * 3)
        for values in ((1,), (1, 2, 3), ()):
            with pytest.raises(D1Error, match="D1_ERROR: Wrong number of parameter bindings for SQL query"):
                await database.batch([insert.bind(3, 4), insert.bind(5, 6), insert.bind(*values)])
        return list((await database.prepare("SELECT count(*) AS count FROM t").all()).results)

    assert asyncio.run(use()) == [{"count": 3}]


def test_each_result_of_a_batch_has_the_meta_of_its_own_moment() -> None:
    database = D1Database()
    insert = database.prepare("INSERT OR IGNORE INTO t VALUES (?, ?)")

    async def metas() -> list[tuple[int, int, bool, int]]:
        await database.exec("CREATE TABLE t (a INTEGER PRIMARY KEY, b)")
        await database.batch([insert.bind(1, "x")])
        await database.batch([insert.bind(2, "x")])
        results = await database.batch([insert.bind(number, "x" * 3000) for number in (3, 3, 4, 3, 5)])
        return [
            (result.meta.changes, result.meta.last_row_id, result.meta.changed_db, result.meta.size_after)
            for result in results
        ]

    page = 4096
    (first, size), *others = [(tuple(meta[:3]), meta[3]) for meta in asyncio.run(metas())]
    assert first == (1, 3, True)
    assert others == [
        ((0, 3, False), size),
        ((1, 4, True), size + 2 * page),
        ((0, 4, False), size + 2 * page),
        ((1, 5, True), size + 3 * page),
    ]
