"""`compare`: shows what changed from one run to a later one, as a table or as Markdown."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pytest_cfworkers.gates.trend import Change, Trend
from pytest_cfworkers.report import files
from pytest_cfworkers.report.legible import legible
from pytest_cfworkers.report.markdown import code

_UNUSABLE: Final = 2
_ROWS: Final = 25
"""Rows of a kind that are shown; the rest are counted."""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "compare",
        help="show what changed from one .json report to a later one",
        description="Show what changed. The exit status is 1 if something is broken that was not, or more than before; "
        "2 if a report cannot be read; else 0. A figure that merely grew is shown and fails nothing.",
    )
    parser.add_argument("old", type=Path, metavar="OLD.json", help="the earlier run: what --cf-report wrote")
    parser.add_argument("new", type=Path, metavar="NEW.json", help="the later run")
    parser.add_argument("--markdown", action="store_true", help="write Markdown, as for a comment on a pull request")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Compare; return 1 where something is new or worse, 2 where a report cannot be read."""
    try:
        old, new = files.read(chosen.old), files.read(chosen.new)
    except files.ReportError as error:
        print(error, file=sys.stderr)
        return _UNUSABLE
    trend = Trend.between(old, new)
    lines = _markdown(trend) if chosen.markdown else _table(trend)
    print("\n".join(lines))
    for path, run_ in ((chosen.old, old), (chosen.new, new)):
        if not run_.complete:
            print(f"note: the run of {path} is not complete", file=sys.stderr)
    return 1 if trend.new or trend.worse else 0


def _table(trend: Trend) -> Iterator[str]:
    if trend.changes:
        figures = [(change.metric.name, *_shown(change), _percent(change)) for change in trend.changes]
        table = [("figure", "old", "new", "change"), *figures]
        name, *widths = (max(map(len, column)) for column in zip(*table, strict=True))
        for first, *rest in table:
            yield "  ".join([first.ljust(name), *map(str.rjust, rest, widths)]).rstrip()
    for title, rows in _sections(trend):
        yield f"{title}: {len(rows)}"
        yield from (f"  {legible(text, 200)}" for text in rows[:_ROWS])
        if len(rows) > _ROWS:
            yield f"  … and {len(rows) - _ROWS:,} more"
    if not trend.changes and not any(True for _ in _sections(trend)):
        yield "nothing changed"


def _markdown(trend: Trend) -> Iterator[str]:
    if trend.new or trend.worse:
        yield f"### ❌ Limits of Cloudflare Workers: {len(trend.new)} newly broken, {len(trend.worse)} worse"
    else:
        yield "### ✅ Limits of Cloudflare Workers: nothing newly broken, nothing worse"
    yield ""
    if trend.changes:
        yield "| figure | old | new | change |"
        yield "|---|--:|--:|--:|"
        for change in trend.changes:
            yield f"| {change.metric.name} | {' | '.join(_shown(change))} | {_percent(change)} |"
        yield ""
    for title, rows in _sections(trend):
        yield f"<details><summary>{title}: {len(rows)}</summary>"
        yield ""
        yield from (f"- {code(text)}" for text in rows[:_ROWS])
        if len(rows) > _ROWS:
            yield f"- … and {len(rows) - _ROWS:,} more"
        yield ""
        yield "</details>"
        yield ""


def _sections(trend: Trend) -> Iterator[tuple[str, list[str]]]:
    """Yield what there is to list, the worst first."""
    sections = {
        "newly broken": [
            f"{entry}: {entry.amount(entry.observed)}, the limit is {entry.amount(entry.limit)}" for entry in trend.new
        ],
        "worse": [new.since(old) for old, new in trend.worse],
        "better": [new.since(old) for old, new in trend.better],
        "mended": [str(entry) for entry in trend.gone],
        "new tests": list(trend.added),
        "tests that are no more": list(trend.removed),
    }
    yield from ((title, rows) for title, rows in sections.items() if rows)


def _shown(change: Change) -> tuple[str, str]:
    old, new = ("-" if value is None else change.metric.quantity.show(value) for value in (change.old, change.new))
    return old, new


def _percent(change: Change) -> str:
    return "" if change.percent is None else f"{change.percent:+,.1f} %"
