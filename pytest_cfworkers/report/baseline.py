"""The baseline: violations that are known already, so that a run fails only on what is new or worse.

One line of JSON for each violation, sorted, so that a diff shows what changed. Two branches may both change it: lines
in any order and double ones are read, too.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, final

from pytest_cfworkers.callsite import inside
from pytest_cfworkers.report.atomic import write_text
from pytest_cfworkers.report.model import TestRecord
from pytest_cfworkers.report.run import Bundle
from pytest_cfworkers.violation import Violation

FORMAT: Final = "pytest-cfworkers baseline"
SCHEMA: Final = 1
"""It grows with every change that an older reader would misunderstand."""

_NOISE: Final[Mapping[str, float]] = {"ms": 1.25, "bytes": 1.1}
"""How much more of what varies from run to run, by its unit, is no worse. Counts do not vary."""


class BaselineError(ValueError):
    """A baseline that cannot be used; the text names the file and says what to do."""


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
        """Make the entry that a line holds.

        Raises:
            TypeError: It is none.
        """
        entry = cls(**data)
        for name, kinds in cls.__annotations__.items():
            if type(getattr(entry, name)) not in ((str,) if kinds is str else (int, float)):
                raise TypeError(f"{name} is {getattr(entry, name)!r}")
        return entry

    def is_less_than(self, observed: float) -> bool:
        """Tell whether it is less than a figure of the same kind by more than varies from run to run."""
        return self.observed * _NOISE.get(self.unit, 1.0) < observed

    def __str__(self) -> str:
        return f"{self.test}: {self.key}"


class Changes(NamedTuple):
    """What changed since the baseline was written.

    Attributes:
        gone: What is not broken any more.
        less: What is broken less: as it was, and as it is.
        more: What is broken more: as it was, and as it is.
    """

    gone: tuple[Entry, ...]
    less: tuple[tuple[Entry, Entry], ...]
    more: tuple[tuple[Entry, Entry], ...]


@final
@dataclass(frozen=True, slots=True)
class Baseline:
    """The violations that are known.

    Attributes:
        path: The file.
        entries: Each by its test and key.
        bundle: The bytes of the Worker's bundle, uncompressed and compressed; None where it was not measured.
        update: Whether every violation is taken for known, because the file is about to be written.
    """

    path: Path
    entries: Mapping[tuple[str, str], Entry]
    bundle: tuple[int, int] | None = None
    update: bool = False

    @classmethod
    def read(cls, path: Path, *, update: bool = False) -> Self:
        """Read a file.

        Args:
            path: The file.
            update: Whether it will be written, and so need not be there.

        Raises:
            BaselineError: It is not there, is damaged, or is of a newer version.
        """
        write_it = f"pytest --cf-baseline={path} --cf-baseline-update"
        try:
            lines = path.read_text(encoding="utf-8-sig").split("\n")
        except FileNotFoundError:
            if update:
                return cls(path, {}, update=update)
            raise BaselineError(f"{path} does not exist; write it first: {write_it}") from None
        except (OSError, UnicodeDecodeError) as error:
            raise BaselineError(f"{path} cannot be read: {error}") from None
        if any(line.startswith(("<<<<<<<", ">>>>>>>")) for line in lines):
            raise BaselineError(f"{path} holds the marks of a merge conflict; keep the lines of both sides")
        try:
            head, *rest = [json.loads(line) for line in lines if line.strip()] or [{}]
            if head.get("format") != FORMAT:
                raise BaselineError(f"{path} is no baseline; name another file, or delete it and run: {write_it}")
            if head["schema"] > SCHEMA:
                raise BaselineError(
                    f"{path} has version {head['schema']} of the format, this pytest-cfworkers reads up to {SCHEMA}; "
                    f"update it: pip install --upgrade pytest-cfworkers"
                )
            entries = [Entry.from_dict(line) for line in rest if not line.keys() & {"format", "bundle_size"}]
            return cls(path, _worst(entries), _bundle(rest), update)
        except BaselineError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise BaselineError(
                f"{path} is damaged ({type(error).__name__}: {error}); take it from version control, or delete it and "
                f"run: {write_it}"
            ) from None

    def knows(self, test: str, found: Violation) -> bool:
        """Tell whether a violation is in the baseline and no worse than there.

        Args:
            test: The id of the test.
            found: The violation, with paths from the root of the project.
        """
        entry = self.entries.get((test, found.key))
        return entry is not None and not entry.is_less_than(found.observed)

    def tolerance(self, test: str, root: str) -> Callable[[Violation], bool]:
        """Return what tells of a violation of a test whether it is known.

        Args:
            test: The id of the test.
            root: The root of the project.
        """
        return lambda found: self.update or self.knows(test, replace(found, frames=inside(found.frames, root)))

    def changes(self, records: Iterable[TestRecord]) -> Changes:
        """Tell what got better or worse.

        What is not broken any more is told of tests that passed: another may have ended before it came to that.
        """
        records = list(records)
        now = broken(records)
        passed = {record.nodeid for record in records if record.outcome == "passed"}
        both = [(self.entries[place], now[place]) for place in sorted(self.entries.keys() & now.keys())]
        return Changes(
            gone=tuple(
                entry for place, entry in sorted(self.entries.items()) if entry.test in passed and place not in now
            ),
            less=tuple(pair for pair in both if pair[1].is_less_than(pair[0].observed)),
            more=tuple(pair for pair in both if pair[0].is_less_than(pair[1].observed)),
        )

    def updated(self, records: Iterable[TestRecord], *, drop: Callable[[str], bool], bundle: Bundle | None) -> Self:
        """Return what the baseline is after a run.

        Args:
            records: The tests that ran.
            drop: Tells of a test that is not among them whether it is no more.
            bundle: The Worker's bundle, where it was measured.
        """
        records = list(records)
        ran = {record.nodeid: record for record in records}
        kept = [
            entry
            for entry in self.entries.values()
            if (ran[entry.test].outcome == "failed" if entry.test in ran else not drop(entry.test))
        ]
        found = [self._settled(entry) for entry in broken(records).values()]
        sizes = self.bundle if bundle is None else (bundle.size, bundle.gzip_size)
        return type(self)(self.path, _worst([*kept, *found]), sizes)

    def _settled(self, entry: Entry) -> Entry:
        """Return what is written down already where an entry differs from it by no more than varies."""
        old = self.entries.get((entry.test, entry.key))
        if old is None or old.is_less_than(entry.observed) or entry.is_less_than(old.observed):
            return entry
        return entry._replace(observed=old.observed)

    def write(self) -> None:
        """Write the file, whole or not at all.

        Raises:
            OSError: It cannot be written.
        """
        lines: list[dict[str, Any]] = [{"format": FORMAT, "schema": SCHEMA}]
        if self.bundle is not None:
            lines.append(dict(zip(("bundle_size", "bundle_gzip"), self.bundle, strict=True)))
        lines += [entry._asdict() for entry in sorted(self.entries.values())]
        write_text(self.path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def _bundle(lines: Iterable[Mapping[str, Any]]) -> tuple[int, int] | None:
    """Return the sizes of the bundle; the smaller of those of two branches, since a smaller one hides no growth."""
    sizes = [(int(line["bundle_size"]), int(line["bundle_gzip"])) for line in lines if "bundle_size" in line]
    return min(sizes, default=None)


def broken(records: Iterable[TestRecord]) -> dict[tuple[str, str], Entry]:
    """Return what tests broke, new and known, by test and key."""
    return _worst(Entry.of(record.nodeid, found) for record in records for found in (*record.violations, *record.known))


def _worst(entries: Iterable[Entry]) -> dict[tuple[str, str], Entry]:
    worst: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        place = entry.test, entry.key
        if place not in worst or entry.observed > worst[place].observed:
            worst[place] = entry
    return worst


def _rounded(figure: float) -> float:
    """Round what was measured, so that a diff shows no noise behind the point; up, so that it is known."""
    return figure if isinstance(figure, int) else math.ceil(figure * 10) / 10
