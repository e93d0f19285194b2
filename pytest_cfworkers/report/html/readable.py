"""Text as a page can hold it: what no eye sees is written out, and what no eye reads to its end is cut."""

import re
from typing import Final

MOST: Final = 2_000
"""Characters of one text that a page shows; a statement or an id may have 100,000."""

_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Controls (but tab and line feed), what turns the direction of writing, what has no width, and lone surrogates, which
no encoding can write."""

_PICTURES: Final = 0x2400
"""Where Unicode has a picture of each control: that of ESC is ␛."""


def readable(text: str, most: int = MOST) -> str:
    """Return a text in which every character is seen and that is not too long.

    Args:
        text: Any text, also one with lone surrogates or terminal escapes.
        most: Characters; of a longer text the middle is left out, and how much that was is said.
    """
    if len(text) > most:
        kept = most // 2
        text = f"{text[:kept]} … {len(text) - 2 * kept:,} characters … {text[-kept:]}"
    if text.isascii() and text.isprintable():
        return text
    return _UNSEEN.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < ord(" "):
        return chr(_PICTURES + code)
    return "\N{SYMBOL FOR DELETE}" if match[0] == "\x7f" else f"\\u{code:04x}"
