"""Which course a statement took, where what SQLite reports of a run leaves several.

A course is a set of ways that were not taken: out of instructions that seldom jump, or into loops that may have
had nothing to do. With it the equations have one solution. If that solution says that something ran a negative
or a broken number of times, the statement took another course.
"""

from __future__ import annotations

import threading
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_cfworkers.d1.flow import Sought

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_cfworkers.d1.flow import Combination, Flow, Number, Vector
    from pytest_cfworkers.d1.instructions import Instruction

_UNLIKELY_JUMPS: Final = (
    ("MustBeInt", "NotExists", "FkIfZero", "VFilter", "IfNullRow", "Program"),
    ("SeekGE", "SeekLE", "SeekGT", "SeekLT", "SeekRowid", "NotFound", "SeekEqual"),
    ("IsNull", "NotNull", "Rewind", "Last", "Sort", "SorterSort"),
    ("IdxGT", "IdxLT", "IdxGE", "IdxLE"),
    ("Found", "IfPos", "DecrJumpZero", "IfNot", "If"),
    ("Eq", "Ne", "Lt", "Le", "Gt", "Ge"),
)
_UNLIKELY_CONFLICTS: Final = (("NoConflict",),)
_MAY_FIND_NOTHING: Final = (
    ("Rewind", "Last", "Sort", "SorterSort", "SeekGE", "SeekLE", "SeekGT", "SeekLT", "SeekRowid", "SeekEqual"),
    ("NotExists", "NotFound"),
)
_RUNS_KEPT: Final = 64
_FILLS: Final = frozenset({"SorterInsert", "Insert", "IdxInsert", "RowSetAdd"})
_STARTS: Final = frozenset({"SorterSort", "Sort", "Rewind", "RowSetRead"})
_STEPS: Final = frozenset({"Next", "Prev", "SorterNext"})
_MOST: Final = 24  # courses of a statement beside the usual one


class Course(NamedTuple):
    """One course.

    Attributes:
        numbers: The sums that are sought, by name of a report: coefficients.
        runs: How often each way between instructions was taken, likewise, as far as that is known.
    """

    numbers: list[Combination]
    runs: list[Combination]

    def agrees(self, reports: dict[str, int]) -> bool:
        """Whether nothing ran a negative or broken number of times."""
        return all(total >= 0 and total == int(total) for total in (value(one, reports) for one in self.runs))


class Courses:
    """The courses of a statement, the likeliest first; each is worked out when it is needed.

    Args:
        flow: What is certain.
        programs: The main program, and behind it those of its triggers.
        sought: The sums that are sought.
    """

    def __init__(self, flow: Flow, programs: list[list[Instruction]], sought: list[Sought]) -> None:
        self._flow = flow
        self._programs = programs
        self._sought = sought
        self._known: list[Course] = []
        self._rest = self._make()
        self._turn = threading.Lock()
        self._evaluated: dict[frozenset[tuple[str, int]], list[Number]] = {}

    @property
    def likeliest(self) -> Course:
        """The course that is assumed as long as nothing speaks against it."""
        return next(self._in_order())

    def evaluate(self, reports: dict[str, int]) -> list[Number]:
        """Return the sums that are sought, by the course that a run took.

        Args:
            reports: What SQLite reported of it.
        """
        run = frozenset(reports.items())
        sums = self._evaluated.get(run)
        if sums is None:
            with self._turn:  # databases in several threads have the courses of equal programs in common
                taken = next((course for course in self._in_order() if course.agrees(reports)), self.likeliest)
            sums = [value(one, reports) for one in taken.numbers]
            if len(self._evaluated) >= _RUNS_KEPT:
                self._evaluated.clear()
            self._evaluated[run] = sums
        return sums

    def _in_order(self) -> Iterator[Course]:
        yield from self._known
        for course in self._rest:
            self._known.append(course)
            yield course

    def _make(self) -> Iterator[Course]:
        stores = [*_stores(self._flow, self._programs), *_undivided(self._flow, self._programs)]
        usual = [*stores, *self._ways("next", _UNLIKELY_CONFLICTS), *self._ways("jump", _UNLIKELY_JUMPS)]
        yield self._course(usual)
        nothing_there = self._ways("next", _MAY_FIND_NOTHING)
        unusual = [
            *((way,) for way in nothing_there),
            *combinations(nothing_there, 2),
            *((way,) for way in self._ways("next", _UNLIKELY_JUMPS)),
        ]
        for ways in unusual[:_MOST]:
            yield self._course([*ways, *usual])

    def _ways(self, name: str, groups: tuple[tuple[str, ...], ...]) -> list[Vector]:
        """Return one way out of each fork, in the order of the groups."""
        return [
            self._flow.edge(number, at, name)
            for opcodes in groups
            for number, part in enumerate(self._programs)
            for at, one in enumerate(part)
            if one.opcode in opcodes and not _begins_window(part, at)
        ]

    def _course(self, assumed: list[Vector]) -> Course:
        flow = self._flow.branch()
        sought = self._sought
        for vector in assumed:
            if not any(one.edges for one in sought):
                break
            flow.assume_none(vector)
            sought = [flow.reduce(one) for one in sought]
        runs = [flow.reduce(Sought({edge: 1}, {})) for edge in flow.edges]
        return Course([one.known for one in sought], [one.known for one in runs if not one.edges])


