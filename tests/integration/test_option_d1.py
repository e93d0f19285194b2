"""The fixture `cf_d1`, its lanes, and what a round trip costs the test that makes it."""

import os

import pytest

from pytest_cfworkers.callsite import NOWHERE
from pytest_cfworkers.guards.queries import Scan
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.lanes.installation import cache_folder, status
from pytest_cfworkers.wording.d1 import full_scan
from tests.integration.user_project import Project
from tests.needed import IN_CI

needs_the_runtime = pytest.mark.skipif(
    not status().ready and not IN_CI, reason=status().problem or "the runtime is there"
)
LANES = ["fake", pytest.param("workerd", marks=needs_the_runtime)]

CACHE = cache_folder()

RUN = "import asyncio\nimport pytest\n\n\ndef run(coroutine):\n    return asyncio.run(coroutine)\n\n\n"


@pytest.fixture(autouse=True)
def keep_the_cache(monkeypatch: pytest.MonkeyPatch, project: Project) -> None:  # noqa: ARG001 - it moves the home
    monkeypatch.setenv("PYTEST_CFWORKERS_CACHE", str(CACHE))


def migrations(project: Project, **files: str) -> None:
    folder = project.path / "migrations"
    folder.mkdir()
    for name, sql in files.items():
        (folder / f"{name}.sql").write_text(sql)
    (project.path / "wrangler.toml").write_text('[[d1_databases]]\nbinding = "DB"\ndatabase_name = "repos"\n')


@pytest.mark.parametrize("lane", LANES)
def test_each_test_gets_a_fresh_database_with_the_migrations_of_the_wrangler_file(project: Project, lane: str) -> None:
    migrations(project, _0002_tier="ALTER TABLE repos ADD tier TEXT;", _0001_repos="CREATE TABLE repos (name TEXT);")
    project.write(
        test_it=RUN + "async def use(db):\n"
        "    assert await db.prepare('SELECT count(*) AS n FROM repos').first('n') == 0\n"
        "    await db.prepare('INSERT INTO repos (name, tier) VALUES (?, ?)').bind('one', 'hot').run()\n"
        "    applied = await db.prepare('SELECT name FROM d1_migrations ORDER BY id').all()\n"
        "    assert [row.name for row in applied.results] == ['_0001_repos.sql', '_0002_tier.sql']\n\n\n"
        "def test_one(cf_d1):\n    run(use(cf_d1))\n\n\ndef test_two(cf_d1):\n    run(use(cf_d1))\n"
    )
    project.run(f"--cf-d1={lane}").assert_outcomes(passed=2)


@pytest.mark.parametrize("lane", LANES)
def test_a_mistake_in_a_migration_names_its_file_and_line(project: Project, lane: str) -> None:
    migrations(project, _0001_repos="CREATE TABLE repos (name TEXT);\n\nCREATE TABL oops (a);\n")
    project.write(test_it="def test_it(cf_d1):\n    pass\n\n\ndef test_other():\n    pass\n")
    result = project.run(f"--cf-d1={lane}")
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(
        ['cf_d1: the binding DB: *_0001_repos.sql:3: near "TABL": syntax error at offset 7: SQLITE_ERROR']
    )


CRASH = (
    "import os, signal\nfrom pytest_cfworkers.d1.database import channel_of\n\n\n"
    "def crash(db):\n    os.kill(channel_of(db).remote.bridge.process.runtime_pid, signal.SIGABRT)\n\n\n"
)


@needs_the_runtime
@pytest.mark.skipif(os.name == "nt", reason="kills with a signal")
def test_a_runtime_that_dies_after_the_last_call_is_an_error_of_that_test_and_not_of_the_next(project: Project) -> None:
    project.write(
        test_it=CRASH + RUN + "def test_one(cf_d1):\n    run(cf_d1.exec('SELECT 1'))\n    crash(cf_d1)\n\n\n"
        "def test_two(cf_d1):\n    run(cf_d1.exec('SELECT 1'))\n"
    )
    result = project.run("--cf-d1=workerd")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_one*", "cf_d1: The Workers runtime ended*", "*signal #6*"])


@needs_the_runtime
@pytest.mark.skipif(os.name == "nt", reason="kills with a signal")
def test_a_runtime_that_dies_under_a_call_fails_the_test_at_the_users_line(project: Project) -> None:
    project.write(
        test_it=CRASH + RUN + "async def use(db):\n    await db.exec('SELECT 1')\n    crash(db)\n"
        "    await db.prepare('SELECT 2').first()\n\n\n"
        "def test_one(cf_d1):\n    run(use(cf_d1))\n\n\ndef test_two(cf_d1):\n    run(cf_d1.exec('SELECT 1'))\n"
    )
    result = project.run("--cf-d1=workerd")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [">   *await db.prepare('SELECT 2').first()", "*RuntimeFailed: The Workers runtime ended*"]
    )


