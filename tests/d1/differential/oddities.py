"""Statements that a test seldom sends: refused ones, pragmas, limits, texts without a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.d1.differential.schemas import Table
    from tests.d1.differential.writer import Writer

_FIXED = (
    *(
        "SELEC 1",
        "SELECT",
        "",
        ";",
        " ",
        "-- nothing",
        "  -- nothing",
        "/* c */",
        "/* c */ SELECT 1",
        "SELECT 1 /* c",
    ),
    *(
        "SELECT 1; SELECT 2",
        "SELECT 1;;",
        "SELECT 1; -- c",
        "-- c\nSELECT 1",
        "SELECT 1 -- c",
        "SELECT 1 ;  ",
        "SELECT\n1",
    ),
    *(
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT s",
        "RELEASE s",
        "END",
        "VACUUM",
        "ATTACH ':memory:' AS x",
        "DETACH x",
    ),
    *(
        "CREATE TEMP TABLE x (a)",
        "CREATE TEMP VIEW x AS SELECT 1",
        "CREATE TABLE temp.x (a)",
        "SELECT * FROM temp.t0",
    ),
    *(
        "SELECT * FROM nope",
        "SELECT nope",
        "SELECT * FROM _cf_METADATA",
        "CREATE TABLE _cf_x (a)",
        "DROP TABLE _cf_METADATA",
    ),
    *(
        "SELECT 'abc",
        'SELECT "abc',
        'SELECT "abc" AS x',
        "SELECT [a]",
        "SELECT `a`",
        "SELECT x'0'",
        "SELECT x'00'",
        "SELECT 1e",
    ),
    *(
        "SELECT ?101",
        "SELECT ?0",
        "SELECT ?100",
        "SELECT :a",
        "SELECT @a",
        "SELECT $a",
        "SELECT ?2, ?1",
        "SELECT ?1, ?, ?1",
    ),
    *(
        "SELECT changes(), total_changes()",
        "SELECT last_insert_rowid()",
        "SELECT 1 AS a, 2 AS a",
        "SELECT 1 AS '', 2 AS ' '",
    ),
    *(
        "VALUES (1, 'a'), (2, 'b')",
        "SELECT 1 LIMIT 0",
        "SELECT 1 WHERE 0",
        "SELECT 1 LIMIT 'x'",
        "SELECT 1 LIMIT 1.5",
    ),
    *(
        "SELECT name, sql FROM sqlite_master ORDER BY name",
        "SELECT * FROM sqlite_sequence",
        "SELECT * FROM sqlite_schema",
    ),
    *(
        'SELECT * FROM json_each(\'[1,"a",null,{"b":2.5}]\')',
        "SELECT * FROM json_tree('{\"a\":[1]}')",
        "SELECT * FROM json_each('x')",
    ),
    *("SELECT * FROM pragma_table_info('t0')", "SELECT * FROM generate_series(1, 3)", "SELECT * FROM dbstat"),
    *(
        "WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c WHERE x < 9) SELECT * FROM c",
        "EXPLAIN COMMIT",
    ),
    *(
        "CREATE VIRTUAL TABLE f USING fts5(x)",
        "INSERT INTO f VALUES ('one two')",
        "SELECT * FROM f WHERE f MATCH 'one'",
    ),
    *(
        "SELECT highlight(f, 0, '<', '>') FROM f('two')",
        "CREATE VIRTUAL TABLE g USING rtree(id, a, b)",
        "DROP TABLE f",
    ),
    *(
        "SELECT 1; SELEC",
        "INSERT INTO t0 DEFAULT VALUES; SELECT total_changes()",
        "DROP TABLE nope",
        "DROP TABLE IF EXISTS nope",
    ),
    *(
        "SELECT 9223372036854775807, 9007199254740993, -9007199254740993",
        "SELECT 9223372036854775808",
        "SELECT 0x7fffffffffffffff",
    ),
    *(
        "SELECT 1e999, -1e999, 0.0, -0.0, 1e15, 1e16, 1e21, 1e-7",
        "SELECT 0.1 + 0.2, 1.0, 100.0, 1.5",
        "SELECT 9007199254740992.0",
    ),
    *(
        "SELECT zeroblob(3), x'00ff', ''",
        "SELECT CAST(x'61ff62' AS TEXT)",
        "SELECT char(0), char(97, 0, 98)",
        "SELECT NULL",
    ),
    *(
        "SELECT abs(-9223372036854775808)",
        "SELECT -9223372036854775808",
        "SELECT 9223372036854775807 + 1",
        "SELECT 1 / 0, 1 % 0",
    ),
    *(
        "SELECT 5 / 2, 5.0 / 2, '5' / 2, -5 % 3",
        "SELECT '1' = 1, 'a' < 1, x'61' = 'a'",
        "SELECT 'a' COLLATE nope",
        "SELECT unistr('a')",
    ),
    *(
        "SELECT julianday('2024-01-01')",
        "SELECT strftime('%Y-%J', '2024-01-01')",
        "SELECT date('nonsense')",
        "SELECT timediff('2024', '2023')",
    ),
    *(
        "SELECT json('{bad}')",
        "SELECT json_extract('{\"a\":1}', '$.a', '$.b')",
        "SELECT '{\"a\":[1,2]}' ->> '$.a[#-1]'",
        "SELECT json('[1.0,1e5]')",
    ),
    *(
        "ALTER TABLE nope ADD COLUMN a",
        "CREATE INDEX i ON nope (a)",
        "CREATE TRIGGER t AFTER INSERT ON nope BEGIN SELECT 1; END",
    ),
    *(
        "REPLACE INTO t0 DEFAULT VALUES",
        "INSERT INTO sqlite_master DEFAULT VALUES",
        "DELETE FROM sqlite_master",
        "UPDATE sqlite_master SET sql = 1",
    ),
    *(
        "CREATE TABLE sqlite_x (a)",
        "CREATE TABLE t9 (a, a)",
        "CREATE TABLE t9 (a PRIMARY KEY, b PRIMARY KEY)",
        "CREATE TABLE t9 ()",
    ),
)
_PRAGMAS = (
    *(
        "table_list",
        "table_info(t0)",
        "table_xinfo(t0)",
        "table_info('nope')",
        "index_list(t0)",
        "index_info(i_t0_1)",
        "index_xinfo(i_t0_1)",
    ),
    *(
        "foreign_key_list(t0)",
        "foreign_key_list(t1)",
        "foreign_key_check",
        "foreign_key_check(t1)",
        "quick_check",
        "quick_check(1)",
    ),
    *(
        "optimize",
        "data_version",
        "page_size",
        "user_version",
        "user_version = 5",
        "integrity_check",
        "journal_mode",
        "encoding",
    ),
    *(
        "foreign_keys",
        "foreign_keys = OFF",
        "FOREIGN_KEYS",
        "defer_foreign_keys = ON",
        "defer_foreign_keys",
        "recursive_triggers = 1",
    ),
    *(
        "case_sensitive_like = 1",
        "ignore_check_constraints = yes",
        "legacy_alter_table = 1",
        "reverse_unordered_selects = 2",
    ),
    *(
        "recursive_triggers",
        "compile_options",
        "function_list",
        "table_info",
        "index_list",
        "main.table_info(t0)",
        "case_sensitive_like",
    ),
)
# Each takes how many; what is asked for stands around the limit.
_LIMITS: tuple[tuple[tuple[int, ...], Callable[[int], str]], ...] = (
    ((5, 6), lambda count: " UNION ALL ".join(["SELECT 1"] * count)),
    ((100, 101), lambda count: f"SELECT {', '.join(['1'] * count)}"),
    ((99, 100, 101), lambda count: f"SELECT {'1 + ' * count}1"),
    ((127, 128), lambda count: f"SELECT max({', '.join(['1'] * count)})"),
    ((50, 51), lambda count: f"SELECT 'a' LIKE '{'a' * count}'"),
    ((50, 51), lambda count: f"SELECT 'a' GLOB '{'é' * (count // 2)}{'a' * (count % 2)}'"),
    ((100, 101), lambda count: f"CREATE TABLE wide ({', '.join(f'c{number}' for number in range(count))})"),
    ((100, 101), lambda count: f"SELECT 1 AS a ORDER BY {', '.join(['a'] * count)}"),
    ((99_999, 100_000, 100_001), lambda count: "SELECT 1 --" + "c" * (count - 11)),
    ((63, 64, 65), lambda count: f"SELECT 1 FROM {', '.join(f't0 x{number}' for number in range(count))}"),
    ((49, 100), lambda count: f"SELECT {'(' * count}1{')' * count}"),
)


def oddity(writer: Writer, tables: list[Table]) -> str:
    """Return a statement that is odd in one way."""
    kind = writer.number(0, 9)
    if kind <= 5:
        return writer.pick(_FIXED)
    if kind <= 7:
        return f"PRAGMA {writer.pick(_PRAGMAS)}"
    if kind == 8:
        counts, make = writer.pick(_LIMITS)
        return make(writer.pick(counts))
    return _broken(writer, writer.pick(tables))


def _broken(writer: Writer, table: Table) -> str:
    """Return a statement with a mistake at some place of it, for the offset that the error names."""
    column = writer.pick(table.columns)
    return writer.pick(
        [
            f"SELECT {column}, nope FROM {table.name}",
            f"SELECT {column} FROM {table.name} WHERE nofn({column})",
            f"SELECT 'é😀', {column} FROM {table.name} WHERE )",
            f"INSERT INTO {table.name} (nope) VALUES (1)",
            f"INSERT INTO {table.name} VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9)",
            f"UPDATE {table.name} SET {column} = 1, nope = 2",
            f"DELETE FROM {table.name} WHERE {table.name}.nope = 1",
            f"SELECT {column} FROM {table.name} GROUP BY 7",
            f"SELECT max({column}), min({column}, 1) FROM {table.name} WHERE max({column}) = 1",
            f"SELECT x.{column} FROM {table.name} x, {table.name} y WHERE {column} = 1",
            f"SELECT {column} FROM {table.name} UNION SELECT 1, 2",
            f"SELECT (SELECT 1, 2), {column} FROM {table.name}",
            f"SELECT row_number() OVER nope FROM {table.name}",
            f"INSERT INTO {table.name} ({column}) VALUES (1) ON CONFLICT (nope) DO NOTHING",
            f"INSERT INTO {table.name} ({column}) VALUES (1), (1, 2)",
        ]
    )
