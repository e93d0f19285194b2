"""The baseline: violations that are known already, so that a run fails only on what is new or worse.

One line of JSON for each violation, sorted, so that a diff shows what changed. Two branches may both change it: lines
in any order and double ones are read, too.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, final

from pytest_cfworkers.callsite import inside
from pytest_cfworkers.report.atomic import write_text
from pytest_cfworkers.report.entry import Entry, broken, worst
from pytest_cfworkers.report.model import TestRecord
from pytest_cfworkers.report.run import Bundle
from pytest_cfworkers.violation import Violation

FORMAT: Final = "pytest-cfworkers baseline"
SCHEMA: Final = 1
"""It grows with every change that an older reader would misunderstand."""


class BaselineError(ValueError):
    """A baseline that cannot be used; the text names the file and says what to do."""


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
            rows = [_row(number, line) for number, line in enumerate(lines, 1) if line.strip()]
            if not rows or rows[0].data.get("format") != FORMAT:
                raise BaselineError(f"{path} is no baseline; name another file, or delete it and run: {write_it}")
            version = max(row.number_at("schema") for row in rows if "format" in row.data)
            if version > SCHEMA:
                raise BaselineError(
                    f"{path} has version {version} of the format, this pytest-cfworkers reads up to {SCHEMA}; "
                    f"update it: pip install --upgrade pytest-cfworkers"
                )
            bundles = [row.bundle() for row in rows if "bundle_size" in row.data]
            entries = [row.entry() for row in rows if not row.data.keys() & {"format", "bundle_size"}]
        except _DamageError as damage:
            raise BaselineError(
                f"{path} is damaged: {damage}; take it from version control, or delete it and run: {write_it}"
            ) from None
        # Of the sizes of two branches the smaller one: it hides no growth.
        return cls(path, worst(entries), min(bundles, default=None), update)

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
        return type(self)(self.path, worst([*kept, *found]), sizes)

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


class _DamageError(Exception):
    """What is wrong with a line."""


class _Row(NamedTuple):
    """A line of the file: its number, from 1, and what it holds."""

    number: int
    data: Mapping[str, Any]

    def entry(self) -> Entry:
        try:
            return Entry.from_dict(self.data)
        except ValueError as error:
            raise _DamageError(f"line {self.number} {error}") from None

    def bundle(self) -> tuple[int, int]:
        return self.number_at("bundle_size"), self.number_at("bundle_gzip")

    def number_at(self, name: str) -> int:
        value = self.data.get(name)
        if type(value) is not int:
            raise _DamageError(f"line {self.number} has {name}={value!r:.60}, no whole number")
        return value


def _row(number: int, line: str) -> _Row:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        raise _DamageError(f"line {number} is not JSON") from None
    if not isinstance(data, dict):
        raise _DamageError(f"line {number} is {data!r:.60}, no object")
    return _Row(number, data)
