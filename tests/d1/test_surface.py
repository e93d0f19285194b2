"""The binding shows what the platform has, and nothing else."""

import asyncio
import pickle
from collections.abc import Coroutine
from typing import Any

import pytest

from pytest_cfworkers.d1 import D1Database, D1Error, JsDict


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(coroutine)


def test_public_names_are_the_platforms() -> None:
    database = D1Database()
    session = database.withSession()
    assert {name for name in dir(database) if name[0] != "_"} == {
        "prepare",
        "batch",
        "exec",
        "withSession",
        "dump",
    }
    assert {name for name in dir(session) if name[0] != "_"} == {"prepare", "batch", "getBookmark"}
    statement = database.prepare("SELECT 1")
    assert {name for name in dir(statement) if name[0] != "_"} == {"bind", "run", "all", "first", "raw"}


def test_results_are_dictionaries_with_attributes() -> None:
    result = run(D1Database().prepare("SELECT 1 AS a, 2 AS items").all())
    assert type(result) is JsDict
    assert result.results[0].a == result["results"][0]["a"] == 1
    assert result.results[0]["items"] == 2
    assert callable(result.results[0].items)
    with pytest.raises(AttributeError):
        _ = result.nothing
    assert pickle.loads(pickle.dumps(result)) == result  # noqa: S301 - its own bytes


def test_names_like_integers_come_first_and_the_last_of_equal_names_wins() -> None:
    row = run(D1Database().prepare("SELECT 1 AS b, 2 AS '10', 3 AS '2', 4 AS b").first())
    assert list(row.items()) == [("2", 3), ("10", 2), ("b", 4)]


def test_bind_returns_another_statement() -> None:
    statement = D1Database().prepare("SELECT ? AS a")
    one, two = statement.bind(1), statement.bind(2)
    assert run(one.first("a")) == 1
    assert run(two.first("a")) == 2


def test_keywords_become_one_javascript_object() -> None:
    statement = D1Database().prepare("SELECT 1 AS a")
    assert run(statement.raw(columnNames=True)) == [["a"], [1]]
    assert run(statement.raw({"columnNames": True})) == [["a"], [1]]
    with pytest.raises(D1Error, match=r"Column not found \(\[object Object\]\)"):
        run(statement.first(column="a"))
    with pytest.raises(D1Error, match=r"D1_TYPE_ERROR.*\[object Object\]"):
        statement.bind(a=1)


def test_a_tuple_of_statements_is_not_sent() -> None:
    database = D1Database()
    with pytest.raises(TypeError, match="<class 'tuple'> cannot be sent over RPC"):
        run(database.batch((database.prepare("SELECT 1"),)))  # type: ignore[arg-type]


def test_a_failed_batch_leaves_nothing() -> None:
    async def story() -> int:
        database = D1Database()
        await database.exec("CREATE TABLE t (a UNIQUE)")
        insert = database.prepare("INSERT INTO t VALUES (?)")
        with pytest.raises(D1Error, match="UNIQUE constraint failed"):
            await database.batch([insert.bind(1), insert.bind(2), insert.bind(1)])
        return await database.prepare("SELECT count(*) AS n FROM t").first("n")  # type: ignore[no-any-return]

    assert run(story()) == 0


def test_documented_limits_are_stricter_than_local_ones() -> None:
    sql = f"SELECT max({','.join('?' * 33)})"
    with pytest.raises(D1Error, match="too many arguments on function max"):
        run(D1Database().prepare(sql).bind(*range(33)).first())
    assert run(D1Database(limits="local").prepare(sql).bind(*range(33)).raw()) == [[32]]
    too_big = D1Database().prepare("SELECT length(?)").bind("x" * 2_000_001)
    with pytest.raises(D1Error, match="string or blob too big: SQLITE_TOOBIG"):
        run(too_big.first())
    with pytest.raises(ValueError, match="'documented' or 'local'"):
        D1Database(limits="strict")  # type: ignore[arg-type]


def test_an_empty_path_is_no_database() -> None:
    with pytest.raises(ValueError, match="path is ''; it takes the path of a file, or ':memory:'"):
        D1Database("")
