"""The fixtures of D1."""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_cfworkers.plugin.stash import EMPTY_D1, SETTINGS

if TYPE_CHECKING:
    from pytest_cfworkers.d1 import D1Database
    from pytest_cfworkers.plugin.databases import Lane, Schema
    from pytest_cfworkers.plugin.settings import Settings

SchemaPath = str | Path | None

_DEFAULT_BINDING = "DB"


@pytest.fixture(scope="session")
def cf_d1_schema() -> SchemaPath | Mapping[str, SchemaPath]:
    """Override this to say what the databases of `cf_d1` start with.

    An .sql file or a folder of migrations, or a mapping of binding names to such. None stands for the ini key
    `cf_d1_schema`, or else the migrations of the wrangler file.
    """
    return None


@pytest.fixture(scope="session")
def _cf_d1_lane(pytestconfig: pytest.Config) -> "Generator[Lane]":
    from pytest_cfworkers.plugin.databases import LANES  # noqa: PLC0415 - only where a database is asked for

    settings = pytestconfig.stash[SETTINGS]
    lane = LANES[settings.d1](settings.d1_limits)
    yield lane
    lane.close()


@pytest.fixture
def cf_d1_databases(
    request: pytest.FixtureRequest, cf_d1_schema: SchemaPath | Mapping[str, SchemaPath], _cf_d1_lane: "Lane"
) -> "Generator[dict[str, D1Database]]":
    """Every D1 database that the wrangler file binds, fresh and migrated, by the name of its binding."""
    from pytest_cfworkers.d1.connection import DatabaseFileError  # noqa: PLC0415 - only where it is asked for
    from pytest_cfworkers.d1.errors import D1Error  # noqa: PLC0415
    from pytest_cfworkers.d1.migrations import MigrationError  # noqa: PLC0415
    from pytest_cfworkers.lanes.errors import LaneError  # noqa: PLC0415

    databases: dict[str, D1Database] = {}
    settings = request.config.stash[SETTINGS]
    problem = ""
    for name, schema in _schemas(settings, cf_d1_schema).items():
        if schema.path is not None and not schema.path.exists():  # others have been looked for already
            problem = f"cf_d1: {_file_of(settings)}: migrations_dir of the binding {name}: {schema.path} does not exist"
            break
        if schema.path is None:
            request.node.stash[EMPTY_D1] = _why_empty(settings, request.config, name)
        try:
            databases[name] = _cf_d1_lane.fresh(schema)
        except (MigrationError, DatabaseFileError, LaneError, D1Error) as error:
            problem = f"cf_d1: the binding {name}: {error}"
            break
    if problem:
        pytest.fail(problem, pytrace=False)
    yield databases
    for database in databases.values():
        try:
            _cf_d1_lane.release(database)
        except LaneError as error:  # one at most: what has ended is told once
            problem = str(error)
    if problem:
        pytest.fail(f"cf_d1: {problem}", pytrace=False)


@pytest.fixture
def cf_d1(cf_d1_databases: "dict[str, D1Database]") -> "D1Database":
    """A fresh, migrated D1 database: the first that the wrangler file binds, else one of its own.

    It is what `env.DB` is in a Worker. `--cf-d1=workerd` puts the real one behind it.
    """
    return next(iter(cf_d1_databases.values()))


def _schemas(settings: "Settings", chosen: SchemaPath | Mapping[str, SchemaPath]) -> "dict[str, Schema]":
    """Work out what each database starts with."""
    from pytest_cfworkers.plugin.databases import Schema  # noqa: PLC0415 - only where a database is asked for

    bindings = settings.wrangler.databases if settings.wrangler is not None else ()
    schemas = {
        binding.name: Schema(settings.d1_schema, binding.migrations_table)
        if settings.d1_schema is not None
        else Schema(binding.migrations_dir, binding.migrations_table, binding.migrations_pattern)
        for binding in bindings
    } or {_DEFAULT_BINDING: Schema(settings.d1_schema)}
    if chosen is None:
        return schemas
    paths: Mapping[Any, Any] = chosen if isinstance(chosen, Mapping) else dict.fromkeys(schemas, chosen)
    given = {name: Schema(_existing(path)) for name, path in paths.items()}
    return schemas | given


def _why_empty(settings: "Settings", config: pytest.Config, name: str) -> str:
    """Say why a database has no tables, and where they come from."""
    if settings.wrangler is None:
        why = f"there is no wrangler file in {config.rootpath}, and --cf-wrangler names none"
    elif not settings.wrangler.databases:
        why = f"{settings.wrangler.path} has no d1_databases"
    else:
        why = f"{settings.wrangler.path} gives it no migrations_dir, and there is no folder migrations beside that file"
    folder = config.rootpath / "migrations"
    unused = f"The folder {folder} is there, and nothing names it.\n" if folder.is_dir() else ""
    return (
        f"The database {name} began without tables: {why}.\n{unused}"
        "Tables come from the migrations of a wrangler file, from --cf-d1-schema=PATH, or the fixture cf_d1_schema."
    )


def _file_of(settings: "Settings") -> str:
    return str(settings.wrangler.path) if settings.wrangler is not None else "the wrangler file"


def _existing(path: SchemaPath) -> Path | None:
    if path is None:
        return None
    if not Path(path).exists():
        pytest.fail(
            f"cf_d1_schema: {path} does not exist; valid: an .sql file or a folder of migrations", pytrace=False
        )
    return Path(path)
