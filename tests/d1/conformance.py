"""Runs recorded programs against a D1 database and compares what Python sees.

`python -m tests.d1.conformance` prints the figures; `--write docs/fidelity.md` puts them into that page.
The recordings come from the real runtime; `tests/d1/corpus/README.md` says how they are to be read.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pytest_cfworkers.d1 import D1Database, D1Error
from tests.d1.transcript import Runner

CORPUS: Final = Path(__file__).parent / "corpus" / "python.jsonl.gz"
META: Final = ("changes", "last_row_id", "changed_db", "rows_written", "size_after", "rows_read")

NOT_COUNTED: Final = {
    "object-reset": "ends in an internal error or a reset of the object, which production words differently",
    "miniflare-only": "shows miniflare's own service, not D1",
    "surrogates": "lone surrogates were encoded once more on their way into the recording",
    "explain": "hangs on SQLite's own plans",
    "unordered": "hangs on the order of rows without ORDER BY",
    "libm": "hangs on the C library's last digit",
    "vdbe-limit": "hangs on the size of compiled programs",
}
"""The tags whose programs are compared and listed, but not counted."""

_REFERENCE: Final = re.compile(r"internal error; reference = \w+")
_BEGIN, _END = "<!-- figures: begin -->", "<!-- figures: end -->"


@dataclass(frozen=True)
class Difference:
    """One operation that Python sees differently."""

    operation: int
    wanted: str
    got: str


@dataclass
class Outcome:
    """What came of one program."""

    name: str
    tags: list[str]
    operations: int = 0
    differences: list[Difference] = field(default_factory=list)
    meta: Counter[str] = field(default_factory=Counter)
    metas: int = 0

    @property
    def counted(self) -> bool:
        """Whether the program counts towards the figures."""
        return not NOT_COUNTED.keys() & set(self.tags)


def load(path: Path = CORPUS) -> list[dict[str, Any]]:
    """Return the recorded programs."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def compare(program: dict[str, Any]) -> Outcome:
    """Run one program on a fresh fake and compare it with its recording."""
    outcome = Outcome(program["name"], program["tags"], operations=len(program["ops"]))
    runner = Runner(D1Database(limits="local"), D1Error)
    got = asyncio.run(runner.transcript(program["ops"]))
    for number, (want, have) in enumerate(zip(program["transcript"], got, strict=True)):
        wanted_metas: list[dict[str, Any]] = []
        got_metas: list[dict[str, Any]] = []
        wanted, seen = _text(want, wanted_metas), _text(have, got_metas)
        if wanted != seen:
            outcome.differences.append(Difference(number, wanted, seen))
            continue
        for real, fake in zip(wanted_metas, got_metas, strict=True):
            outcome.metas += 1
            outcome.meta.update(key for key in META if json.dumps(real[key]) == json.dumps(fake[key]))
    return outcome


def _text(entry: object, metas: list[dict[str, Any]]) -> str:
    return json.dumps(_without_meta(entry, metas))


def _without_meta(value: Any, metas: list[dict[str, Any]]) -> Any:
    if isinstance(value, str):
        return _REFERENCE.sub("internal error", value)
    if isinstance(value, list):
        return [_without_meta(item, metas) for item in value]
    if not isinstance(value, dict):
        return value
    if "metaKeys" in value and "meta" in value:
        metas.append(value["meta"])
        value = {key: item for key, item in value.items() if key != "meta"}
    return {key: _without_meta(item, metas) for key, item in value.items()}


def figures(outcomes: list[Outcome]) -> str:
    """Return the figures as Markdown."""
    counted = [outcome for outcome in outcomes if outcome.counted]
    operations = sum(outcome.operations for outcome in counted)
    differing = sum(len(outcome.differences) for outcome in counted)
    metas = sum(outcome.metas for outcome in counted)
    lines = [
        (
            f"{len(counted)} programs with {operations} operations count; "
            f"{operations - differing} operations ({_share(operations - differing, operations)}) agree."
        ),
        "",
        "| `meta` key | results that agree | share |",
        "| --- | --- | --- |",
    ]
    for key in META:
        agreeing = sum(outcome.meta[key] for outcome in counted)
        lines.append(f"| `{key}` | {agreeing} of {metas} | {_share(agreeing, metas)} |")
    lines += ["", "| not counted | programs | operations that agree |", "| --- | --- | --- |"]
    for tag, reason in NOT_COUNTED.items():
        tagged = [outcome for outcome in outcomes if tag in outcome.tags]
        if tagged:
            total = sum(outcome.operations for outcome in tagged)
            wrong = sum(len(outcome.differences) for outcome in tagged)
            lines.append(f"| `{tag}`: {reason} | {len(tagged)} | {total - wrong} of {total} |")
    named = [f"`{outcome.name}`" for outcome in outcomes if outcome.differences]
    lines += ["", "Programs with a difference: " + (", ".join(named) if named else "none") + "."]
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %"


def main(arguments: list[str] | None = None) -> int:
    """Run the corpus; print the figures or write them into a page."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the figures between the marks of this page")
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--verbose", action="store_true", help="show each difference")
    options = parser.parse_args(arguments)
    outcomes = [compare(program) for program in load(options.corpus)]
    text = figures(outcomes)
    if options.verbose:
        for outcome in outcomes:
            for difference in outcome.differences:
                text += f"\n\n{outcome.name} #{difference.operation}\n- {difference.wanted}\n+ {difference.got}"
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        head, rest = page.split(_BEGIN)
        tail = rest.split(_END)[1]
        options.write.write_text(f"{head}{_BEGIN}\n\n{text}\n\n{_END}{tail}", encoding="utf-8")
    else:
        sys.stdout.write(text + "\n")
    return 0 if not any(outcome.differences for outcome in outcomes if outcome.counted) else 1


if __name__ == "__main__":
    sys.exit(main())
