"""The tables that the command writes, and where in the docs they go: between two markers, the prose around is kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parents[2] / "docs"
MEBI: Final = 2**20


def begin(name: str) -> str:
    """Return the line before a table."""
    return f"<!-- {name}: written by python -m benchmarks.pyodide --write -->"


def end(name: str) -> str:
    """Return the line after a table."""
    return f"<!-- end of {name} -->"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table in Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def write(page: str, name: str, text: str) -> None:
    """Put a text between the markers of a page, in place of what is there.

    Args:
        page: The name of a file in docs.
        name: The name in the markers.
        text: The text.
    """
    path = DOCS / page
    before, opening, rest = path.read_text(encoding="utf-8").partition(begin(name))
    _, closing, after = rest.partition(end(name))
    if not opening or not closing:
        raise SystemExit(f"{path} has no markers for {name}: {begin(name)} … {end(name)}")
    path.write_text(f"{before}{opening}\n{text}\n{closing}{after}", encoding="utf-8")


def megabytes(size: float) -> str:
    """Write bytes as MB of 2^20, rounded."""
    return f"{size / MEBI:.1f} MB"