def test_a_folder_of_migrations_that_is_not_there_is_named_with_the_wrangler_file(project: Project) -> None:
    wrangler = project.path / "wrangler.toml"
    wrangler.write_text('[[d1_databases]]\nbinding = "DB"\nmigrations_dir = "sql"\n')
    project.write(test_it="def test_it(cf_d1):\n    pass\n\n\ndef test_other():\n    pass\n")
    result = project.run()
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines([
        f"cf_d1: {wrangler}: migrations_dir of the binding DB: {project.path / 'sql'} does not exist"
    ])  # fmt: skip


@pytest.mark.parametrize("lane", LANES)
def test_migrations_are_those_that_the_pattern_matches(project: Project, lane: str) -> None:
    folder = project.path / "sql" / "0001_repos"
    folder.mkdir(parents=True)
    (folder / "migration.sql").write_text("CREATE TABLE repos (name TEXT)")
    (project.path / "wrangler.toml").write_text(
        '[[d1_databases]]\nbinding = "DB"\nmigrations_dir = "sql"\nmigrations_pattern = "sql/*/migration.sql"\n'
    )
    project.write(
        test_it=RUN + "def test_it(cf_d1):\n"
        "    assert run(cf_d1.prepare('SELECT name FROM d1_migrations').first('name')) == '0001_repos/migration.sql'\n"
        "    assert run(cf_d1.prepare('SELECT count(*) AS n FROM repos').first('n')) == 0\n"
    )
    project.run(f"--cf-d1={lane}").assert_outcomes(passed=1)


def test_two_bindings_of_one_name_are_a_usage_error(project: Project) -> None:
    path = project.path / "wrangler.toml"
    path.write_text('[[d1_databases]]\nbinding = "DB"\n' * 2)
    project.write(test_it="def test_it():\n    pass\n")
    assert f"{path}: d1_databases has two bindings 'DB'; valid: a name for each" in project.refuse()


def test_every_binding_has_its_database(project: Project) -> None:
    (project.path / "wrangler.toml").write_text('[[d1_databases]]\nbinding = "A"\n[[d1_databases]]\nbinding = "B"\n')
    project.write(
        test_it="import asyncio\n\n\ndef test_it(cf_d1_databases, cf_d1):\n"
        "    assert list(cf_d1_databases) == ['A', 'B']\n    assert cf_d1 is cf_d1_databases['A']\n"
        "    asyncio.run(cf_d1.exec('CREATE TABLE t (a)'))\n"
        "    tables = \"SELECT count(*) AS n FROM sqlite_master WHERE name = 't'\"\n"
        "    assert asyncio.run(cf_d1_databases['B'].prepare(tables).first('n')) == 0\n"
    )
    project.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("lane", LANES)
def test_statements_at_once_are_connections_and_the_message_offers_a_batch(project: Project, lane: str) -> None:
    project.write(
        test_it=RUN + "@pytest.mark.cf_limits\ndef test_it(cf_d1):\n"
        "    async def ask():\n"
        "        await asyncio.gather(*(cf_d1.prepare('SELECT 1').first() for _ in range(20)))\n\n"
        "    run(ask())\n"
    )
    result = project.run(f"--cf-d1={lane}")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([
        "connections: 20 connections at once, the limit is 6",
        "*20 × test_it.py:12 in *",
        "*await env.DB.batch(statements)*",
        "advice",
        "    the same statement in 20 round trips, one batch would do",
        "    SELECT 1",
    ])  # fmt: skip


def test_without_a_mark_only_round_trips_are_limited(project: Project) -> None:
    project.write(
        test_it=RUN + "def test_it(cf_d1, cf_ledger):\n"
        "    async def ask():\n"
        "        await asyncio.gather(*(cf_d1.prepare('SELECT 1').first() for _ in range(7)))\n"
        "        await cf_d1.batch([cf_d1.prepare('SELECT 1'), cf_d1.prepare('SELECT 2')])\n\n"
        "    run(ask())\n"
        "    used = cf_ledger.statistics()\n"
        "    assert (used.d1_queries, used.internal_subrequests, used.subrequests) == (8, 8, 0)\n"
    )
    project.run("--cf-plan=free").assert_outcomes(failed=1)  # cf_ledger guards connections
    project.write(test_it=RUN + "def test_it(cf_d1):\n    async def ask():\n"
                  "        await asyncio.gather(*(cf_d1.prepare('SELECT 1').first() for _ in range(7)))\n\n"
                  "    run(ask())\n")  # fmt: skip
    project.run("--cf-plan=free").assert_outcomes(passed=1)


