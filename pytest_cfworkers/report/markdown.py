"""The run as Markdown: for a comment on a pull request, and for the summary of a step of GitHub Actions."""

import re
from collections.abc import Iterator
from typing import Final

from pytest_cfworkers.counted import counted
from pytest_cfworkers.limits import D1_PARAMETERS, LIMITS, Limit
from pytest_cfworkers.report.legible import legible
from pytest_cfworkers.report.model import TestRecord, Usage
from pytest_cfworkers.report.run import Run
from pytest_cfworkers.size import format_size
from pytest_cfworkers.violation import Violation

_ROWS: Final = 25
"""Rows of a table. A comment holds 65,536 characters, and nobody reads the hundredth row of one."""

_CELL: Final = 160
"""Characters of what others wrote, in a cell."""

_SPECIAL: Final = re.compile(r"[^A-Za-z0-9\s./:,=()'-]")


def render(run: Run) -> str:
    """Return the report of a run."""
    return "\n".join(_lines(run)) + "\n"


def _lines(run: Run) -> Iterator[str]:
    broken = [(found, record) for record in run.tests for found in record.violations]
    yield f"### {_headline(run, broken)}"
    yield ""
    if not run.complete:
        yield "> [!WARNING]"
        yield "> **The run is not complete.** What follows is what is known of it."
    yield from (f"> {_text(problem)}" for problem in run.problems)
    if run.problems or not run.complete:
        yield ""
    yield from _gates(run)
    yield from _violations(broken)
    if known := sum(len(record.known) for record in run.tests):
        fail = "fails" if known == 1 else "fail"
        yield f"{counted(known, 'violation')} known to the baseline, which {fail} nothing."
        yield ""
    yield from _headroom(run.tests)
    yield from _elsewhere(run.tests)
    if (bundle := run.bundle) is not None:
        size, compressed = format_size(bundle.size), format_size(bundle.gzip_size)
        yield f"The bundle of {code(bundle.path)}: {size} in {counted(bundle.files, 'file')}, {compressed} compressed."
        yield ""
    tests = counted(len(run.tests), "guarded test")
    yield f"<sub>pytest-cfworkers {_text(run.version)}, {tests}, {run.duration_s:,.1f} s</sub>"


def _headline(run: Run, broken: list[tuple[Violation, TestRecord]]) -> str:
    failed = sum(not gate.passed and gate.level == "critical" for gate in run.gates)
    if broken:
        tests = len({record.nodeid for _, record in broken})
        said = f"❌ {counted(tests, 'test')} {_breaks(tests)} limits of Cloudflare Workers"
    elif not run.tests:
        said = "⚪ No test was guarded against the limits of Cloudflare Workers"
    else:
        count = counted(len(run.tests), "test")
        kept = f"{count}, none newly beyond" if any(record.known for record in run.tests) else f"{count} within"
        sign = "❌" if failed else "✅" if run.complete else "⚠️"
        said = f"{sign} {kept} the limits of Cloudflare Workers"
    return f"{said}, {counted(failed, 'gate')} failed" if failed else said


def _breaks(tests: int) -> str:
    return "breaks" if tests == 1 else "break"


def _gates(run: Run) -> Iterator[str]:
    if not run.gates:
        return
    yield "| gate | observed | bound | |"
    yield "|---|--:|--:|---|"
    for gate in run.gates:
        verdict = "✅ holds" if gate.passed else "⚠️ warns" if gate.level == "warning" else "❌ fails"
        yield f"| {code(gate.expression)} | {_text(gate.observed)} | {_text(gate.bound)} | {verdict} |"
    yield ""


def _violations(broken: list[tuple[Violation, TestRecord]]) -> Iterator[str]:
    if not broken:
        return
    yield "| rule | what happened | where | test |"
    yield "|---|---|---|---|"
    for found, record in broken[:_ROWS]:
        where = next(iter(found.frames), None)
        place = f"{where.path}:{where.line}" if where is not None else f"{record.path}:{record.line}"
        rule = f"[{found.rule}]({_link(found.source)})"
        yield f"| {rule} | {_text(found.headline)} | {code(place)} | {code(record.nodeid)} |"
    yield from _rest(len(broken))


def _headroom(records: tuple[TestRecord, ...]) -> Iterator[str]:
    worst = [row for limit in (*LIMITS, D1_PARAMETERS) if (row := _worst(limit, records)) is not None]
    if not worst:
        return
    yield "| limit | used at most | limit | left | by |"
    yield "|---|--:|--:|--:|---|"
    for limit, usage, record in sorted(worst, key=lambda row: row[1].headroom):
        left = record.left(limit).removesuffix(" left")
        used, allowed = limit.format(usage.used), limit.format(usage.limit)
        yield f"| {limit.title} | {used} | {allowed} | {left} | {code(record.nodeid)} |"
    yield ""


def _worst(limit: Limit, records: tuple[TestRecord, ...]) -> tuple[Limit, Usage, TestRecord] | None:
    used = [(record.usage[limit.key], record) for record in records if limit.key in record.usage]
    used = [(usage, record) for usage, record in used if usage.used]
    if not used:
        return None
    usage, record = min(used, key=lambda pair: (pair[0].headroom, pair[1].nodeid))
    return limit, usage, record


def _elsewhere(records: tuple[TestRecord, ...]) -> Iterator[str]:
    failing = [record for record in records if record.fails_elsewhere]
    if not failing:
        return
    other = "free" if failing[0].plan == "paid" else "paid"
    yield f"<details><summary>{counted(len(failing), 'test')} would fail on the {other} plan</summary>"
    yield ""
    yield "| test | what it uses |"
    yield "|---|---|"
    for record in failing[:_ROWS]:
        uses = [
            f"{limit.title}: {limit.format(record.usage[limit.key].used)} of {limit.format(elsewhere)}"
            for limit in record.fails_elsewhere
            if (elsewhere := record.usage[limit.key].other) is not None
        ]
        yield f"| {code(record.nodeid)} | {'; '.join(uses)} |"
    yield from _rest(len(failing))
    yield "</details>"
    yield ""


def _rest(count: int) -> Iterator[str]:
    yield ""
    if count > _ROWS:
        yield f"… and {count - _ROWS:,} more"
        yield ""


def _text(text: str) -> str:
    """Write what others wrote so that it is only text: no markup, no mention, no line break."""
    return _SPECIAL.sub(_entity, legible(text, _CELL)) if "@" not in text else code(text)


def code(text: str) -> str:
    """Write what others wrote as code, in which GitHub finds no mention."""
    shown = legible(text, _CELL)
    if shown and not shown.isspace() and not any(character in shown for character in "`|\\"):
        return f"`{shown}`"
    return f"<code>{_SPECIAL.sub(_entity, shown)}</code>"


def _entity(found: re.Match[str]) -> str:
    return found[0] if ord(found[0]) > 127 else f"&#{ord(found[0])};"  # noqa: PLR2004 - beyond ASCII nothing is markup


def _link(url: str) -> str:
    return re.sub(r"[\s<>()\"'|\\`]", "", url) if url.startswith(("https://", "http://")) else ""
