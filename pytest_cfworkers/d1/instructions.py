"""The instructions of a compiled statement, as EXPLAIN lists them, and where each can go on.

https://sqlite.org/opcode.html (checked 2026-11-24)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import apsw


class Instruction(NamedTuple):
    """One instruction as EXPLAIN lists it.

    Attributes:
        opcode: Its name.
        p1: The cursor, mostly.
        p2: Where it jumps, if it jumps.
        p3: Mostly a register.
        p4: Mostly a text; for what puts in and takes out rows, the name of the table, if a hook sees it.
        p5: Flags.
    """

    opcode: str
    p1: int
    p2: int
    p3: int
    p4: str
    p5: int


JUMPS: Final = frozenset(
    """
    Init Goto InitCoroutine MustBeInt Eq Ne Lt Le Gt Ge ElseEq Once If IfNot IsType IsNull NotNull IfNullRow
    IfNoHope NoConflict NotFound Found SeekLT SeekLE SeekGE SeekGT SeekRowid NotExists IfSizeBetween Last
    SorterSort Sort Rewind IfEmpty Prev Next SorterNext IdxLE IdxGT IdxLT IdxGE RowSetRead RowSetTest Program
    FkIfZero IfPos IfNotZero DecrJumpZero Filter VFilter VNext SorterCompare IncrVacuum SeekEqual
    """.split()  # noqa: SIM905 - a list would be a page long
)
"""Instructions that may go on at P2."""

SEEK_EQUAL: Final = "SeekEqual"
"""The name used here for a seek of a whole key: if it finds the key, it skips the next instruction."""

_ALWAYS_JUMPS: Final = frozenset({"Init", "Goto", "InitCoroutine"})
_ENDS: Final = frozenset({"Halt", "Return", "EndCoroutine"})
_EQUALITY_SEEKS: Final = frozenset({"SeekGE", "SeekLE"})
_OPENS: Final = frozenset({"OpenRead", "OpenWrite", "ReopenIdx"})
_SEEK_EQUAL: Final = 2  # OPFLAG_SEEKEQ


def instructions(explained: list[tuple[apsw.SQLiteValue, ...]]) -> list[list[Instruction]]:
    """Return the programs that EXPLAIN lists one behind the other."""
    programs: list[list[Instruction]] = []
    for address, opcode, p1, p2, p3, p4, p5, *_ in explained:
        if address == 0:
            programs.append([])
        programs[-1].append(Instruction(str(opcode), int(p1), int(p2), int(p3), str(p4 or ""), int(p5)))  # type: ignore[arg-type]
    return [_with_equal_seeks(part) for part in programs]


def _with_equal_seeks(part: list[Instruction]) -> list[Instruction]:
    equal = {one.p1 for one in part if one.opcode in _OPENS and one.p5 & _SEEK_EQUAL}
    return [
        one._replace(opcode=SEEK_EQUAL) if one.opcode in _EQUALITY_SEEKS and one.p1 in equal else one for one in part
    ]


def ways_out(at: int, instruction: Instruction) -> dict[str, int]:  # noqa: PLR0911 - one kind after the other
    """Return where an instruction can go on: addresses by the name of the way."""
    opcode, target = instruction.opcode, instruction.p2
    if opcode == "Gosub":
        return {"call": target, "next": at + 1}
    if opcode == "Jump":
        return {"less": instruction.p1, "jump": target, "more": instruction.p3}
    if opcode == "Return":
        return {"next": at + 1, "back": -1} if instruction.p3 else {}
    if opcode == "Yield":
        return {"next": at + 1, "jump": target} if target else {"next": at + 1}
    if opcode in _ENDS:
        return {}
    if opcode == SEEK_EQUAL:
        return {"next": at + 2, "jump": target}
    if opcode in _ALWAYS_JUMPS and target:
        return {"jump": target}
    if opcode in JUMPS and target:
        return {"next": at + 1, "jump": target}
    return {"next": at + 1}


def falls_in(part: list[Instruction], instruction: Instruction) -> bool:
    """Whether an instruction sets where a subroutine returns to, right behind its end, and goes on into it uncalled."""
    opcode, at, register = instruction.opcode, instruction.p1, instruction.p2
    return opcode == "Integer" and 0 < at < len(part) and part[at].opcode == "Return" and part[at].p1 == register
