"""Which files are uploaded: those that wrangler would take, or those of a folder that it wrote.

Wrangler asks no `.gitignore`: it takes every file below the folder of the entry (or `base_dir`) that a module rule
names, which for a Python entry is every `*.py`, those of tests and of a virtual environment included; and all that is
vendored in `python_modules`, but what `python_modules.exclude` names.

Source: https://developers.cloudflare.com/workers/wrangler/bundling/ and the code of wrangler
(packages/wrangler/src/deployment-bundle/find-additional-modules.ts and rules.ts; read 2026-11-24).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from pytest_cfworkers.bundle.globs import compiled
from pytest_cfworkers.wrangler import ModuleRule, Wrangler

VENDOR: Final = "python_modules"
"""The folder, beside the wrangler file, into which `pywrangler` puts packages; and its name in the upload."""

_PYTHON: Final = ModuleRule(kind="PythonModule", globs=("**/*.py",))
_DEFAULT_RULES: Final = (
    ModuleRule(kind="Text", globs=("**/*.txt", "**/*.html", "**/*.sql")),
    ModuleRule(kind="Data", globs=("**/*.bin",)),
    ModuleRule(kind="CompiledWasm", globs=("**/*.wasm", "**/*.wasm?module")),
)
_WRANGLERS_OWN: Final = ".wrangler"
_NEVER: Final = frozenset({".git", ".wrangler", "__pycache__", "node_modules"})
"""Folders that no upload holds."""


class BundleError(Exception):
    """A bundle that cannot be measured; the text names the path and says what to do."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What is uploaded.

    Attributes:
        path: The folder or the entry that it was asked for by.
        files: Each file by its name in the upload, in the order of the names.
        entry: The module that the platform imports; None where it is not known.
        roots: The folders that its imports are looked up in, the first one first.
    """

    path: Path
    files: dict[str, Path]
    entry: Path | None
    roots: tuple[Path, ...]


def of_wrangler(wrangler: Wrangler) -> Upload:
    """Find what wrangler would upload.

    Raises:
        BundleError: The configuration names no entry, one that is not there, or one in JavaScript.
    """
    if wrangler.main is None:
        raise BundleError(f"{wrangler.path} names no main; name the folder of the bundle: --cf-bundle=DIR")
    main = _normal(wrangler.main)
    root = _normal(wrangler.base_dir or main.parent)
    if not main.is_file():
        raise BundleError(f"{main}, the main of {wrangler.path}, does not exist")
    if main.suffix != ".py":
        raise BundleError(
            f"{main} is no Python, and wrangler bundles it first: run `npx wrangler deploy --dry-run --outdir=dist` "
            f"and measure what it writes: --cf-bundle=dist"
        )
    if not main.is_relative_to(root):
        raise BundleError(f"{main}, the main of {wrangler.path}, is not below its base_dir {root}")
    project = wrangler.path.parent
    taken = tuple(_in_force(wrangler.rules))
    files = {
        name: path
        for name, path in _walk(root, skip=frozenset({_WRANGLERS_OWN}))
        if path != wrangler.path and (path == main or any(compiled(glob).match(name) for glob in taken))
    }
    vendored = project / VENDOR
    for name, path in _walk(vendored, skip=frozenset()):
        if not any(compiled(glob).match(name) for glob in wrangler.vendor_exclude):
            files[f"{VENDOR}/{name}"] = path
    return Upload(path=main, files=dict(sorted(files.items())), entry=main, roots=(root, vendored))


def of_folder(folder: Path, entry: str | None) -> Upload:
    """Take the files of a folder, such as `wrangler deploy --dry-run --outdir=dist` writes.

    Caches, version control, installed packages, source maps and wrangler's own README.md are left out.

    Args:
        folder: The folder.
        entry: The name of the entry module, if it is known.

    Raises:
        BundleError: The folder is not there, or holds nothing.
    """
    if not folder.is_dir():
        raise BundleError(f"{folder} is no folder; valid: what `wrangler deploy --dry-run --outdir=DIR` writes")
    files = {
        name: path
        for name, path in _walk(folder, skip=_NEVER)
        if path.suffix not in {".pyc", ".map"} and name != "README.md"
    }
    if not files:
        raise BundleError(f"{folder} holds no file that would be uploaded; build first, or name another folder")
    found = next((folder / name for name in (entry, "index.py", "entry.py", "worker.py") if name in files), None)
    return Upload(path=folder, files=dict(sorted(files.items())), entry=found, roots=(folder, folder / VENDOR))


def _normal(path: Path) -> Path:
    """Return a path without `..`, so that one path is below another where it looks so."""
    return Path(os.path.normpath(path))


def _in_force(rules: tuple[ModuleRule, ...]) -> Iterator[str]:
    """Yield the patterns that hold: without `fallthrough` a rule ends those of its type that come later."""
    ended: set[str] = set()
    named = rules if any(rule.kind == _PYTHON.kind for rule in rules) else (*rules, _PYTHON)
    for rule in (*named, *_DEFAULT_RULES):
        if rule.kind not in ended:
            yield from rule.globs
        if not rule.fallthrough:
            ended.add(rule.kind)


def _walk(root: Path, *, skip: frozenset[str]) -> Iterator[tuple[str, Path]]:
    """Yield each file below a folder by its name from there; links to folders are not followed."""
    for place, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in skip)
        for name in names:
            path = Path(place, name)
            if path.is_file():  # no link that leads nowhere
                yield path.relative_to(root).as_posix(), path
