"""How many rows a statement has read and written, as the runtime counts them.

It counts one read for each seek, each step to another row, each look at a rowid, each row of `count(*)`,
sorters and virtual tables included; and one write for each row and each index entry that is inserted and each
row that is deleted, temporary tables not included.
https://github.com/cloudflare/workerd/blob/main/patches/sqlite/0001-row-counts-plain.patch (checked
2026-11-24)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_cfworkers.d1.courses import Courses, value
from pytest_cfworkers.d1.flow import Combination, Flow, Sought, Vector
from pytest_cfworkers.d1.instructions import SEEK_EQUAL, Instruction, instructions

if TYPE_CHECKING:
    import apsw

_READS: Final = frozenset(
    {
        "SeekLT",
        "SeekLE",
        "SeekGE",
        "SeekGT",
        "SeekRowid",
        "NotExists",
        "Last",
        "Rewind",
        "Sort",
        "SorterSort",
        "VNext",
    }
)
_READS_BY_JUMP: Final = frozenset({"Next", "Prev", "SorterNext"})
_FULL_SCAN: Final = 1  # P5 of Next: SQLITE_STMTSTATUS_FULLSCAN_STEP
_COUNTED: Final = 1  # OPFLAG_NCHANGE
_UPDATES: Final = 4  # OPFLAG_ISUPDATE
_NO_OPERATION: Final = 0x40  # OPFLAG_ISNOOP
_FREES: Final = frozenset({"Delete", "IdxDelete", "Clear", "Destroy", "VUpdate"})
_LONGEST_PROGRAM: Final = 2_000

REPORTS: Final = {
    "steps": "SQLITE_STMTSTATUS_VM_STEP",
    "full_scan_steps": "SQLITE_STMTSTATUS_FULLSCAN_STEP",
    "sorts": "SQLITE_STMTSTATUS_SORT",
    "filter_hits": "SQLITE_STMTSTATUS_FILTER_HIT",
    "filter_misses": "SQLITE_STMTSTATUS_FILTER_MISS",
}
"""What SQLite's statement status tells about a run, by the name used here."""


class Linear(NamedTuple):
    """A number that is a sum of a constant, so much for each row and so much for each change."""

    one: int
    rows: int
    changes: int


class RowCounts(NamedTuple):
    """How to compute the two numbers of a statement from what is known after it ran.

    Attributes:
        read: By name of a report: coefficients.
        written: The same.
        needs_status: Whether SQLite's statement status is needed, and not only rows and changes.
        needs_events: Whether it is needed how many rows of each table were put in, updated and taken out.
        counted_roots: Pages of tables whose rows `count(*)` counts.
        frees: Whether it may set pages free.
        courses: Those that the statement may take, where the equations alone do not determine both; then the
            coefficients are those of the likeliest.
    """

    read: Combination
    written: Combination
    needs_status: bool
    needs_events: bool
    counted_roots: tuple[int, ...]
    courses: Courses | None
    frees: bool

    @property
    def read_linear(self) -> Linear | None:
        """Rows read in terms of rows and changes alone, or None."""
        return None if self.counted_roots or self.courses is not None else _linear(self.read)

    @property
    def written_linear(self) -> Linear | None:
        """Rows written in terms of rows and changes alone, or None."""
        return None if self.courses is not None else _linear(self.written)


def _linear(combination: Combination) -> Linear | None:
    whole = all(amount == int(amount) for amount in combination.values())
    if combination.keys() - {"one", "rows", "changes"} or not whole:
        return None
    return Linear(*(int(combination.get(name, 0)) for name in ("one", "rows", "changes")))


NOTHING: Final = RowCounts({}, {}, needs_status=False, needs_events=False, counted_roots=(), courses=None, frees=True)


TOO_LONG: Final = NOTHING._replace(written={"changes": 1})
"""What is assumed of programs whose equations would take too long: each change is one row written."""


def evaluate(counts: RowCounts, reports: dict[str, int]) -> list[int]:
    """Return the rows read and written from their coefficients and the reports of a run."""
    if counts.courses is not None:
        sums = counts.courses.evaluate(reports)
    else:
        sums = [value(one, reports) for one in (counts.read, counts.written)]
    return [max(0, round(one)) for one in sums]


def row_counts(explained: list[tuple[apsw.SQLiteValue, ...]]) -> RowCounts:
    """Work out how the numbers of a statement follow from what SQLite reports.

    Args:
        explained: The rows of EXPLAIN.

    Returns:
        The coefficients. Where they do not follow, what is likely is assumed.
    """
    programs = instructions(explained)
    if not programs:
        return NOTHING
    if sum(map(len, programs)) > _LONGEST_PROGRAM:
        return TOO_LONG
    flow = Flow(programs)
    read, written = _counted(flow, programs)
    _exclude(flow, programs)
    _learn(flow, programs)
    clears = any(one.opcode == "Clear" and one.p3 for part in programs for one in part)
    sought = [flow.reduce(Sought(read, {})), flow.reduce(Sought(written, {"changes": 1} if clears else {}))]
    exact = not any(one.edges for one in sought)
    events: set[str] = set()
    if not exact:
        events = _learn_events(flow, programs)
        sought = [flow.reduce(one) for one in sought]
        exact = not any(one.edges for one in sought)
    courses = None if exact else Courses(flow, programs, sought)
    read_by, written_by = (one.known for one in sought) if courses is None else courses.likeliest.numbers
    roots = tuple(
        _root(programs[0], instruction.p1)
        for instruction in programs[0]
        if instruction.opcode == "Count" and not instruction.p3
    )
    needed = {*read_by, *written_by} if courses is None else {*REPORTS, *events}
    frees = any(one.opcode in _FREES for part in programs for one in part)
    return RowCounts(
        read=read_by,
        written=written_by,
        needs_status=bool(needed & set(REPORTS)),
        needs_events=bool(needed - {*REPORTS, "one", "rows", "changes"}),
        counted_roots=roots,
        courses=courses,
        frees=frees,
    )


