"""Every option by every route: command line, environment and ini files; the stronger wins, a bad value is refused."""

from collections.abc import Callable
from typing import Final

import pytest

from pytest_cfworkers.plugin.options import OPTIONS
from tests.integration.user_project import Project

VALUES: Final = {
    # name: (three good values with what the header or the summary shows of each, a bad value, the valid set)
    "cf_limits": (("report", "enforce", "off"), "limits={}", "all", "off, marked, report, enforce"),
    "cf_plan": (("free", "paid", "free"), "plan={}", "gold", "free, paid"),
    "cf_connections": (("headers", "body", "headers"), "connections={}", "sockets", "body, headers"),
    "cf_cpu_scale": (("3", "0.5", "2.25"), "cpu-scale={}", "fast", "a positive number, or pyodide (2.1)"),
    "cf_wrangler": (("a.toml", "b.toml", "c.toml"), "{}", "none.toml", "cannot be read"),
}
"""Each option whose value the header shows: good values, how one is shown, a bad one, and what is said of it."""

ALL: Final = {**{name: (bad, valid) for name, (_, _, bad, valid) in VALUES.items()}} | {
    "cf_baseline": ("gone.jsonl", "does not exist"),
    "cf_bundle": ("gone", "is no folder"),
    "cf_gate": ("p95<=1", "p95_ms, connections"),
    "cf_incoming": ("maybe", "auto, off"),
    "cf_report": ("run.txt", ".html, .json, .sarif, .md"),
    "cf_top": ("five", "a number from 0"),
}

REPEATABLE: Final = {option.name for option in OPTIONS if option.repeatable}

Route = Callable[[Project, pytest.MonkeyPatch, str, str], list[str]]


def by_flag(_project: Project, _monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> list[str]:
    return [f"--{name.replace('_', '-')}={value}"]


def by_variable(_project: Project, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> list[str]:
    monkeypatch.setenv(f"PYTEST_{name.upper()}", value)
    return []


def by_ini_file(project: Project, _monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> list[str]:
    project.ini(**{name: value})
    return []


def by_override(_project: Project, _monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> list[str]:
    return ["-o", f"{name}={value}"]


def by_pyproject(project: Project, _monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> list[str]:
    written = f'["{value}"]' if name in REPEATABLE else f'"{value}"'  # pytest wants a list there
    project.pytester.makepyprojecttoml(f"[tool.pytest]\n{name} = {written}\n")
    return []


def by_pyproject_ini_options(project: Project, _monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> list[str]:
    project.pytester.makepyprojecttoml(f'[tool.pytest.ini_options]\n{name} = "{value}"\n')
    return []


ROUTES: Final[tuple[Route, ...]] = (
    by_flag,
    by_variable,
    by_ini_file,
    by_override,
    by_pyproject,
    by_pyproject_ini_options,
)


@pytest.fixture(autouse=True)
def files(project: Project) -> None:
    project.write(test_it="def test_it():\n    pass\n")
    for name in "abc":
        (project.path / f"{name}.toml").touch()


def header(project: Project, *args: str) -> str:
    lines = project.run("--collect-only", *args).outlines
    return next(line for line in lines if line.startswith("cfworkers: "))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_taken(project: Project, monkeypatch: pytest.MonkeyPatch, name: str, route: Route) -> None:
    (good, *_), shown, *_ = VALUES[name]
    args = route(project, monkeypatch, name, good)
    assert shown.format(good) in header(project, *args)


@pytest.mark.parametrize("route", ROUTES)
def test_incoming_off_is_taken(project: Project, monkeypatch: pytest.MonkeyPatch, route: Route) -> None:
    assert "incoming" not in header(project)
    assert header(project, *route(project, monkeypatch, "cf_incoming", "off")).endswith(", incoming=off")


@pytest.mark.parametrize("name", VALUES)
def test_the_stronger_route_wins(project: Project, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The environment outweighs an ini file, the command line both."""
    (in_ini, in_environment, on_line), shown, *_ = VALUES[name]
    by_ini_file(project, monkeypatch, name, in_ini)
    by_variable(project, monkeypatch, name, in_environment)
    assert shown.format(in_environment) in header(project)
    assert shown.format(on_line) in header(project, *by_flag(project, monkeypatch, name, on_line))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", ALL)
def test_a_bad_value_is_a_usage_error(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str, route: Route
) -> None:
    """It names where the value was set, the value, and what is valid."""
    bad, valid = ALL[name]
    text = project.refuse(*route(project, monkeypatch, name, bad))
    places: dict[Route, str] = {
        by_flag: f"--{name.replace('_', '-')}",
        by_variable: f"the environment variable PYTEST_{name.upper()}",
        by_override: f"-o {name}",
        by_ini_file: f"{name} in {project.path / 'pytest.ini'}",
    }
    assert places.get(route, f"{name} in {project.path / 'pyproject.toml'}") in text
    assert bad in text
    for word in valid.split(", "):
        assert word in text


@pytest.mark.parametrize("name", ALL)
def test_an_empty_variable_is_no_value(project: Project, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As CI systems set what is not configured."""
    monkeypatch.setenv(f"PYTEST_{name.upper()}", "")
    assert header(project) == "cfworkers: limits=marked, plan=paid, connections=body"


@pytest.mark.parametrize("table", ["tool.pytest", "tool.pytest.ini_options"])
@pytest.mark.parametrize(
    ("name", "value"), [*((name, "[1]") for name in ALL), ("cf_plan", "true"), ("cf_top", "1.5"), ("cf_top", "{a = 1}")]
)
def test_a_value_of_another_type_is_a_usage_error(project: Project, name: str, value: str, table: str) -> None:
    """Tables of TOML have types: `cf_plan = true` is not a plan."""
    project.pytester.makepyprojecttoml(f"[{table}]\n{name} = {value}\n")
    args = ["-W", "ignore::pytest.PytestRemovedIn10Warning"]
    text = project.refuse(*args)
    assert name in text
    assert "pyproject.toml" in text


def test_what_is_outweighed_is_not_looked_at(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a mistake in a shared file can be overridden."""
    project.ini(cf_top="five", cf_plan="gold", cf_wrangler="none.toml")
    monkeypatch.setenv("PYTEST_CF_PLAN", "free")
    assert "plan=free" in header(project, "--cf-top=1", "--cf-wrangler=a.toml")


@pytest.mark.parametrize("number", ["-1", "1.5", " ", "1e3"])
def test_top_is_a_number_from_0(project: Project, number: str) -> None:
    assert f"--cf-top: {number!r} is not valid; valid: a number from 0" in project.refuse(f"--cf-top={number}")
