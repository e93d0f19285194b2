"""Reading wrangler's configuration in its three spellings."""

import datetime as dt
import os
from pathlib import Path

import pytest

from pytest_cfworkers.wrangler import FILE_NAMES, Wrangler, WranglerError

TOML = """
name = "api"
compatibility_date = "2026-04-09"
[limits]
cpu_ms = 50
subrequests = 20
"""
JSONC = """{
    // the Worker
    "name": "api", /* as deployed */
    "compatibility_date": "2026-04-09",
    "limits": {"cpu_ms": 50, "subrequests": 20,},
}"""
JSON = '{"name": "api", "compatibility_date": "2026-04-09", "limits": {"cpu_ms": 50, "subrequests": 20}}'


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(WranglerError) as caught:
        Wrangler.read(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"), [("wrangler.toml", TOML), ("wrangler.jsonc", JSONC), ("wrangler.json", JSON)]
)
def test_the_three_spellings_mean_the_same(tmp_path: Path, name: str, text: str) -> None:
    path = write(tmp_path, name, text)
    assert Wrangler.read(path) == Wrangler(path=path, cpu_ms=50, subrequests=20, compatibility_date=dt.date(2026, 4, 9))


def test_comments_are_understood_in_json_too(tmp_path: Path) -> None:
    """Wrangler reads both with the same parser."""
    assert Wrangler.read(write(tmp_path, "wrangler.json", JSONC)).cpu_ms == 50


@pytest.mark.parametrize(("name", "text"), [("wrangler.toml", ""), ("wrangler.jsonc", "{}"), ("wrangler.json", "{}")])
def test_what_is_not_set_is_none(tmp_path: Path, name: str, text: str) -> None:
    path = write(tmp_path, name, text)
    wrangler = Wrangler.read(path)
    assert wrangler == Wrangler(path=path)
    assert str(wrangler) == name


def test_it_names_the_file_and_what_it_sets(tmp_path: Path) -> None:
    wrangler = Wrangler.read(write(tmp_path, "wrangler.toml", TOML))
    assert str(wrangler) == "wrangler.toml: cpu_ms=50, subrequests=20, compatibility_date=2026-04-09"


def test_a_date_of_toml_is_a_date(tmp_path: Path) -> None:
    path = write(tmp_path, "wrangler.toml", "compatibility_date = 2026-04-09")
    assert Wrangler.read(path).compatibility_date == dt.date(2026, 4, 9)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wrangler.toml", "limits = "),
        ("wrangler.toml", "[limits\ncpu_ms = 5"),
        ("wrangler.jsonc", '{"limits": }'),
        ("wrangler.jsonc", ""),
        ("wrangler.jsonc", "{/* never closed"),
        ("wrangler.json", '{"limits": {"cpu_ms": 50}'),
        ("wrangler.json", "{limits: {}}"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, text: str) -> None:
    path = write(tmp_path, name, text)
    assert refusal(path).startswith(f"{path} is broken: ")


@pytest.mark.parametrize(("text", "kind"), [("[1]", "list"), ('"api"', "str"), ("null", "NoneType"), ("5", "int")])
def test_a_file_that_holds_no_settings_is_named(tmp_path: Path, text: str, kind: str) -> None:
    path = write(tmp_path, "wrangler.jsonc", text)
    assert refusal(path) == f"{path} holds {kind}, not a mapping of settings"


@pytest.mark.parametrize(("value", "shown"), [("[]", "[]"), ("5", "5"), ('"none"', "'none'"), ("null", "None")])
def test_limits_that_are_no_mapping_are_named(tmp_path: Path, value: str, shown: str) -> None:
    path = write(tmp_path, "wrangler.json", f'{{"limits": {value}}}')
    assert refusal(path) == f"{path}: limits = {shown} is not a mapping"


@pytest.mark.parametrize("key", ["cpu_ms", "subrequests"])
@pytest.mark.parametrize(
    ("value", "shown"), [("0", "0"), ("-1", "-1"), ("1.5", "1.5"), ("true", "True"), ('"50"', "'50'"), ("[]", "[]")]
)
def test_a_limit_of_the_wrong_kind_is_named_with_the_valid_ones(
    tmp_path: Path, key: str, value: str, shown: str
) -> None:
    path = write(tmp_path, "wrangler.json", f'{{"limits": {{"{key}": {value}}}}}')
    assert refusal(path) == f"{path}: limits.{key} = {shown} is not a limit; valid: a positive integer"


@pytest.mark.parametrize(("key", "most"), [("cpu_ms", 300_000), ("subrequests", 10_000_000)])
def test_more_than_the_platform_allows_is_named_with_the_most(tmp_path: Path, key: str, most: int) -> None:
    path = write(tmp_path, "wrangler.json", f'{{"limits": {{"{key}": {most + 1}}}}}')
    assert refusal(path) == f"{path}: limits.{key} = {most + 1} is more than the platform allows; valid: up to {most}"
    path = write(tmp_path, "wrangler.json", f'{{"limits": {{"{key}": {most}}}}}')
    assert getattr(Wrangler.read(path), key) == most


