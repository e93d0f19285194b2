"""Who looks when a function returns finds what its locals hold."""

import asyncio
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import wraps
from typing import Any

import pytest

from pytest_cfworkers.memory.returns import at_return

pytestmark = pytest.mark.skipif(sys.version_info < (3, 12), reason="Python tells of returns from 3.12 on")
MONITORING: Any = getattr(sys, "monitoring", None)


class Held:
    """What a function holds."""


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def around(*args: Any) -> Any:
        return function(*args)

    return around


def tools() -> list[str | None]:
    return [MONITORING.get_tool(number) for number in range(6)]


@pytest.fixture
def all_taken() -> Iterator[None]:
    free = [number for number in range(6) if MONITORING.get_tool(number) is None]
    for number in free:
        MONITORING.use_tool_id(number, "somebody")
    yield
    for number in free:
        MONITORING.free_tool_id(number)


def looked(function: Callable[..., Any], run: Callable[..., object]) -> tuple[bool, int]:
    """Tell whether what was held was alive at the look, and how many looks there were."""
    alive: list[weakref.ref[Held]] = []
    seen: list[bool] = []
    with at_return(function, lambda: seen.append(alive[-1]() is not None)):
        run(alive)
    return all(seen) and alive[-1]() is None, len(seen)


def take(alive: list[weakref.ref[Held]]) -> None:
    held = Held()
    alive.append(weakref.ref(held))


async def take_later(alive: list[weakref.ref[Held]]) -> None:
    await asyncio.sleep(0)
    held = Held()
    alive.append(weakref.ref(held))


class Test:
    def take(self, alive: list[weakref.ref[Held]]) -> None:
        held = Held()
        alive.append(weakref.ref(held))


def test_a_function_a_method_and_what_is_decorated_hold_it_still() -> None:
    method = Test().take
    for function, run in ((take, take), (method, method), (decorated(take), decorated(take))):
        assert looked(function, run) == (True, 1)


def test_a_coroutine_is_looked_at_when_it_returns_and_not_when_it_waits() -> None:
    assert looked(take_later, lambda alive: asyncio.run(take_later(alive))) == (True, 1)


def test_other_functions_are_left_alone() -> None:
    assert looked(take_later, take)[1] == 0


def test_nothing_is_left_behind_also_after_an_error() -> None:
    before = tools()
    with pytest.raises(ZeroDivisionError), at_return(take, lambda: None):
        raise ZeroDivisionError
    assert tools() == before


def test_each_of_two_guards_looks() -> None:
    """As where a test runs pytest in its own process."""
    outer: list[str] = []
    with at_return(take, lambda: outer.append("outer")):
        assert looked(take, take) == (True, 1)
    assert outer == ["outer"]


def test_the_number_is_the_one_that_others_ask_for_least() -> None:
    """An optimizer has a number of its own, and who takes the first that is free begins with 3."""
    taken: list[int] = []
    free = [number for number in (4, 3, 5) if MONITORING.get_tool(number) is None]
    with ExitStack() as stack:
        for _ in free:
            before = tools()
            stack.enter_context(at_return(take, lambda: None))
            taken += [number for number, tool in enumerate(tools()) if tool != before[number]]
    assert taken == free


@pytest.mark.usefixtures("all_taken")
def test_where_other_tools_have_all_numbers_nobody_looks() -> None:
    assert looked(take, take)[1] == 0


def test_what_is_not_written_in_python_is_left_alone() -> None:
    assert looked(len, take)[1] == 0