def _root(part: list[Instruction], cursor: int) -> int:
    return next((one.p2 for one in part if one.opcode == "OpenRead" and one.p1 == cursor), 0)


def _counted(flow: Flow, programs: list[list[Instruction]]) -> tuple[Vector, Vector]:
    read: Vector = {}
    written: Vector = {}
    for number, part in enumerate(programs):
        temporary = {one.p1 for one in part if one.opcode in ("OpenEphemeral", "OpenAutoindex", "OpenDup")}
        for at, one in enumerate(part):
            opcode = one.opcode
            if opcode == SEEK_EQUAL:
                _add(read, flow.edge(number, at, "next"))
            elif opcode in _READS:
                _add(read, flow.visits(number, at))
            elif opcode in _READS_BY_JUMP:
                _add(read, flow.edge(number, at, "jump"))
            elif _writes(one) and one.p1 not in temporary:
                _add(written, flow.visits(number, at))
    return read, written


def _writes(one: Instruction) -> bool:
    if one.opcode == "Insert":
        return not one.p5 & _NO_OPERATION
    return one.opcode in ("IdxInsert", "VUpdate") or (one.opcode == "Delete" and bool(one.p2 & _COUNTED))


def _learn(flow: Flow, programs: list[list[Instruction]]) -> None:
    """State what SQLite's reports are sums of."""
    sums: dict[str, Vector] = {name: {} for name in (*REPORTS, "rows", "changes")}
    for number, part in enumerate(programs):
        for at, one in enumerate(part):
            visits = flow.visits(number, at)
            _add(sums["steps"], visits)
            if one.opcode in _READS_BY_JUMP and one.p5 == _FULL_SCAN:
                _add(sums["full_scan_steps"], flow.edge(number, at, "jump"))
            elif one.opcode in ("Sort", "SorterSort"):
                _add(sums["sorts"], visits)
            elif one.opcode == "ResultRow":
                _add(sums["rows"], visits)
            elif one.opcode == "Filter":
                _add(sums["filter_hits"], flow.edge(number, at, "jump"))
                _add(sums["filter_misses"], flow.edge(number, at, "next"))
            if _changes(one):
                _add(sums["changes"], visits)
    clears = any(one.opcode in ("Clear", "VUpdate") for part in programs for one in part)
    for name in ("rows", "changes", "full_scan_steps", "sorts", "filter_hits", "filter_misses", "steps"):
        if sums[name] and not (name == "changes" and clears):
            flow.learn(sums[name], name)


def _exclude(flow: Flow, programs: list[list[Instruction]]) -> None:
    """State what a statement that has succeeded did not do: halt with an error, or leave a foreign key violated."""
    made_up_for = any(one.opcode == "FkCounter" and one.p2 < 0 for part in programs for one in part)
    for number, part in enumerate(programs):
        for at, one in enumerate(part):
            violates = one.opcode == "FkCounter" and not one.p1 and one.p2 > 0 and not made_up_for
            if violates or (one.opcode == "Halt" and one.p1):
                flow.assume_none(flow.visits(number, at))


def event(operation: str, table: str) -> str:
    """Return the name of a report that counts the rows of a table that were put in, updated or taken out.

    Args:
        operation: `"INSERT"`, `"UPDATE"` or `"DELETE"`.
        table: Its name.
    """
    return f"{operation} {table}"


def _learn_events(flow: Flow, programs: list[list[Instruction]]) -> set[str]:
    """State what a hook before each change of a row counts, and return the names of these counts."""
    sums: dict[str, Vector] = {}
    for number, part in enumerate(programs):
        for at, one in enumerate(part):
            if one.opcode == "Insert" and one.p4 and not one.p5 & _UPDATES:
                operation = "INSERT"
            elif one.opcode == "Delete" and one.p4:
                operation = "UPDATE" if one.p2 & _UPDATES else "DELETE"
            else:
                continue
            _add(sums.setdefault(event(operation, one.p4), {}), flow.visits(number, at))
    for name, vector in sums.items():
        flow.learn(vector, name)
    return set(sums)


def _changes(one: Instruction) -> bool:
    if one.opcode in ("Insert", "IdxInsert"):
        return bool(one.p5 & _COUNTED)
    return one.opcode == "Delete" and bool(one.p2 & _COUNTED)


def _add(total: Vector, vector: Vector, times: int = 1) -> None:
    for edge, amount in vector.items():
        total[edge] = total.get(edge, 0) + times * amount
