"""`safe_repr`: how a value that somebody gave stands in an error, no longer than a line."""

from typing import Final

_LONGEST: Final = 100


def safe_repr(value: object) -> str:
    """Write a value, whatever writing it raises: an int may have too many digits, an object a `repr` that fails."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - it is the code of whoever made the value
        return f"<{type(value).__name__} that cannot be shown>"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
