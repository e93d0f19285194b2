"""Where the pinned runtime lives, whether it is there, and how it gets there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_cfworkers.lanes.errors import InstallationFailed, LaneUnavailable
from pytest_cfworkers.lanes.node import find_node, find_npm, node_environment

if TYPE_CHECKING:
    from collections.abc import Callable

INSTALL_COMMAND: Final = "python -m pytest_cfworkers install workerd"
CACHE_VARIABLE: Final = "PYTEST_CFWORKERS_CACHE"

PROGRAM: Final = Path(__file__).parent / "runtime"
"""The Node program, with `package.json` and the lock file that pin what it runs."""

_PINS: Final = ("package.json", "package-lock.json")
_NPM_TIMEOUT: Final = 900.0
_WORKERD: Final = "bin/workerd.exe" if os.name == "nt" else "bin/workerd"


@dataclass(frozen=True, slots=True)
class Status:
    """What `doctor` tells about the workerd lane.

    Attributes:
        ready: Whether a run with `--cf-d1=workerd` would find what it needs.
        folder: Where the runtime is, or would be.
        versions: Of `miniflare`, `workerd` and, if there is one, `node`.
        problem: Why it is not ready, with the command that mends it; empty when it is.
    """

    ready: bool
    folder: Path
    versions: dict[str, str]
    problem: str


def cache_folder() -> Path:
    """Return the user's cache folder for this plugin, which need not exist.

    `PYTEST_CFWORKERS_CACHE` names another one. Three platforms, three lines, for one optional lane: too
    little for a dependency (platformdirs) that every user of the plugin would install.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        configured = os.environ.get("XDG_CACHE_HOME", "")
        # https://specifications.freedesktop.org/basedir-spec/latest/: relative paths are to be ignored.
        base = Path(configured) if Path(configured).is_absolute() else Path.home() / ".cache"
    return base / "pytest-cfworkers"


def pinned_versions() -> dict[str, str]:
    """Return the versions of `miniflare` and `workerd` that this release of the plugin runs."""
    manifest = json.loads((PROGRAM / "package.json").read_text(encoding="utf-8"))
    return dict(manifest["dependencies"])


def installation_folder() -> Path:
    """Return the folder of the pinned runtime; each set of pins has its own."""
    pins = hashlib.sha256(b"".join((PROGRAM / name).read_bytes() for name in _PINS)).hexdigest()
    return cache_folder() / f"workerd-{pinned_versions()['workerd']}-{pins[:8]}"


def find_installation() -> Path:
    """Return the folder of the installed runtime.

    Raises:
        LaneUnavailable: It is not installed, or its folder cannot be read.
    """
    folder = installation_folder()
    problem = _problem(folder)
    if problem:
        raise LaneUnavailable(problem)
    return folder


def status() -> Status:
    """Say whether the lane can be used here. Starts nothing but `node --version`; raises nothing."""
    folder = installation_folder()
    versions = pinned_versions()
    problem = _problem(folder)
    try:
        versions["node"] = find_node().version
    except LaneUnavailable as unavailable:
        problem = problem or str(unavailable)
    return Status(ready=not problem, folder=folder, versions=versions, problem=problem)


def install(*, report: Callable[[str], object] = lambda _: None, force: bool = False) -> Path:
    """Install the pinned runtime from npm into the user's cache folder.

    An installation that is there already is left alone. Two processes may install at once: each works in a
    folder of its own and the first one to finish wins.

    Args:
        report: Is called with each line of progress.
        force: Install anew, also where it is there.

    Returns:
        The folder.

    Raises:
        LaneUnavailable: There is no Node, or no npm.
        InstallationFailed: The cache folder cannot be written, or npm failed.
    """
    folder = installation_folder()
    if not force and not _problem(folder):
        report(f"workerd {pinned_versions()['workerd']} is already installed in {folder}")
        return folder
    node, npm = find_npm()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".installing-", dir=folder.parent))
    except OSError as error:
        raise InstallationFailed(
            f"The cache folder {folder.parent} cannot be written: {error.strerror or error}. "
            f"Set {CACHE_VARIABLE} to a folder that can, and run: {INSTALL_COMMAND}"
        ) from error
    try:
        report(f"fetching miniflare and workerd from npm with Node {node.version} ...")
        _run_npm(npm, node.executable, work)
        _check(work)
        _put_in_place(work, folder, force=force)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    versions = ", ".join(f"{name} {version}" for name, version in pinned_versions().items())
    report(f"installed {versions} in {folder}")
    return folder


