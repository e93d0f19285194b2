"""`merge`: makes one report of several, such as those of the shards of a CI job."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pytest_cfworkers.counted import counted
from pytest_cfworkers.gates import presets
from pytest_cfworkers.gates.expression import Gate, GateError
from pytest_cfworkers.report import atomic, files, writers
from pytest_cfworkers.report.run import Run
from pytest_cfworkers.report.verdict import gate_lines

_UNUSABLE: Final = 2


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser("merge", help="make one report of the .json reports of several runs")
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT.json", help="what --cf-report wrote")
    parser.add_argument(
        "-o",
        "--output",
        action="append",
        required=True,
        type=_output,
        metavar="FILE",
        help="what to write, by its suffix: .json, .html, .md or .sarif; may be given again",
    )
    parser.add_argument(
        "--gate",
        action="append",
        default=[],
        type=_gates,
        metavar="GATE",
        help="judge the whole by a gate, as --cf-gate does; exit status 1 if a critical one does not hold",
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Merge; return 2 where a file cannot be used, 1 where a gate does not hold."""
    for path in chosen.output:
        if problem := atomic.problem(path):
            print(problem, file=sys.stderr)
            return _UNUSABLE
    try:
        whole = Run.merge(map(files.read, chosen.reports))
        gates = [gate for several in chosen.gate for gate in several]
        if gates:
            whole = _judged(whole, gates)
    except files.ReportError as error:
        print(error, file=sys.stderr)
        return _UNUSABLE
    for path in chosen.output:
        try:
            atomic.write_text(path, writers.render(whole, path))
        except OSError as error:
            print(f"{path} cannot be written: {error.strerror}", file=sys.stderr)
            return _UNUSABLE
    runs, tests = counted(len(chosen.reports), "run"), counted(len(whole.tests), "guarded test")
    print(f"{runs} with {tests}: {', '.join(map(str, chosen.output))}")
    for line in gate_lines(whole.gates, quiet=False):
        print(line.text)
    return 1 if gates and any(gate.level == "critical" and not gate.passed for gate in whole.gates) else 0


def _judged(run: Run, gates: list[Gate]) -> Run:
    """Judge the whole: what held for each part need not hold for it."""
    judged = presets.judge(gates, run)
    anew = {gate.expression for gate in judged}
    return replace(run, gates=(*judged, *(gate for gate in run.gates if gate.expression not in anew)))


def _output(text: str) -> Path:
    if Path(text).suffix.lower() not in {".json", ".html", ".md", ".sarif"}:
        raise argparse.ArgumentTypeError(f"{text!r} is no report; valid: a path that ends in .json, .html, .md, .sarif")
    return Path(text)


def _gates(text: str) -> tuple[Gate, ...]:
    try:
        return presets.read(text)
    except GateError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not valid; valid: {error}") from None
