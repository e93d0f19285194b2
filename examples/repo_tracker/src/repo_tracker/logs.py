"""Structured logs: one JSON object on a line, which Workers Logs takes apart into fields."""

import json
from collections.abc import Callable

Log = Callable[..., None]
"""`log("refreshed", tier="hot", saved=40)`"""


def log(event: str, **fields: object) -> None:
    """Write a line.

    Args:
        event: What happened, in a word or two that never change.
        **fields: What there is to know of it. What JSON cannot say is written as text, an error with its type.
    """
    print(json.dumps({"event": event, **fields}, default=_as_text))


def _as_text(value: object) -> str:
    return f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else str(value)
