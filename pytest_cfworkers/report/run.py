"""`Run`: everything that is told of a pytest run, versioned, plain and mergeable. Every report reads only this."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, Self, TypeVar, final

from pytest_cfworkers.report.model import TestRecord

SCHEMA: Final = 1
"""The version of the data; it grows with every change that an older reader would misunderstand."""

Level = Literal["warning", "critical"]

_Found = TypeVar("_Found")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What one gate came to.

    Attributes:
        expression: The gate as it was written, such as "p95_ms<=5000".
        observed: What the run came to, with its unit, in words; "nothing measured" where there is nothing.
        bound: What it is held against, with its unit.
        passed: Whether it holds.
        level: Whether failing it is shown (warning) or fails the run (critical).
    """

    expression: str
    observed: str
    bound: str
    passed: bool
    level: Level = "critical"

    @property
    def badness(self) -> tuple[bool, bool, str]:
        """What grows with how bad it is, to be compared with another result of the same gate."""
        return not self.passed, self.level == "critical", self.observed


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What a Worker uploads and what its start costs.

    Attributes:
        path: What was measured, from the root of the project.
        size: Bytes, uncompressed.
        gzip_size: Bytes, compressed.
        files: How many files.
        packages: The largest packages and their bytes, the largest first.
        startup_ms: CPU of importing the entry module in a fresh process; None where there is no entry.
        imports: The slowest imports and their milliseconds, the slowest first.
    """

    path: str
    size: int
    gzip_size: int
    files: int
    packages: tuple[tuple[str, int], ...] = ()
    startup_ms: float | None = None
    imports: tuple[tuple[str, float], ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One pytest run, or several that were merged.

    Attributes:
        version: The version of pytest-cfworkers that measured it.
        started: When it began: ISO 8601, UTC.
        duration_s: How long it took.
        settings: What was in force, in words, by the name of the option.
        tests: Its guarded tests, by id.
        complete: Whether it came to its end.
        problems: Why it is not complete, or what else a reader must know.
        gates: What its gates came to.
        bundle: The Worker's bundle, where it was measured.
    """

    version: str
    started: str
    duration_s: float
    settings: Mapping[str, str] = field(default_factory=dict)
    tests: tuple[TestRecord, ...] = ()
    complete: bool = True
    problems: tuple[str, ...] = ()
    gates: tuple[GateResult, ...] = ()
    bundle: Bundle | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        data = {name: getattr(self, name) for name in self.__slots__}
        return {
            "schema": SCHEMA,
            **data,
            "settings": dict(self.settings),
            "tests": [record.to_dict() for record in self.tests],
            "problems": list(self.problems),
            "gates": [asdict(gate) for gate in self.gates],
            "bundle": None if self.bundle is None else asdict(self.bundle),
        }

    @classmethod
    def merge(cls, runs: Iterable["Run"]) -> Self:
        """Make one run of several, such as the shards of a CI job; in any order, with the same result.

        Nothing that was found is lost. A test that is in several of them is kept as it was at its worst: with the
        most violations, then failed rather than passed, then with the least left of a limit. Of a gate that was
        judged in several the one that failed is kept; gates over the whole must be judged anew. It is complete
        if all of them are, began with the first of them, and took as long as they did one after another.

        Args:
            runs: At least one.

        Raises:
            ValueError: There is none.
        """
        shards = sorted(runs, key=lambda run: (run.started, run.duration_s, run.problems))
        if not shards:
            raise ValueError("there is no run to merge")
        tests = [record for run in shards for record in run.tests]
        gates = [gate for run in shards for gate in run.gates]
        bundles = [run.bundle for run in shards if run.bundle is not None]
        return cls(
            version=_together(run.version for run in shards),
            started=shards[0].started,
            duration_s=math.fsum(run.duration_s for run in shards),
            settings={
                name: _together(run.settings[name] for run in shards if name in run.settings)
                for name in sorted({name for run in shards for name in run.settings})
            },
            tests=tuple(_worst_of(tests, lambda record: record.nodeid, lambda record: record.badness)),
            complete=all(run.complete for run in shards),
            problems=tuple(dict.fromkeys(problem for run in shards for problem in run.problems)),
            gates=tuple(_worst_of(gates, lambda gate: gate.expression, lambda gate: gate.badness)),
            bundle=max(bundles, key=lambda bundle: (bundle.size, bundle.path), default=None),
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make the run that `to_dict` wrote."""
        bundle = data["bundle"]
        if bundle is not None:
            pairs = {key: tuple(tuple(pair) for pair in bundle[key]) for key in ("packages", "imports")}
            bundle = Bundle(**{**bundle, **pairs})
        rest = {key: value for key, value in data.items() if key != "schema"}
        return cls(
            **{
                **rest,
                "tests": tuple(map(TestRecord.from_dict, data["tests"])),
                "problems": tuple(data["problems"]),
                "gates": tuple(GateResult(**gate) for gate in data["gates"]),
                "bundle": bundle,
            }
        )


def _worst_of(
    found: Iterable[_Found], name: Callable[[_Found], str], badness: Callable[[_Found], tuple[Any, ...]]
) -> Iterator[_Found]:
    """Yield the worst of those that have the same name, in the order of the names."""
    by_name: dict[str, list[_Found]] = {}
    for one in found:
        by_name.setdefault(name(one), []).append(one)
    for key in sorted(by_name):
        same = by_name[key]
        yield same[0] if len(same) == 1 else max(same, key=badness)


def _together(words: Iterable[str]) -> str:
    """Say what several runs have in common, or what each has."""
    return "; ".join(sorted({word for several in words for word in several.split("; ")}))
