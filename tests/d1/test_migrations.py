"""Migrations are applied as wrangler applies them, and snapshots are independent."""

import asyncio
from pathlib import Path

import pytest

from pytest_cfworkers.d1.engine import Engine
from pytest_cfworkers.d1.migrations import MigrationError, apply_migrations, find_migrations
from pytest_cfworkers.d1.snapshot import Snapshot


def write(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        (directory / f"{name[1:]}.sql").write_text(text)
    return directory


def test_order_is_by_number_then_by_name(tmp_path: Path) -> None:
    write(tmp_path, _0002_b="SELECT 1", _10_c="SELECT 1", _0001_a="SELECT 1", _2_a="SELECT 1", _seed="SELECT 1")
    (tmp_path / "notes.txt").write_text("no migration")
    names = [migration.name for migration in find_migrations(tmp_path)]
    assert names == ["0001_a.sql", "0002_b.sql", "2_a.sql", "10_c.sql", "seed.sql"]


def test_a_pattern_finds_nested_files_and_their_names_hold_the_folder(tmp_path: Path) -> None:
    for name in ("0010_c", "0009_b", "x_seed", "2_a", ".hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "migration.sql").write_text(f'CREATE TABLE "{name}" (a)')
        (tmp_path / name / "notes.sql").write_text("never read")
    (tmp_path / "0001_flat.sql").write_text("never read")
    names = ["2_a/migration.sql", "0009_b/migration.sql", "0010_c/migration.sql", "x_seed/migration.sql"]
    assert [migration.name for migration in find_migrations(tmp_path, "*/migration.sql")] == names
    assert [migration.name for migration in find_migrations(tmp_path, "**/migration.sql")] == names
    assert apply_migrations(Engine(), tmp_path, pattern="*/migration.sql") == names
    (tmp_path / "0001_flat.sql").unlink()
    with pytest.raises(MigrationError, match=rf'Set migrations_pattern = "{tmp_path.name}/\*/migration\.sql"'):
        find_migrations(tmp_path)


def test_each_file_is_recorded_once(tmp_path: Path) -> None:
    write(tmp_path, _0001_a="-- first\nCREATE TABLE t (a);\nINSERT INTO t VALUES (1);\n")
    engine = Engine()
    assert apply_migrations(engine, tmp_path) == ["0001_a.sql"]
    write(tmp_path, _0002_b="INSERT INTO t VALUES (2)")
    assert apply_migrations(engine, tmp_path) == ["0002_b.sql"]
    assert apply_migrations(engine, tmp_path) == []
    rows = engine.answer("query", [("SELECT id, name FROM d1_migrations ORDER BY id", ())]).results[0][1]
    assert rows == [[1, "0001_a.sql"], [2, "0002_b.sql"]]


def test_an_error_names_file_and_line_and_keeps_what_came_before(tmp_path: Path) -> None:
    write(
        tmp_path,
        _0001_a="CREATE TABLE t (a)",
        _0002_b="-- note\nINSERT INTO t VALUES (1);\n\nINSERT INTO t\nVALUSE (2);\n",
    )
    engine = Engine()
    with pytest.raises(MigrationError, match=r"0002_b\.sql:5: near \"VALUSE\": syntax error"):
        apply_migrations(engine, tmp_path)
    assert engine.answer("query", [("SELECT count(*) FROM t", ())]).results[0][1] == [[0]]
    assert engine.answer("query", [("SELECT name FROM d1_migrations", ())]).results[0][1] == [["0001_a.sql"]]


def test_a_missing_directory_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match=r"No migrations present at .*migrations_dir"):
        Snapshot.migrated(tmp_path / "migrations")


def test_databases_of_one_snapshot_do_not_see_each_other(tmp_path: Path) -> None:
    write(tmp_path, _0001_a="CREATE TABLE t (a)")
    snapshot = Snapshot.migrated(tmp_path)

    async def story() -> list[int]:
        one, two = snapshot.database(), snapshot.database()
        first = await one.prepare("INSERT INTO t VALUES (1)").run()
        assert first.meta.last_row_id == 1
        return [await database.prepare("SELECT count(*) AS n FROM t").first("n") for database in (one, two)]

    assert asyncio.run(story()) == [1, 0]


def test_a_schema_file_can_take_the_place_of_migrations(tmp_path: Path) -> None:
    path = tmp_path / "schema.sql"
    path.write_text("CREATE TABLE t (a);\nCREATE TRIGGER x AFTER INSERT ON t BEGIN\n  SELECT 1;\nEND;\n")
    engine = Snapshot.of_script(path).engine()
    assert engine.answer("query", [("SELECT name FROM sqlite_schema WHERE name = 'x'", ())]).results[0][1]
    path.write_text("CREATE TABLE t (a);\nboom")
    with pytest.raises(MigrationError, match=r"schema\.sql:2: near \"boom\""):
        Snapshot.of_script(path)
