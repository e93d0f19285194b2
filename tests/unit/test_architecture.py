"""What holds for the package as a whole."""

import ast
import importlib
import inspect
import io
import pickle
import pkgutil
import subprocess
import sys
import tokenize
from importlib.util import find_spec
from pathlib import Path

import pytest

import pytest_cfworkers
from pytest_cfworkers.limits import LIMITS

PACKAGE = Path(pytest_cfworkers.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in FILES]
EACH_FILE = pytest.mark.parametrize("path", FILES, ids=NAMES)

MOST_LINES_OF_CODE = 300
"""Without blank lines, comments and docstrings: what there is to understand. Split a file before it gets there."""


# the public names


def test_the_public_names_are_those_that_are_resolved_lazily_in_order() -> None:
    assert pytest_cfworkers.__all__ == sorted(pytest_cfworkers._HOMES)
    assert set(pytest_cfworkers.__all__) <= set(dir(pytest_cfworkers))


@pytest.mark.parametrize("name", pytest_cfworkers.__all__)
def test_each_public_name_resolves_and_is_documented(name: str) -> None:
    assert inspect.getdoc(getattr(pytest_cfworkers, name))


def test_each_public_name_is_known_to_type_checkers_from_the_same_home() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    typed = {
        name.asname: (node.module or "").removeprefix("pytest_cfworkers.")
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    assert typed == pytest_cfworkers._HOMES


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match=r"module 'pytest_cfworkers' has no attribute 'Nothing'"):
        _ = pytest_cfworkers.Nothing


def _installed(module: str) -> bool:
    """Tell whether a module may be imported: it is no program, and what it stands on is there."""
    optional = module == "pytest_cfworkers.clients.httpx2" and find_spec("httpx2") is None
    return not optional and not module.endswith("__main__")


# what importing costs


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a statement loads in a new Python."""
    code = f"import sys; before = set(sys.modules)\n{statement}\nprint('\\n'.join(set(sys.modules) - before))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    return {name.partition(".")[0] for name in run.stdout.split()}


HEAVY = {
    "pytest",
    "_pytest",
    "pluggy",
    "httpx",
    "httpx2",
    "httpcore",
    "apsw",
    "anyio",
    "trio",
    "jsonc",
    "jinja2",
    "markupsafe",
}


def test_importing_the_package_loads_none_of_what_it_stands_on() -> None:
    loaded = loaded_by("import pytest_cfworkers")
    assert "pytest_cfworkers" in loaded
    assert not loaded & (HEAVY | {"asyncio", "threading", "inspect", "sqlite3", "ssl", "socket"})


def test_an_invocation_needs_neither_pytest_nor_a_client() -> None:
    loaded = loaded_by("from pytest_cfworkers import Invocation, Limits\nwith Invocation(Limits.plan('free')): pass")
    assert not loaded & HEAVY


@pytest.mark.parametrize("path", sorted((PACKAGE / "guards").glob("*.py")), ids=lambda path: path.name)
def test_a_guard_knows_neither_the_platforms_clock_nor_a_loop_nor_a_client(path: Path) -> None:
    """Its clock is passed in, so that tests turn it, and it never waits."""
    assert not imported_by(path) & {"time", "asyncio", "threading", "httpx", "anyio", "trio", "pytest", "socket"}


def imported_by(path: Path) -> set[str]:
    modules: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules.append(node.module or "")
    return {module.partition(".")[0] for module in modules}


def test_only_the_plugin_imports_pytest() -> None:
    importers = {path.relative_to(PACKAGE).parts[0] for path in FILES if "pytest" in imported_by(path)}
    assert importers == {"plugin"}


def test_the_order_in_which_modules_are_imported_does_not_matter() -> None:
    """Each module loads on its own: no cycle is hidden by who came first."""
    modules = [
        info.name for info in pkgutil.walk_packages([str(PACKAGE)], "pytest_cfworkers.") if _installed(info.name)
    ]
    forget = "for name in [name for name in sys.modules if name.startswith('pytest_cfworkers')]: del sys.modules[name]"
    code = "import sys\n" + "".join(f"import {name}\n{forget}\n" for name in modules)
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)  # noqa: S603


# exceptions


def exceptions() -> list[type[BaseException]]:
    found = []
    for info in pkgutil.walk_packages([str(PACKAGE)], "pytest_cfworkers."):
        if not _installed(info.name):
            continue
        module = importlib.import_module(info.name)
        found += [
            member
            for name, member in vars(module).items()
            if inspect.isclass(member)
            and issubclass(member, BaseException)
            and member.__module__ == info.name
            and not name.startswith("_")
        ]
    return found


@pytest.mark.parametrize("kind", exceptions(), ids=lambda kind: kind.__name__)
def test_each_public_exception_survives_pickle(kind: type[BaseException]) -> None:
    error = kind(()) if kind.__name__ == "CfLimitExceeded" else kind("what and where")
    restored = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(restored) is kind
    assert str(restored) == str(error)
    assert restored.args == error.args


# files


def code_lines(path: Path) -> int:
    """Count the lines that hold code."""
    source = path.read_text(encoding="utf-8")
    idle = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in idle
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


@EACH_FILE
def test_no_file_holds_more_than_one_can_take_in(path: Path) -> None:
    assert code_lines(path) <= MOST_LINES_OF_CODE


@EACH_FILE
def test_each_file_says_in_a_line_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring
    assert docstring.splitlines()[0].endswith((".", ";", ":"))


HOMES = {"limits.py", "engine_limits.py"}
"""What the platform allows a Worker, and what its SQLite allows a statement."""

UNMISTAKABLE = {number for limit in LIMITS for number in (limit.free, limit.paid) if number is not None} - {
    0,
    6,
    10,
    1_000,
}
"""The others stand for many things: 1,000 is also the milliseconds of a second."""


@EACH_FILE
def test_no_other_file_states_a_number_of_the_platform(path: Path) -> None:
    if path.name in HOMES:
        return
    stated = {
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and type(node.value) is int
    }
    assert not stated & UNMISTAKABLE


def test_there_are_numbers_to_look_for() -> None:
    assert {50, 10_000, 30_000} <= UNMISTAKABLE
