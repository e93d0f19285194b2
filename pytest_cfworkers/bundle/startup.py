"""What the start of a Worker costs: the CPU time of importing its entry in a fresh process.

It is CPython's time on this machine, not Pyodide's on the platform, and packages come from this environment where it
has them: a figure to compare with itself from run to run.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from pytest_cfworkers.bundle.upload import BundleError, Upload
from pytest_cfworkers.callsite import shorten
from pytest_cfworkers.report.legible import legible
from pytest_cfworkers.report.redaction import redact

PLATFORM_ONLY: Final = frozenset({"workers", "js", "pyodide", "pyodide_js", "_pyodide", "asgi"})
"""Modules that exist on the platform alone."""

_KEPT: Final = 10
_SAID: Final = 300
"""Characters of an error that are told."""
_TIMEOUT_S: Final = 120.0
_TIMED: Final = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*([\w.]+)", re.ASCII)
_IMPORT: Final = """
import importlib, json, sys, time
first, last, name = sys.argv[1:]
sys.argv[1:] = []
sys.path[:1] = [first]
sys.path.append(last)
told = {}
sys.stderr.write("\\nbegin\\n")
sys.stderr.flush()
begin = time.process_time()
try:
    importlib.import_module(name)
except ModuleNotFoundError as error:
    told["missing"], told["error"] = error.name or "", str(error)
except BaseException as error:
    told["error"] = f"{type(error).__name__}: {error}"
told["ms"] = (time.process_time() - begin) * 1000
sys.stdout.flush()
sys.__stderr__.write("\\ntold " + json.dumps(told) + "\\n")
"""
"""The program of the fresh process. It tells on a line of stderr, among whatever the module writes there."""


@final
@dataclass(frozen=True, slots=True)
class Startup:
    """What a start costs.

    Attributes:
        cpu_ms: Milliseconds of CPU, the lower of two measurements.
        imports: The packages whose own code takes longest to import and their part of it, the slowest first.
    """

    cpu_ms: float
    imports: tuple[tuple[str, float], ...]


def measure(upload: Upload) -> Startup:
    """Import the entry of a Worker in a fresh process.

    Raises:
        BundleError: It has no entry, or the entry cannot be imported here; the text says why and what to do.
    """
    if upload.entry is None:
        raise BundleError(
            f"the startup of {shorten(str(upload.path))} is not measured: it has no index.py, entry.py or worker.py"
        )
    _, first = _import(upload, upload.entry)  # which may have had to compile what it imports
    shown, _ = _import(upload, upload.entry, "-X", "importtime")
    _, second = _import(upload, upload.entry)
    cpu_ms = min(first, second)
    packages: Counter[str] = Counter()
    for microseconds, name in _TIMED.findall(shown):
        packages[name.partition(".")[0]] += int(microseconds)
    # Python times imports by the wall clock, and the timing itself takes time: only their proportions are kept.
    scale = cpu_ms / max(packages.total(), 1)
    slowest = sorted(packages.items(), key=lambda pair: (-pair[1], pair[0]))[:_KEPT]
    return Startup(round(cpu_ms, 3), tuple((name, round(spent * scale, 3)) for name, spent in slowest))


def _import(upload: Upload, entry: Path, *options: str) -> tuple[str, float]:
    """Import the entry; return what the process wrote to stderr, and its milliseconds of CPU."""
    unmeasured = f"the startup of {shorten(str(entry))} is not measured:"
    roots = [str(root) for root in upload.roots]
    # From the folder of the upload: a module may read a file beside it.
    command = [sys.executable, *options, "-c", _IMPORT, *roots, _module_name(upload, entry)]
    try:
        done = subprocess.run(  # noqa: S603 - the user's own module, which the test run imports, too
            command,
            cwd=upload.roots[0],
            env={**os.environ, "PYTHONUTF8": "1"},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BundleError(f"{unmeasured} its import takes over {_TIMEOUT_S:.0f} s") from None
    shown, _, rest = done.stderr.partition("\nbegin\n")[2].partition("\ntold ")
    try:
        told = json.loads(rest.partition("\n")[0])
    except ValueError:
        raise BundleError(f"{unmeasured} importing it ended Python with status {done.returncode}") from None
    if told.get("missing", "").partition(".")[0] in PLATFORM_ONLY:
        raise BundleError(
            f"{unmeasured} it imports {told['missing']}, which only the platform has; "
            f"`wrangler deploy` shows the platform's own figure as Worker Startup Time"
        )
    if "error" in told:
        raise BundleError(f"{unmeasured} importing it here fails: {redact(legible(told['error'], _SAID))}")
    return shown, float(told["ms"])


def _module_name(upload: Upload, entry: Path) -> str:
    return ".".join(entry.relative_to(upload.roots[0]).with_suffix("").parts)
