"""Text of others on one line: nothing in it moves the cursor, changes colours or runs off the page."""


def legible(text: str, most: int | None = None) -> str:
    """Return a text that can be shown on one line.

    Args:
        text: Such as a test id, which may hold anything.
        most: Characters to show; of a longer text the middle is left out, since its start and end tell most.

    Returns:
        The text, in which what cannot be seen, or is half of a surrogate pair, is written as Python escapes it.
    """
    if most is not None and len(text) > most:
        start = (most - 1) // 2
        text = text[:start] + "…" + text[start + 1 - most :]
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode-escape").decode("ascii")
