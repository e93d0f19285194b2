"""A broken rule as the baseline and comparisons know it: by a key that outlasts moved lines, with its figures."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, Self

from pytest_cfworkers.report.model import TestRecord
from pytest_cfworkers.size import format_size
from pytest_cfworkers.violation import Violation

_NOISE: Final[Mapping[str, float]] = {"ms": 1.25, "bytes": 1.1}
"""How much more of what varies from run to run, by its unit, is no worse. Counts do not vary."""


class Entry(NamedTuple):
    """A known violation.

    Attributes:
        test: The id of the test.
        key: The violation's key, which holds no line numbers.
        observed: What was measured, in `unit`.
        limit: What was allowed, in `unit`.
        unit: The unit of both numbers.
    """

    test: str
    key: str
    observed: float
    limit: float
    unit: str

    @classmethod
    def of(cls, test: str, found: Violation) -> Self:
        """Make the entry of a violation whose paths are written from the root of the project."""
        return cls(test, found.key, _rounded(found.observed), _rounded(found.limit), found.unit)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make the entry that plain data is of.

        Raises:
            ValueError: It is of none; the text says why.
        """
        if strange := [name for name in data if name not in cls._fields]:
            raise ValueError(f"has {strange[0]!r:.60}, which means nothing")
        for name, kind in cls.__annotations__.items():
            if name not in data:
                raise ValueError(f"has no {name!r}")
            if type(data[name]) not in ((str,) if kind is str else (int, float)):
                raise ValueError(f"has {name}={data[name]!r:.60}, no {'text' if kind is str else 'number'}")
        return cls(**data)

    def is_less_than(self, observed: float) -> bool:
        """Tell whether it is less than a figure of the same kind by more than varies from run to run."""
        return self.observed * _NOISE.get(self.unit, 1.0) < observed

    def amount(self, value: float) -> str:
        """Write a number in the unit of the entry."""
        if self.unit == "bytes":
            return format_size(int(value))
        return f"{value:,.1f} ms" if self.unit == "ms" else f"{value:,g}"

    def since(self, old: Self) -> str:
        """Tell what became of an earlier entry of the same violation."""
        return f"{self}: {old.amount(old.observed)} before, now {self.amount(self.observed)}"

    def __str__(self) -> str:
        return f"{self.test}: {self.key}"


def broken(records: Iterable[TestRecord]) -> dict[tuple[str, str], Entry]:
    """Return what tests broke, new and known, by test and key."""
    return worst(Entry.of(record.nodeid, found) for record in records for found in (*record.violations, *record.known))


def worst(entries: Iterable[Entry]) -> dict[tuple[str, str], Entry]:
    """Return the worst entry of each test and key."""
    found: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        place = entry.test, entry.key
        if place not in found or entry.observed > found[place].observed:
            found[place] = entry
    return found


def _rounded(figure: float) -> float:
    """Round what was measured, so that a diff shows no noise behind the point; up, so that it is known."""
    return figure if isinstance(figure, int) else math.ceil(figure * 10) / 10