def _problem(folder: Path) -> str:
    workerd = pinned_versions()["workerd"]
    try:
        if not folder.is_dir():
            return f"workerd {workerd} is not installed (looked in {folder}). Run: {INSTALL_COMMAND}"
        os.listdir(folder)  # noqa: PTH208 - raises where the folder cannot be read
        installed = _installed_versions(folder)
    except OSError as error:
        return (
            f"The cache folder {folder} cannot be read: {error.strerror or error}. "
            f"Set {CACHE_VARIABLE} to a folder that can, and run: {INSTALL_COMMAND}"
        )
    if installed != pinned_versions() or _binary(folder) is None:
        return f"The installation of workerd {workerd} in {folder} is not whole. Run: {INSTALL_COMMAND} --force"
    return ""


def _installed_versions(folder: Path) -> dict[str, str]:
    found = {}
    for name in pinned_versions():
        manifest = folder / "node_modules" / name / "package.json"
        if manifest.is_file():
            found[name] = json.loads(manifest.read_text(encoding="utf-8")).get("version", "")
    return found


def _binary(folder: Path) -> Path | None:
    """The runtime for this platform, which npm keeps in a package named after it."""
    return next((folder / "node_modules" / "@cloudflare").glob(f"workerd-*/{_WORKERD}"), None)


def _run_npm(npm: tuple[str, ...], node: Path, work: Path) -> None:
    for name in _PINS:
        shutil.copyfile(PROGRAM / name, work / name)
    # No install scripts: the runtime's own only looks for the binary that the lock file already names.
    command = [*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    path = os.pathsep.join((str(node.parent), os.environ.get("PATH", "")))
    try:
        done = subprocess.run(  # noqa: S603 - npm with fixed arguments
            command,
            cwd=work,
            env={**node_environment(), "PATH": path},
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_NPM_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InstallationFailed(
            f"npm did not finish within {_NPM_TIMEOUT:.0f} s. "
            f"Is the npm registry reachable? Run again: {INSTALL_COMMAND}"
        ) from None
    except OSError as error:
        raise InstallationFailed(f"npm ({' '.join(npm)}) could not be started: {error}") from error
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()
        raise InstallationFailed(
            f"npm failed (exit status {done.returncode}). It needs the npm registry, or a mirror set by "
            f"`npm config set registry`. Then run again: {INSTALL_COMMAND}\n{words}"
        )


def _check(work: Path) -> None:
    if _installed_versions(work) != pinned_versions():
        raise InstallationFailed(f"npm installed {_installed_versions(work)}, not {pinned_versions()}.")
    if _binary(work) is None:
        raise InstallationFailed(
            f"npm has no workerd {pinned_versions()['workerd']} for this platform ({sys.platform}). "
            "The workerd lane needs Linux (glibc) or macOS on x64 or arm64, or Windows on x64."
        )


def _put_in_place(work: Path, folder: Path, *, force: bool) -> None:
    if folder.exists():
        if not force and not _problem(folder):
            return  # another process was faster
        shutil.rmtree(folder, ignore_errors=True)
    try:
        work.rename(folder)
    except OSError as error:
        if not _problem(folder):
            return
        raise InstallationFailed(
            f"{work} could not be moved to {folder}: {error}. Run again: {INSTALL_COMMAND}"
        ) from error
