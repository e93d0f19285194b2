"""How often each instruction of a compiled statement ran, as far as it follows from what SQLite reports.

The runtime counts rows inside a patched SQLite. An unpatched one tells less: the program (EXPLAIN), how many
instructions ran in all, how many steps were full-scan steps, how many rows came back and how many changed.
But what flows into an instruction flows out of it, so these few sums often determine every count that
matters: a number is then a linear combination of what was reported, and the combination can be kept with the
statement. https://sqlite.org/opcode.html, https://sqlite.org/c3ref/c_stmtstatus_counter.html (checked
2026-11-24)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from copy import copy
from fractions import Fraction
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from pytest_cfworkers.d1.instructions import SEEK_EQUAL, Instruction, falls_in, ways_out

Number = int | Fraction

Vector = dict[int, Number]
"""Coefficients by the number of an edge; edges that are missing have none."""

Combination = dict[str, Number]
"""Coefficients by the name of something that SQLite reports; "one" stands for the constant."""


class Flow:
    """The flow equations of one program.

    Args:
        program: The main program, and behind it the programs of its triggers, each with its own addresses.
    """

    def __init__(self, program: list[list[Instruction]]) -> None:
        self._edges = 0
        self._in: dict[tuple[int, int], list[int]] = defaultdict(list)
        self._out: dict[tuple[int, int], dict[str, int]] = {}
        self._program = program
        self._straight: set[tuple[int, int]] = set()
        self._echelon: dict[int, tuple[int, Vector, Combination]] = {}
        self._entry = self._edge((0, 0))
        self._state({self._entry: 1}, {"one": 1})
        callers = [
            (number, at)
            for number, part in enumerate(program)
            for at, instruction in enumerate(part)
            if instruction.opcode == "Program"
        ]
        self._subentries = [self._edge((number, 0)) for number in range(1, len(program))]
        self._connect_all()
        self._begins = {
            (number, instruction.p3): self._edge((number, instruction.p3))
            for number, part in enumerate(program)
            for instruction in part
            if instruction.opcode == "InitCoroutine" and instruction.p2
        }
        returned = {
            (number, at): self._edge((number, instruction.p1 + 1))
            for number, part in enumerate(program)
            for at, instruction in enumerate(part)
            if falls_in(part, instruction)
        }
        for number in range(len(program)):
            self._conserve(number)
        for start, edge in returned.items():
            self._state(_minus(self.visits(*start), {edge: 1}), {})
        if len(callers) == len(self._subentries):
            for caller, entry in zip(callers, self._subentries, strict=True):
                self._state(_minus(self.visits(*caller), {entry: 1}), {})
        for number, part in enumerate(program):
            self._couple_coroutines(number, part)

    def _edge(self, target: tuple[int, int]) -> int:
        self._edges += 1
        self._in[target].append(self._edges)
        return self._edges

    def _connect_all(self) -> None:
        exits = {
            (number, at): ways_out(at, instruction)
            for number, part in enumerate(self._program)
            for at, instruction in enumerate(part)
        }
        arrivals = Counter((number, target) for (number, _), ways in exits.items() for target in ways.values())
        arrivals.update((number, 0) for number in range(len(self._program)))
        arrivals.update(
            (number, instruction.p3)
            for number, part in enumerate(self._program)
            for instruction in part
            if instruction.opcode == "InitCoroutine"
        )
        arrivals.update(
            (number, instruction.p1 + 1)
            for number, part in enumerate(self._program)
            for instruction in part
            if falls_in(part, instruction)
        )
        for (number, at), ways in exits.items():
            leading = self._in.get((number, at), ())
            resumed = self._program[number][at].opcode == "Yield"
            if ways.keys() == {"next"} and not resumed and len(leading) == 1 and arrivals[number, at] == 1:
                # Straight on: the same edge goes through, and no equation is needed.
                self._in[number, ways["next"]].append(leading[0])
                self._out[number, at] = {"next": leading[0]}
                self._straight.add((number, at))
            else:
                self._out[number, at] = {name: self._edge((number, target)) for name, target in ways.items()}

    def _conserve(self, number: int) -> None:
        for at, instruction in enumerate(self._program[number]):
            if (number, at) in self._straight:
                continue
            out = self._out[number, at]
            visits = self.visits(number, at)
            if not visits and self._program[number][at - 1].opcode == SEEK_EQUAL:
                for edge in out.values():
                    self._state({edge: 1}, {})
                continue
            if instruction.opcode == "Gosub":
                self._state(_minus(visits, {out["call"]: 1}), {})
                self._state(_minus(visits, {out["next"]: 1}), {})
            elif instruction.opcode == "Yield":
                if instruction.p2:
                    self._state(_minus(visits, dict.fromkeys(out.values(), 1)), {})
            elif out:
                self._state(_minus(visits, dict.fromkeys(out.values(), 1)), {})

    def _couple_coroutines(self, number: int, part: list[Instruction]) -> None:
        """State that a reader goes on once for each row that its coroutine yields, and jumps at its end."""
        starts = [at for at, instruction in enumerate(part) if instruction.opcode == "InitCoroutine"]
        for start in (at for at in starts if part[at].p2):
            register, after, entry = part[start].p1, part[start].p2, part[start].p3
            body = range(entry, after)
            # One that is read in a loop is started before each round, by instructions that do not jump.
            anew = [at for at in starts if part[at].p1 == register and part[at].p3 == entry and not part[at].p2]
            inside = [at for at in body if part[at].opcode == "Yield" and part[at].p1 == register]
            ends = [at for at in body if part[at].opcode == "EndCoroutine" and part[at].p1 == register]
            readers = [
                at
                for at, instruction in enumerate(part)
                if instruction.opcode == "Yield" and instruction.p1 == register and at not in body
            ]
            begin = self._begins[number, entry]
            self._state(_minus(_sum(self.visits(number, at) for at in anew or [start]), {begin: 1}), {})
            taken = _sum({self._out[number, at]["next"]: 1} for at in readers)
            ended = _sum({self._out[number, at]["jump"]: 1} for at in readers if "jump" in self._out[number, at])
            given = _sum(self.visits(number, at) for at in inside)
            self._state(_minus(taken, given), {})
            self._state(_minus(ended, _sum(self.visits(number, at) for at in ends)), {})
            resumed = _sum({self._out[number, at]["next"]: 1} for at in inside)
            asked = _sum(self.visits(number, at) for at in readers)
            self._state(_minus(_minus(asked, {begin: 1}), resumed), {})

    def visits(self, number: int, at: int) -> Vector:
        """Return how often an instruction ran, in terms of the edges that lead to it."""
        return dict.fromkeys(self._in[number, at], 1)

    @property
    def edges(self) -> range:
        """The ways from one instruction to another."""
        return range(1, self._edges + 1)

    def edge(self, number: int, at: int, name: str) -> Vector:
        """Return how often an instruction was left one way: "next" or "jump"."""
        edge = self._out[number, at].get(name)
        return {} if edge is None else {edge: 1}

    def _state(self, vector: Vector, value: Combination) -> None:
        """Add an equation: the vector's edges sum up to the value."""
        vector, value = self._reduced(vector, value)
        if not vector:
            return
        # Almost all coefficients are 1 or -1, and ints are faster than fractions.
        pivot = next((edge for edge, amount in vector.items() if abs(amount) == 1), next(iter(vector)))
        scale = vector[pivot] if abs(vector[pivot]) == 1 else 1 / Fraction(vector[pivot])
        if scale != 1:
            vector = {edge: amount * scale for edge, amount in vector.items()}
            value = {name: amount * scale for name, amount in value.items()}
        self._echelon[pivot] = len(self._echelon), vector, value

    def _reduced(self, vector: Vector, value: Combination) -> tuple[Vector, Combination]:
        """Take every edge out of an equation that an earlier equation expresses by others.

        An equation holds no pivot of an earlier one, so going through them in order meets each once.
        """
        vector, value = dict(vector), dict(value)
        echelon = self._echelon
        pending = [(echelon[edge][0], edge) for edge in vector if edge in echelon]
        heapify(pending)
        while pending:
            _, edge = heappop(pending)
            amount = vector.get(edge)
            if not amount:
                continue
            _, row, known = echelon[edge]
            for other, coefficient in row.items():
                before = vector.get(other)
                rest = (before or 0) - amount * coefficient
                if rest:
                    vector[other] = rest
                    if before is None and other in echelon:
                        heappush(pending, (echelon[other][0], other))
                elif before is not None:
                    del vector[other]
            for name, coefficient in known.items():
                value[name] = value.get(name, 0) - amount * coefficient
        return vector, value

    def branch(self) -> Flow:
        """Return the same equations, to which others can be added without these being changed."""
        other = copy(self)
        other._echelon = dict(self._echelon)  # noqa: SLF001 - the class's own
        return other

    def learn(self, vector: Vector, reported: str) -> None:
        """Add an equation: the edges sum up to something that SQLite reports."""
        self._state(vector, {reported: 1})

    def assume_none(self, vector: Vector) -> None:
        """Add an equation, which may be no more than likely: the edges were never taken."""
        self._state(vector, {})

    def reduce(self, sought: Sought) -> Sought:
        """Express a sum of edges by what SQLite reports, as far as the equations go."""
        vector, value = self._reduced(sought.edges, {name: -amount for name, amount in sought.known.items()})
        return Sought(vector, {name: -amount for name, amount in value.items() if amount})


class Sought(NamedTuple):
    """A sum of edges that is to be expressed by what SQLite reports.

    Attributes:
        edges: What is not expressed yet.
        known: What is.
    """

    edges: Vector
    known: Combination


def _minus(left: Vector, right: Vector) -> Vector:
    return {edge: amount for edge in {**left, **right} if (amount := left.get(edge, 0) - right.get(edge, 0))}


def _sum(vectors: object) -> Vector:
    total: Vector = {}
    for vector in vectors:  # type: ignore[attr-defined]  # an iterable of vectors
        for edge, amount in vector.items():
            total[edge] = total.get(edge, 0) + amount
    return total
