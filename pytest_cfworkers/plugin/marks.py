"""The mark `cf_limits`: its keys, its help, and where in the user's files it stands."""

import ast
import inspect
from collections.abc import Iterator
from typing import Any, Final

import pytest

from pytest_cfworkers.callsite import shorten
from pytest_cfworkers.limits import LIMITS, OPTIONS_HELP, Limits, LimitsError

NAME: Final = "cf_limits"

HTTP_LIMITS: Final = ("connections", "unread_bodies", "subrequests")
"""The limits for which the HTTP clients are watched."""

FIXTURE_LIMITS: Final[dict[str, tuple[str, ...]]] = {
    "cf_client": HTTP_LIMITS,
    "cf_sync_client": HTTP_LIMITS,
    "cf_transport": HTTP_LIMITS,
    "cf_invocation": HTTP_LIMITS,
    "cf_ledger": HTTP_LIMITS,
}
"""What each fixture guards in a test that has no mark."""


def help_line() -> str:
    """Write what `pytest --markers` shows: the keys of the mark, from the table of the limits."""
    signature = ", ".join([*(limit.key for limit in LIMITS), *OPTIONS_HELP])
    lines = [f"{limit.key}: {limit.help} (free {_number(limit.free)}, paid {_number(limit.paid)})" for limit in LIMITS]
    lines += [f"{key}: {text}" for key, text in OPTIONS_HELP.items()]
    return (
        f"{NAME}({signature}): fail the test if it breaks a limit of Cloudflare Workers. Without keys every limit "
        f"of the plan holds; None turns one off; the closest mark wins key by key. {'; '.join(lines)}."
    )


def guarding_fixtures(item: pytest.Item) -> list[str]:
    """Name the fixtures of a test that guard it."""
    names: list[str] = getattr(item, "fixturenames", [])
    return [name for name in names if name in FIXTURE_LIMITS]


def is_guarded(item: pytest.Item, mode: str) -> bool:
    """Tell whether a test is guarded: by the mode of the run, its mark, or a fixture that it uses."""
    if mode in {"report", "enforce"}:
        return True
    marked = mode != "off" and item.get_closest_marker(NAME) is not None
    return marked or bool(guarding_fixtures(item))


def limits_of(item: pytest.Item, base: Limits, mode: str) -> Limits:
    """Work out the limits of a test.

    Args:
        item: The test.
        base: The limits of the run.
        mode: Which tests are guarded.

    Returns:
        What its marks ask for; without one, every limit if the run guards every test, else what its fixtures
        guard.

    Raises:
        LimitsError: A mark is wrong; names its file and line, the value and what is valid.
    """
    if mode == "off" or item.get_closest_marker(NAME) is None:
        if mode in {"report", "enforce"}:
            return base
        return base.only(*(key for name in guarding_fixtures(item) for key in FIXTURE_LIMITS[name]))
    given: dict[str, Any] = {}
    for node, mark in reversed(list(item.iter_markers_with_node(NAME))):
        try:
            if mark.args:
                raise LimitsError(f"{NAME} takes keys only, such as plan='free'; got {mark.args[0]!r}")
            base.replace(**mark.kwargs)
        except LimitsError as error:
            raise LimitsError(f"{_place(item, node)}: {error}") from None
        given |= mark.kwargs
    return base.replace(**given)


def _place(item: pytest.Item, node: Any) -> str:
    """Name the file and line of a mark that a node carries."""
    path, line, _ = item.location
    code = getattr(node, "obj", None)
    found = next(_lines_of_mark(node, code), None) if code is not None else None
    return f"{shorten(str(node.path))}:{found}" if found is not None else f"{path}:{(line or 0) + 1}"


def _lines_of_mark(node: Any, code: Any) -> Iterator[int]:
    """Yield the lines of a file at which the mark may be written for a function, class or module."""
    try:
        tree = ast.parse(node.path.read_text(encoding="utf-8"))
        first = 1 if inspect.ismodule(code) else inspect.getsourcelines(inspect.unwrap(code))[1]
    except (OSError, SyntaxError, TypeError, ValueError):
        return
    for statement in ast.walk(tree):
        if inspect.ismodule(code):
            if isinstance(statement, ast.Assign) and "pytestmark" in {
                getattr(target, "id", "") for target in statement.targets
            }:
                yield from _mentions(statement.value)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and first in {
            statement.lineno,
            *(decorator.lineno for decorator in statement.decorator_list),
        }:
            for decorator in statement.decorator_list:
                yield from _mentions(decorator)


def _mentions(expression: ast.expr) -> Iterator[int]:
    for part in ast.walk(expression):
        if isinstance(part, ast.Attribute) and part.attr == NAME:
            yield part.end_lineno or part.lineno


def _number(number: int | None) -> str:
    return "none" if number is None else f"{number:,}"
