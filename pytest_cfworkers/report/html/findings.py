"""What was found, as a reader goes through it: one card for what is the same fault, the worst first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, Literal, final

from pytest_cfworkers.limits import RULES
from pytest_cfworkers.report.html.figures import amount
from pytest_cfworkers.report.html.waterfall import Waterfall, draw
from pytest_cfworkers.report.model import TestRecord
from pytest_cfworkers.violation import Violation
from pytest_cfworkers.wording.lines import place

DRAWN: Final = 2_000
"""Connections that are drawn without JavaScript, in all: the page must stay small. The worst tests come first."""

NAMED: Final = 100
"""Tests that are named which would fail on the other plan; the rest are counted."""

TITLES: Final[Mapping[str, str]] = {
    "violations": "What broke",
    "known": "Known to the baseline, fails nothing",
    "expected": "Broken where a failure is expected",
    "advice": "Worth a look, fails nothing",
    "allowed": "Broken, and allowed to be",
}
"""What is written over what was found, by the attribute of a record that holds it."""

_FIX: Final = "Fix:"
_CODE: Final = "    "
"""What a line of a remedy begins with that is code."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A part of a remedy.

    Attributes:
        kind: "text", "code" or "link".
        text: Its text; a link is a URL.
    """

    kind: Literal["text", "code", "link"]
    text: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One violation of one test.

    Attributes:
        test: The number of the test.
        record: The test.
        violation: What it broke.
        waterfall: Its worst invocation, where it is drawn.
    """

    test: int
    record: TestRecord
    violation: Violation
    waterfall: Waterfall | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is the same fault in one or more tests: the same rule, broken by the same functions.

    Attributes:
        worst: The one that went furthest beyond the limit.
        rest: The others, the worst first.
        remedy: What to do, in parts.
    """

    worst: Finding
    rest: tuple[Finding, ...]
    remedy: tuple[Block, ...]

    @property
    def tests(self) -> int:
        """How many tests it is found in."""
        return len({finding.test for finding in (self.worst, *self.rest)})

    @property
    def place(self) -> str:
        """The line that breaks it; "" where it is not known."""
        frames = self.worst.violation.frames
        return place(frames[0]) if frames else ""


def broken(tests: Sequence[TestRecord]) -> tuple[Card, ...]:
    """Return a card for each fault, with the picture of the test that it was worst in."""
    pencil = _Pencil()
    faults = _faults(tests, "violations")
    drawn = [pencil.draw(fault[0]) for fault in faults]  # each card has its picture before any has a second
    return tuple(_card((worst, *map(pencil.draw, fault[1:]))) for worst, fault in zip(drawn, faults, strict=True))


def excused(tests: Sequence[TestRecord]) -> Iterator[tuple[str, str, tuple[Card, ...]]]:
    """Yield what fails nothing: its kind, a title, and a card for each thing that was found."""
    for kind, title in TITLES.items():
        if kind != "violations" and (faults := _faults(tests, kind)):
            yield kind, title, tuple(map(_card, faults))


def unneeded(tests: Sequence[TestRecord]) -> Iterator[tuple[int, TestRecord, str, str]]:
    """Yield the allowances that were not needed: the test, the rule and the reason given."""
    for index, record in enumerate(tests):
        for rule, why in record.unused.items():
            yield index, record, rule, why


def elsewhere(tests: Sequence[TestRecord]) -> Iterator[tuple[int, TestRecord, str]]:
    """Yield the tests that would fail on the other plan, and why."""
    for index, record in enumerate(tests):
        why = [
            f"{amount(limit, usage.used)} of {amount(limit, usage.other or 0)} {limit.title}"
            for limit in record.fails_elsewhere
            for usage in (record.usage[limit.key],)
        ]
        if why:
            yield index, record, ", ".join(why)


def blocks(remedy: str) -> Iterator[Block]:
    """Take a remedy apart into text, code and links."""
    for code, lines in groupby(remedy.splitlines(), key=lambda line: line.startswith(_CODE)):
        if code:
            yield Block(kind="code", text="\n".join(line.removeprefix(_CODE) for line in lines))
            continue
        for alone, part in groupby(lines, key=lambda line: line == _FIX or is_link(line)):
            for text in part if alone else (" ".join(part),):
                yield Block(kind="link" if is_link(text) else "text", text=text.strip())


def is_link(text: str) -> bool:
    """Tell whether a text is an address that may be followed."""
    return text.startswith(("https://", "http://")) and not any(character.isspace() for character in text)


@final
class _Pencil:
    """Draws each broken test once, until the page has enough pictures."""

    def __init__(self) -> None:
        self._drawn: set[int] = set()
        self._rows = 0

    def draw(self, finding: Finding) -> Finding:
        """Return a finding with the picture of the worst invocation of its test."""
        timelines = finding.record.timelines
        if finding.test in self._drawn or not timelines or self._rows >= DRAWN:
            return finding
        self._drawn.add(finding.test)
        waterfall = draw(max(timelines, key=lambda timeline: len(timeline.spans) + timeline.dropped))
        self._rows += len(waterfall.rows)
        return replace(finding, waterfall=waterfall)


def _faults(tests: Sequence[TestRecord], kind: str) -> list[list[Finding]]:
    """Put together what is the same fault: the rules in their order, then what is in most tests, then what is worst."""
    faults: dict[object, list[Finding]] = {}
    for index, record in enumerate(tests):
        for found in getattr(record, kind):
            finding = Finding(test=index, record=record, violation=found)
            faults.setdefault((found.key, found.remedy), []).append(finding)
    for fault in faults.values():
        fault.sort(key=lambda finding: -finding.violation.observed)
    return sorted(faults.values(), key=_rank)


def _rank(fault: Sequence[Finding]) -> tuple[int, int, float]:
    worst = fault[0].violation
    return RULES.index(worst.rule), -len(fault), -worst.observed


def _card(fault: Sequence[Finding]) -> Card:
    worst, *rest = fault
    return Card(worst=worst, rest=tuple(rest), remedy=tuple(blocks(worst.violation.remedy)))