def test_the_query_budget_fails_and_a_batch_counts_once(project: Project) -> None:
    project.write(
        test_it=RUN + "@pytest.mark.cf_limits(d1_queries=2)\n@pytest.mark.parametrize('trips', [2, 3])\n"
        "def test_it(cf_d1, trips):\n"
        "    async def ask():\n"
        "        for _ in range(trips):\n"
        "            await cf_d1.batch([cf_d1.prepare('SELECT 1')] * 10)\n\n"
        "    run(ask())\n"
    )
    result = project.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["d1-queries: 3 D1 queries, the limit is 2"])


def test_a_scan_of_a_whole_table_is_advised_an_index(project: Project) -> None:
    project.write(
        test_it=RUN + "def test_it(cf_d1):\n"
        "    async def ask():\n"
        "        await cf_d1.exec('CREATE TABLE repos (name)')\n"
        "        insert = cf_d1.prepare('INSERT INTO repos VALUES (?)')\n"
        "        await cf_d1.batch([insert.bind(str(n)) for n in range(1_200)])\n"
        "        await cf_d1.prepare('SELECT * FROM repos WHERE name = ?').bind('7').all()\n\n"
        "    run(ask())\n"
    )
    result = project.run()
    result.stdout.fnmatch_lines(["advice", "    a statement reads all of repos: 1,200 rows", "*CREATE INDEX*"])


@pytest.mark.parametrize(
    ("sql", "fix"),
    [
        ("SELECT * FROM repos ORDER BY id", "... WHERE id > ? ORDER BY id LIMIT ?"),
        ("SELECT count(*) FROM repos", "a row of its own"),
        ("SELECT * FROM repos ORDER BY stars DESC LIMIT 10", "CREATE INDEX"),
        ("SELECT max(stars) FROM repos", "CREATE INDEX"),
    ],
)
def test_an_index_is_advised_only_where_it_makes_a_statement_read_less(sql: str, fix: str) -> None:
    advice = full_scan(Scan("repos", 1_200, sql, NOWHERE), Limits.plan("free"))
    assert fix in advice.remedy


def test_parameters_near_the_maximum_are_shown(project: Project) -> None:
    project.write(
        test_it=RUN + "def test_it(cf_d1):\n"
        "    marks = ', '.join('?' * 96)\n"
        "    run(cf_d1.prepare(f'SELECT {marks}').bind(*range(96)).first())\n"
    )
    project.run().stdout.fnmatch_lines(["values bound by one D1 statement", "*96 / 100 *4 % left*test_it"])


def test_asking_for_a_runtime_that_is_not_installed_names_the_command(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_CFWORKERS_CACHE", str(project.path / "empty"))
    project.write(test_it="def test_it(cf_d1):\n    pass\n")
    result = project.run("--cf-d1=workerd")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--cf-d1: workerd * is not installed*python -m pytest_cfworkers install workerd*"])


def test_an_async_test_uses_it_under_each_plugin(project: Project) -> None:
    project.write(
        test_it="import pytest\n\n\n@pytest.mark.anyio\nasync def test_it(cf_d1):\n"
        "    assert await cf_d1.prepare('SELECT 1 AS a').first('a') == 1\n"
    )
    project.run("-p", "anyio").assert_outcomes(passed=2)


def test_a_statement_that_a_request_in_progress_needs_does_not_wait_for_its_end(project: Project) -> None:
    project.write(
        test_it="import asyncio\nimport httpx\nimport pytest\n\n\n@pytest.mark.cf_limits\ndef test_it(cf_d1):\n"
        "    async def answer(request):\n"
        "        await asyncio.sleep(0)\n"
        "        await cf_d1.prepare('SELECT 1').first()\n"
        "        return httpx.Response(200)\n\n"
        "    async def run():\n"
        "        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:\n"
        "            async with asyncio.timeout(8):\n"
        "                await asyncio.gather(*(client.get('https://x.test/') for _ in range(6)))\n\n"
        "    asyncio.run(run())\n"
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["connections: * connections at once, the limit is 6"])