def value(combination: Combination, reports: dict[str, int]) -> Number:
    """Return a sum from its coefficients and the reports of a run."""
    return sum((amount * reports.get(name, 0) for name, amount in combination.items()), 0)


def _stores(flow: Flow, programs: list[list[Instruction]]) -> list[Vector]:
    """Return equations that hold where each row put into a sorter or temporary table is read once.

    The rows of a window are put in by one cursor and read by others on the same table, each of which sees them all.
    """
    equations = []
    for number, part in enumerate(programs):
        stores = {one.p1 for one in part if one.opcode in ("SorterOpen", "OpenEphemeral", "RowSetAdd")}
        table = {one.p1: one.p2 for one in part if one.opcode == "OpenDup"}
        for store in sorted({*stores, *table}):
            fills: Vector = {}
            reads: Vector = {}
            for at, one in enumerate(part):
                if one.opcode in _FILLS and table.get(one.p1, one.p1) == table.get(store, store):
                    _add(fills, flow.visits(number, at))
                elif one.opcode in _STARTS and one.p1 == store:
                    _add(reads, flow.edge(number, at, "next"))
                elif one.opcode in _STEPS and one.p1 == store:
                    _add(reads, flow.edge(number, at, "jump"))
            steps = any(one.opcode in _STEPS and one.p1 == store for one in part)
            if fills and reads and (steps or store not in table):
                equations.append({edge: fills.get(edge, 0) - reads.get(edge, 0) for edge in {**fills, **reads}})
    return equations


def _begins_window(part: list[Instruction], at: int) -> bool:
    """Whether an instruction asks if a row is the first of its window, which most rows are not."""
    return part[at].opcode == "Ne" and any(one.opcode == "Rewind" and not one.p2 for one in part[at + 1 : at + 3])


def _undivided(flow: Flow, programs: list[list[Instruction]]) -> list[Vector]:
    """Return equations that hold where a window without PARTITION BY has rows: its cursors start once."""
    equations = []
    for number, part in enumerate(programs):
        table = {one.p1: one.p2 for one in part if one.opcode == "OpenDup"}
        opened = {one.p1: at for at, one in enumerate(part) if one.opcode == "OpenEphemeral"}
        divided = {one.p1 for one, after in pairwise(part) if (one.opcode, after.opcode) == ("ResetSorter", "Return")}
        for at, one in enumerate(part):
            store = table.get(one.p1, one.p1)
            if one.opcode == "Rewind" and not one.p2 and store in opened and store not in divided:
                equation: Vector = dict.fromkeys(flow.visits(number, opened[store]), -1)
                _add(equation, flow.visits(number, at))
                equations.append(equation)
    return equations


def _add(total: Vector, ways: Vector) -> None:
    for edge, amount in ways.items():
        total[edge] = total.get(edge, 0) + amount
