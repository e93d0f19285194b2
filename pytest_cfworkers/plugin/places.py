"""Where in the user's files a mark is written. Looked up only for one that is wrong."""

import ast
import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_cfworkers.callsite import shorten


def own_marks(carrier: Any) -> list[pytest.Mark]:
    """Return the marks that a function, class or module was given itself: not those of a base class."""
    marks: Any = vars(carrier).get("pytestmark", [])
    given: list[Any] = [*marks] if isinstance(marks, list | tuple) else [marks]
    return [getattr(mark, "mark", mark) for mark in given]


def place_of(item: pytest.Item, node: Any, mark: pytest.Mark) -> str:
    """Name the file and line of a mark of a test.

    Args:
        item: The test.
        node: The node of pytest that carries the mark: the test, its class or its module.
        mark: The mark.
    """
    carrier = _carrier(node, mark)
    if carrier is not None:
        calls = list(_calls(carrier, mark.name))
        # Where several are written, the one that says what the mark says.
        call = next((call for call in calls if _says(call, mark)), calls[0] if calls else None)
        if call is not None:
            return f"{shorten(inspect.getsourcefile(carrier) or str(node.path))}:{call.func.end_lineno}"
    return f"{shorten(str(item.path))}:{(item.location[1] or 0) + 1} (a mark of {item.name} that is made elsewhere)"


def _carrier(node: Any, mark: pytest.Mark) -> Any:
    """The function, class or module that was given the mark; a class may have it from a base."""
    code = getattr(node, "obj", None)
    if inspect.isclass(code):
        return next((base for base in inspect.getmro(code) if any(own is mark for own in own_marks(base))), None)
    return inspect.unwrap(getattr(code, "__func__", code)) if code is not None else None


def _calls(carrier: Any, name: str) -> Iterator[ast.Call]:
    """Yield where a mark of that name is made for a carrier: in a decorator or an assignment to `pytestmark`."""
    try:
        tree = ast.parse(Path(inspect.getsourcefile(carrier) or "").read_text(encoding="utf-8"))
        first = 0 if inspect.ismodule(carrier) else inspect.getsourcelines(carrier)[1]
    except (OSError, SyntaxError, TypeError, ValueError):
        return
    if inspect.ismodule(carrier):
        yield from _assigned(tree.body, name)
    for statement in ast.walk(tree) if first else ():
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and first in {
            statement.lineno,
            *(decorator.lineno for decorator in statement.decorator_list),
        }:
            if isinstance(statement, ast.ClassDef):
                yield from _assigned(statement.body, name)
            for decorator in statement.decorator_list:
                yield from _within(decorator, name)


def _assigned(body: Sequence[ast.stmt], name: str) -> Iterator[ast.Call]:
    for statement in body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        value = getattr(statement, "value", None)
        if isinstance(value, ast.expr) and "pytestmark" in {getattr(target, "id", "") for target in targets}:
            yield from _within(value, name)


def _within(expression: ast.expr, name: str) -> Iterator[ast.Call]:
    called = set()
    for part in ast.walk(expression):  # a call comes before what it calls
        if isinstance(part, ast.Call):
            called.add(part.func)
            if isinstance(part.func, ast.Attribute) and part.func.attr == name:
                yield part
        elif isinstance(part, ast.Attribute) and part.attr == name and part not in called:
            yield ast.Call(part, [], [])  # a mark without parentheses says what one with empty ones says


def _says(call: ast.Call, mark: pytest.Mark) -> bool:
    """Tell whether a call may have made a mark."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    return (
        given.keys() == mark.kwargs.keys()
        and len(call.args) == len(mark.args)
        and all(_may_be(value, mark.kwargs[key or ""]) for key, value in given.items())
    )


def _may_be(expression: ast.expr, value: object) -> bool:
    try:
        return bool(ast.literal_eval(expression) == value)
    except ValueError:  # no literal
        return True
