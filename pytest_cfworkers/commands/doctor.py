"""`doctor`: shows the versions of what is used, what is missing, and the command that gets it."""

import argparse
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, NamedTuple


class _Part(NamedTuple):
    """Something that may be there.

    Attributes:
        package: Its name on PyPI.
        use: What it is for.
    """

    package: str
    use: str


NEEDED: Final = (
    _Part("pytest", "runs the tests"),
    _Part("pluggy", "calls the hooks of this plugin"),
    _Part("httpx", "the client that is guarded"),
    _Part("anyio", "waits under asyncio and trio"),
    _Part("apsw", "the SQLite of the fake D1"),
    _Part("json-with-comments", "reads wrangler.jsonc"),
    _Part("psutil", "measures memory where the kernel keeps no peak"),
    _Part("jinja2", "writes the HTML report"),
)
"""What is installed with this plugin."""

_OPTIONAL: Final = (
    _Part("httpx2", "the second client that is guarded"),
    _Part("pytest-xdist", "runs tests in several processes: -n auto"),
    _Part("memray", "measures memory precisely"),
)


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser("doctor", help="show versions, what is missing, and how to get it")
    parser.set_defaults(run=run)


def run(_chosen: argparse.Namespace) -> int:
    """Show it. What is missing is no error: each part is there for who wants it."""
    print("\n".join(_lines()))
    return 0


def _lines() -> Iterator[str]:
    yield _line("pytest-cfworkers", _version("pytest-cfworkers") or "not installed, run from its folder", "")
    yield _line("Python", f"{platform.python_version()} ({platform.python_implementation()})", sys.executable)
    for part in NEEDED:
        yield _line(part.package, _version(part.package), part.use)
    yield ""
    yield "optional"
    for part in _OPTIONAL:
        yield _line(part.package, _version(part.package), part.use)
    yield from _lane()


def _lane() -> Iterator[str]:
    from pytest_cfworkers.lanes.installation import status  # noqa: PLC0415 - only for this command

    lane = status()
    yield _line("Node", lane.versions.get("node", ""), "runs the real D1", "https://nodejs.org")
    runtime = ", ".join(f"{name} {number}" for name, number in lane.versions.items() if name != "node")
    if lane.ready:
        yield _line("workerd", runtime, f"the real D1, for --cf-d1=workerd ({lane.folder})")
    else:
        yield f"  {'workerd':<20} missing: {lane.problem}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _line(name: str, found: str, use: str, get: str = "") -> str:
    if not found:
        return f"  {name:<20} missing: {use}; get it: {get or f'python -m pip install {name}'}"
    return f"  {name:<20} {found:<20} {use}".rstrip()
