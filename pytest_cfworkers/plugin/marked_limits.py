"""What the marks of a test come to, and what `pytest --markers` says of them."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

import pytest

from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.keys import OPTIONS_HELP, LimitsError, only_keys
from pytest_cfworkers.limits import LIMITS
from pytest_cfworkers.plugin.marks import FIXTURE_LIMITS, LIMITS_MARK, NAMES, TIMING_MARK, guarding_fixtures
from pytest_cfworkers.plugin.places import own_marks, place_of
from pytest_cfworkers.timing_keys import TIMING_HELP, timed

_APPLY: Final[Mapping[str, Callable[..., Limits]]] = {LIMITS_MARK: Limits.replace, TIMING_MARK: timed}
"""What each mark makes of limits and its keys."""


def help_lines() -> Iterator[str]:
    """Write what `pytest --markers` shows: the keys of the marks, from the tables of the limits."""
    signature = ", ".join([*(limit.key for limit in LIMITS), *OPTIONS_HELP])
    lines = [f"{limit.key}: {limit.help} (free {_number(limit.free)}, paid {_number(limit.paid)})" for limit in LIMITS]
    lines += [f"{key}: {text}" for key, text in OPTIONS_HELP.items()]
    yield (
        f"{LIMITS_MARK}({signature}): fail the test if it breaks a limit of Cloudflare Workers. Without keys every "
        f"limit of the plan holds; None turns one off; the closest mark wins key by key. {'; '.join(lines)}."
    )
    times = "; ".join(f"{key}: {text}" for key, text in TIMING_HELP.items())
    yield (
        f"{TIMING_MARK}({', '.join(TIMING_HELP)}): fail the test if it takes too long, or if too many of the "
        f"invocations that it opens do (requests into an app under test, cf_invocation). {times}."
    )


def limits_of(item: pytest.Item, base: Limits, mode: str) -> Limits:
    """Work out the limits of a test.

    Args:
        item: The test.
        base: The limits of the run.
        mode: Which tests are guarded.

    Returns:
        What its marks ask for. Without `cf_limits`, every limit if the run guards every test, else what its fixtures
        guard and `cf_timing` names.

    Raises:
        LimitsError: A mark is wrong; names its file and line, the value and what is valid.
    """
    every = mode in {"report", "enforce"} or (mode != "off" and item.get_closest_marker(LIMITS_MARK) is not None)
    limits = base if every else base.only(*(key for name in guarding_fixtures(item) for key in FIXTURE_LIMITS[name]))
    given: dict[str, dict[str, Any]] = {name: {} for name in _APPLY}
    for node, mark in reversed(list(_closest_first(item))) if mode != "off" else ():
        try:
            only_keys(mark.name, mark.args, "plan='free'" if mark.name == LIMITS_MARK else "p95_ms=800")
            if mark.name == TIMING_MARK and not mark.kwargs:
                raise LimitsError(f"{mark.name} names no time; valid keys: {', '.join(TIMING_HELP)}")
            _APPLY[mark.name](base, **mark.kwargs)
        except LimitsError as error:
            raise LimitsError(f"{place_of(item, node, mark)}: {error}") from None
        for keys in given.values():  # both marks know cpu_ms and wall_ms
            for key in mark.kwargs:
                keys.pop(key, None)
        given[mark.name] |= mark.kwargs
    for name, keys in given.items():
        limits = _APPLY[name](limits, **keys)
    return limits


def _closest_first(item: pytest.Item) -> Iterator[tuple[Any, pytest.Mark]]:
    """Yield the marks of a test and who carries them, the one that wins first.

    pytest's own order is function, class, module, but the marks of a parameter come after those of its function,
    and those of a base class before those of its subclass.
    """
    found = [(node, mark) for node, mark in item.iter_markers_with_node() if mark.name in NAMES]
    of_parameters = {id(mark) for mark in getattr(getattr(item, "callspec", None), "marks", ())}
    yield from (pair for pair in found if id(pair[1]) in of_parameters)
    rest = [pair for pair in found if id(pair[1]) not in of_parameters]
    for _, pairs in groupby(rest, key=lambda pair: pair[0]):
        yield from sorted(pairs, key=lambda pair: _distance(*pair))


def _distance(node: Any, mark: pytest.Mark) -> int:
    """Tell how far up the bases of a class a mark was given; 0 for what is no class."""
    bases = inspect.getmro(node.obj) if inspect.isclass(getattr(node, "obj", None)) else ()
    return next((steps for steps, base in enumerate(bases) if mark in own_marks(base)), 0)


def _number(number: int | None) -> str:
    return "none" if number is None else f"{number:,}"
