"""Makes a program with a disagreement smaller: fewer operations, statements, lines and options.

Hypothesis shrinks too, one choice at a time, and needs minutes for what this does in a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.d1.differential.comparison import Disagreement, disagreement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_cfworkers.lanes.lane import WorkerdLane
    from tests.d1.differential.programs import Operation


async def reduced(lane: WorkerdLane, found: Disagreement, *, apart: bool = False) -> Disagreement:
    """Return the same kind of disagreement in the smallest program that leaving out leads to.

    Args:
        lane: The real runtime.
        found: The disagreement.
        apart: As it was found.
    """
    smaller = True
    while smaller:
        smaller = False
        for candidate in _candidates(found.program[: found.position + 1]):
            other = await disagreement(lane, candidate, apart=apart)
            if other is not None and other.signature == found.signature:
                found, smaller = other, True
                break
    return found


def _candidates(program: list[Operation]) -> Iterator[list[Operation]]:
    """Yield the program with one thing less, the largest things first."""
    for position, operation in enumerate(program):
        before, after = program[:position], program[position + 1 :]
        if not _is_needed(operation, after):
            yield before + after
        for less in _smaller(operation):
            yield [*before, less, *after]


def _is_needed(operation: Operation, later: list[Operation]) -> bool:
    name = operation.get("as")
    return name is not None and any(name in (other.get("stmt"), other.get("session")) for other in later)


def _smaller(operation: Operation) -> Iterator[Operation]:
    if operation["op"] == "batch":
        statements = operation["statements"]
        if len(statements) == 1:
            yield {"op": "query", "method": "all", **statements[0]}
        yield from ({**operation, "statements": rest} for rest in _with_one_less(statements))
    elif operation["op"] == "exec":
        yield from ({**operation, "sql": "\n".join(rest)} for rest in _with_one_less(operation["sql"].split("\n")))
    elif operation["op"] == "query":
        for key in {"session", "column", "columnNames"} & operation.keys():
            yield {name: value for name, value in operation.items() if name != key}
        if operation["method"] != "all":
            yield {**operation, "method": "all"}
        yield from ({**operation, "params": params} for params in _simpler(operation.get("params", [])))


def _with_one_less(items: list[Any]) -> Iterator[list[Any]]:
    if len(items) > 1:
        for position in range(len(items)):
            yield items[:position] + items[position + 1 :]


def _simpler(params: list[Any]) -> Iterator[list[Any]]:
    for position, value in enumerate(params):
        if value not in (None, 1):
            yield [*params[:position], 1, *params[position + 1 :]]
