"""A Worker's project for the tests of bundles."""

from pathlib import Path

from pytest_cfworkers.wrangler import Wrangler


def write(root: Path, name: str, text: str = "x") -> Path:
    """Write one file by its path."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def wrangler(root: Path, text: str = 'main = "src/entry.py"\n') -> Wrangler:
    """Write and read a wrangler file."""
    return Wrangler.read(write(root, "wrangler.toml", text))
