"""`cf_d1_schema`, the option and the fixture: what the databases start with."""

import pytest

from tests.integration.user_project import Project

COUNT = (
    "import asyncio\n\n\ndef test_it(cf_d1):\n"
    "    assert asyncio.run(cf_d1.prepare('SELECT count(*) AS n FROM repos').first('n')) == 1\n"
)
SCHEMA = "CREATE TABLE repos (name TEXT);\nINSERT INTO repos VALUES ('one');\n"


def test_a_file_of_statements_is_the_schema(project: Project) -> None:
    (project.path / "schema.sql").write_text(SCHEMA)
    project.write(test_it=COUNT)
    project.run("--cf-d1-schema=schema.sql").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("wrangler", "why"),
    [
        (None, "there is no wrangler file in {root}, and --cf-wrangler names none"),
        ('name = "w"\n', "{root}/wrangler.toml has no d1_databases"),
        (
            '[[d1_databases]]\nbinding = "DB"\n',
            "{root}/wrangler.toml gives it no migrations_dir, and there is no folder migrations beside that file",
        ),
    ],
)
def test_a_table_that_is_missed_in_an_empty_database_is_told_where_it_would_come_from(
    project: Project, wrangler: str | None, why: str
) -> None:
    if wrangler is not None:
        (project.path / "wrangler.toml").write_text(wrangler)
    project.write(test_it=f"{COUNT}\n\ndef test_other(cf_d1):\n    raise ValueError('mine')\n")
    result = project.run("--tb=short")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "E *D1Error: Error: D1_ERROR: no such table: repos: SQLITE_ERROR",
            "*- where the tables of cf_d1 come from -*",
            f"The database DB began without tables: {why.format(root=project.path)}.",
            "Tables come from the migrations of a wrangler file, from --cf-d1-schema=PATH, or the fixture *",
        ]
    )
    assert result.stdout.str().count("where the tables of cf_d1 come from") == 1
    result.stdout.no_fnmatch_line("*is there, and nothing names it*")


@pytest.mark.parametrize("wrangler", [None, 'name = "w"\n'])
def test_a_folder_of_migrations_that_nothing_names_is_told(project: Project, wrangler: str | None) -> None:
    if wrangler is not None:
        (project.path / "wrangler.toml").write_text(wrangler)
    (project.path / "migrations").mkdir()
    (project.path / "migrations" / "0001_repos.sql").write_text("CREATE TABLE repos (name TEXT);")
    project.write(test_it=COUNT)
    project.run("--tb=short").stdout.fnmatch_lines(
        [
            "The database DB began without tables: *",
            f"The folder {project.path / 'migrations'} is there, and nothing names it.",
            "Tables come from the migrations of a wrangler file, from --cf-d1-schema=PATH, or the fixture *",
        ]
    )


def test_a_path_that_is_not_there_is_a_usage_error(project: Project) -> None:
    project.write(test_it=COUNT)
    result = project.run("--cf-d1-schema=nowhere.sql")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--cf-d1-schema: *nowhere.sql does not exist; valid: *"])


def test_the_fixture_outweighs_the_option(project: Project) -> None:
    (project.path / "empty.sql").write_text("")
    (project.path / "schema.sql").write_text(SCHEMA)
    project.write(
        conftest="import pathlib\nimport pytest\n\n\n@pytest.fixture(scope='session')\ndef cf_d1_schema():\n"
        "    return pathlib.Path(__file__).with_name('schema.sql')\n",
        test_it=COUNT,
    )
    project.run("--cf-d1-schema=empty.sql").assert_outcomes(passed=1)


def test_the_fixture_may_name_a_schema_for_each_binding(project: Project) -> None:
    (project.path / "schema.sql").write_text(SCHEMA)
    project.write(
        conftest="import pathlib\nimport pytest\n\n\n@pytest.fixture(scope='session')\ndef cf_d1_schema():\n"
        "    return {'DB': pathlib.Path(__file__).with_name('schema.sql'), 'LOG': None}\n",
        test_it=COUNT + "\n\ndef test_names(cf_d1_databases):\n    assert list(cf_d1_databases) == ['DB', 'LOG']\n",
    )
    project.run().assert_outcomes(passed=2)


def test_a_file_that_the_fixture_names_and_is_not_there_fails_the_test_alone(project: Project) -> None:
    project.write(
        conftest="import pytest\n\n\n@pytest.fixture(scope='session')\ndef cf_d1_schema():\n    return 'nowhere.sql'\n",
        test_it=COUNT + "\n\ndef test_other():\n    pass\n",
    )
    result = project.run()
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["cf_d1_schema: nowhere.sql does not exist; valid: *"])
