"""Pyodide under Node, installed where it is missing and asked line by line."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from pytest_cfworkers.lanes.installation import cache_folder
from pytest_cfworkers.lanes.node import find_node, node_environment

PYODIDE: Final = "314.0.6"
"""What Workers run from compatibility date 2026-09-08 on.

Source: https://developers.cloudflare.com/changelog (2026-09-08; read 2026-11-24).
"""

_HERE: Final = Path(__file__).parent
_PROGRAM: Final = Path("node_modules", "pyodide", "pyodide.mjs")


def installed() -> Path:
    """Return the folder of the pinned Pyodide in the user's cache, installed from npm where it is missing.

    Two processes may install at once: each works in a folder of its own, and the first one to finish wins.
    """
    folder = cache_folder() / f"pyodide-{PYODIDE}"
    if not (folder / _PROGRAM).is_file():
        npm = find_node().npm
        if npm is None:
            sys.exit("This Node has no npm, which installs Pyodide: install Node with npm from https://nodejs.org.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".installing-", dir=folder.parent, ignore_cleanup_errors=True) as work:
            command = [*npm, "install", "--silent", "--no-save", "--ignore-scripts", f"pyodide@{PYODIDE}"]
            subprocess.run(command, cwd=work, check=True, env=node_environment())
            with suppress(OSError):  # another process was faster
                Path(work).rename(folder)
        if not (folder / _PROGRAM).is_file():
            sys.exit(f"The folder {folder} is not whole: remove it and run this again.")
    return folder


class Pyodide:
    """A Node process with Pyodide in it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, kind: str, name: str = "") -> Any:
        """Return the answer of the Node program to one question."""
        question, answer = self._process.stdin, self._process.stdout
        if question is None or answer is None:
            raise RuntimeError("the pipes to Node are missing")
        question.write(json.dumps({"kind": kind, "name": name}) + "\n")
        question.flush()
        line = answer.readline()
        if not line:
            sys.exit(f"Node ended while it was asked for {kind} {name}; what it said is above.")
        return json.loads(line)


@contextmanager
def pyodide() -> Iterator[Pyodide]:
    """Start Pyodide under Node, and end it with the block."""
    command = [str(find_node().executable), str(_HERE / "serve.mjs"), str(installed()), str(_HERE / "workloads.py")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=node_environment()
    ) as process:
        yield Pyodide(process)
        if process.stdin is not None:
            process.stdin.close()