@pytest.mark.parametrize("key", ["cpu_ms", "subrequests"])
def test_one_is_a_limit(tmp_path: Path, key: str) -> None:
    path = write(tmp_path, "wrangler.json", f'{{"limits": {{"{key}": 1}}}}')
    assert getattr(Wrangler.read(path), key) == 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('"soon"', "'soon'"),
        ('"2026-13-01"', "'2026-13-01'"),
        ('"20260409"', "'20260409'"),
        ('"2026-W15-4"', "'2026-W15-4'"),
        ('"2026-04-09T00:00:00"', "'2026-04-09T00:00:00'"),
        ("20260409", "20260409"),
        ("[]", "[]"),
        ("false", "False"),
    ],
)
def test_what_is_no_day_as_wrangler_writes_it_is_named(tmp_path: Path, value: str, shown: str) -> None:
    path = write(tmp_path, "wrangler.json", f'{{"compatibility_date": {value}}}')
    assert refusal(path) == (f"{path}: compatibility_date = {shown} is not a date; valid: a day such as 2026-11-24")


def test_a_moment_of_toml_is_no_day(tmp_path: Path) -> None:
    path = write(tmp_path, "wrangler.toml", "compatibility_date = 2026-04-09T10:00:00")
    assert "compatibility_date = datetime.datetime(2026, 4, 9, 10, 0) is not a date" in refusal(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wrangler.toml"
    assert refusal(path).startswith(f"{path} cannot be read: ")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith(f"{tmp_path} cannot be read: ")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wrangler.toml"
    path.write_bytes(b"name = '\xff\xfe'")
    assert refusal(path).startswith(f"{path} cannot be read: ")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything is readable to root")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "wrangler.toml", TOML)
    path.chmod(0)
    assert refusal(path).startswith(f"{path} cannot be read: ")


@pytest.mark.parametrize("present", range(1, len(FILE_NAMES) + 1))
def test_of_several_files_that_is_read_which_wrangler_reads(tmp_path: Path, present: int) -> None:
    names = FILE_NAMES[-present:]
    for name in names:
        write(tmp_path, name, TOML if name.endswith("toml") else JSON)
    found = Wrangler.find(tmp_path)
    assert found is not None
    assert found.path.name == names[0]


def test_the_names_are_those_of_wrangler_in_its_order() -> None:
    assert FILE_NAMES == ("wrangler.json", "wrangler.jsonc", "wrangler.toml")


def test_a_folder_without_a_file_has_no_configuration(tmp_path: Path) -> None:
    assert Wrangler.find(tmp_path) is None


@pytest.mark.parametrize("name", FILE_NAMES)
@pytest.mark.parametrize("kind", ["a folder", "a link to nothing"])
def test_what_has_the_name_and_is_no_file_is_named(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / name
    if kind == "a folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "gone")
    with pytest.raises(WranglerError) as caught:
        Wrangler.find(tmp_path)
    assert str(caught.value).startswith(f"{path} cannot be read: ")


def test_a_folder_of_that_name_is_passed_over_where_there_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "wrangler.json").mkdir()
    write(tmp_path, "wrangler.toml", TOML)
    found = Wrangler.find(tmp_path)
    assert found is not None
    assert found.path.name == "wrangler.toml"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wrangler.json", "[" * 100_000),
        ("wrangler.toml", "a = " + "[" * 100_000),
        ("wrangler.json", '{"limits": {"cpu_ms": ' + "9" * 5_000 + "}}"),
        ("wrangler.toml", "[limits]\ncpu_ms = " + "9" * 5_000),
    ],
)
def test_what_a_parser_gives_up_on_is_a_broken_file(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WranglerError, match="is broken"):
        Wrangler.read(path)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "wrangler.json"
    path.write_text('{"limits": {"cpu_ms": 5}}', encoding="utf-8-sig")
    assert Wrangler.read(path).cpu_ms == 5


BINDING = '[[d1_databases]]\nbinding = "DB"\n'


@pytest.mark.parametrize(
    ("keys", "pattern"),
    [
        ("", "*.sql"),
        ('migrations_dir = "sql"', "*.sql"),
        ('migrations_dir = "sql"\nmigrations_pattern = "sql/*/migration.sql"', "*/migration.sql"),
        ('migrations_dir = "./sql/"\nmigrations_pattern = "./sql/*.sql"', "*.sql"),
        ('migrations_dir = "."\nmigrations_pattern = "sql/**/*.sql"', "sql/**/*.sql"),
    ],
)
def test_a_pattern_of_migrations_is_seen_from_their_folder(tmp_path: Path, keys: str, pattern: str) -> None:
    (binding,) = Wrangler.read(write(tmp_path, "wrangler.toml", BINDING + keys)).databases
    assert binding.migrations_pattern == pattern


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ('migrations_pattern = "sql/*.sql"', "migrations_pattern = 'sql/*.sql' of DB needs a migrations_dir beside it"),
        ("migrations_pattern = 5", "migrations_pattern = 5 of DB is not a text"),
        (
            'migrations_dir = "s"\nmigrations_pattern = "*.sql"',
            "migrations_pattern = '*.sql' of DB does not start with migrations_dir; valid: a pattern such as 's/*.sql'",
        ),
        (
            'migrations_dir = "sql"\nmigrations_pattern = "sql/{a}"',
            "migrations_pattern = 'sql/{a}' of DB holds {} or (), which are not read here; valid: *, **, ? and [...]",
        ),
        (BINDING, "d1_databases has two bindings 'DB'; valid: a name for each"),
    ],
)
def test_a_wrong_database_is_named(tmp_path: Path, keys: str, wrong: str) -> None:
    path = write(tmp_path, "wrangler.toml", BINDING + keys)
    assert refusal(path) == f"{path}: {wrong}"
