"""Text of others as a page can hold it: line by line legible, and not so long that nobody reads to its end."""

from typing import Final

from pytest_cfworkers.report.legible import legible

MOST: Final = 2_000
"""Characters of one text that a page shows; a statement or an id may have 100,000."""


def readable(text: str, most: int = MOST) -> str:
    """Return a text that a page can show.

    Args:
        text: Any text, also one with lone surrogates or terminal escapes.
        most: Characters; of a longer text the middle is left out, and how much that was is said.
    """
    if len(text) > most:
        kept = most // 2
        text = f"{text[:kept]} … {len(text) - 2 * kept:,} characters … {text[-kept:]}"
    return text if text.isprintable() else "\n".join(map(legible, text.split("\n")))
