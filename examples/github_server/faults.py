"""What goes wrong, with which requests: asked for exactly, or drawn by the seed."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, Final, Literal, final, get_args

from . import shapes
from .messages import Answer

Kind = Literal["slow-headers", "slow-body", "truncated-body", "reset", "status", "secondary-limit"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

Check = tuple[Callable[[Any], bool], str]
"""Whether a value makes sense, and what does, in words."""


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 0


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and value >= 0


_VALID: Final[dict[str, Check]] = {
    "kind": (lambda value: value in KINDS, ", ".join(KINDS)),
    "path": (lambda value: isinstance(value, str), "a text"),
    "times": (lambda value: value is None or _is_count(value), "a whole number, or None for all"),
    "skip": (_is_count, "a whole number"),
    "probability": (lambda value: _is_seconds(value) and value <= 1, "0 to 1"),
    "seconds": (lambda value: value is None or _is_seconds(value), "a number, or None until it is released"),
    "retry_after": (_is_count, "a whole number"),
    "status": (lambda value: value == 0, "none"),
}
_STATUSES: Final[dict[str, Check]] = {
    "status": (lambda value: value in range(500, 600), "500 to 599"),
    "secondary-limit": (lambda value: value in {403, 429}, "403, 429"),
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        kind: "slow-headers" and "slow-body" wait before the headers or in the middle of the body, "truncated-body"
            ends in the middle of it, "reset" resets the connection in place of an answer, "status" is a server
            error, "secondary-limit" is a refusal with `Retry-After`. Where there is no body, its middle is before
            the last byte of the headers.
        path: Which paths, with `*` for any part of one.
        times: How many requests at most; None for all.
        skip: How many matching requests come before the first.
        probability: The share of matching requests, drawn by the seed from the path and how often it was asked for,
            so that it does not depend on the order of requests to different paths.
        seconds: How long a slow answer waits; None until the control releases it.
        status: The status of a server error (500 and up), or of a refusal: 403 or 429, GitHub uses both.
        retry_after: Seconds that a refusal asks for.
    """

    kind: Kind
    path: str = "*"
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    seconds: float | None = None
    status: int = 0
    retry_after: int = 1

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Fault":
        """Read one that was sent as JSON.

        Raises:
            ValueError: A name, the kind or a value makes no sense; the message says what does.
        """
        known = [spec.name for spec in fields(cls)]
        if unknown := data.keys() - set(known):
            raise ValueError(f"{', '.join(sorted(unknown))} is not known; known: {', '.join(known)}")
        kind = data.get("kind")
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no kind of fault; kinds: {', '.join(KINDS)}")
        for name, value in data.items():
            holds, valid = _STATUSES.get(kind, _VALID[name]) if name == "status" else _VALID[name]
            if not holds(value):
                raise ValueError(f"{name}={value!r} makes no sense here; valid: {valid}")
        return cls(**data)

    def answer(self) -> Answer | None:
        """Return what is answered in place of the ordinary answer; None where the fault lies in the sending."""
        if self.kind == "status":
            return Answer.of({"message": "Server Error"}, self.status or 502)
        if self.kind == "secondary-limit":
            status = self.status or 403
            message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
            page = "/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"
            return Answer.of(shapes.error(status, message, page), status, {"retry-after": str(self.retry_after)})
        return None


@final
class Faults:
    """The faults in force, and whose turn it is.

    Args:
        seed: What probabilities are drawn from.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.clear()

    def add(self, fault: Fault) -> None:
        """Bring a fault into force, after those that are."""
        self._faults.append(fault)

    def clear(self) -> None:
        """End all faults, and forget how often each path was asked for."""
        self._faults: list[Fault] = []
        self._matched: Counter[int] = Counter()
        self._struck: Counter[int] = Counter()
        self._asked: Counter[tuple[int, str]] = Counter()

    def strike(self, path: str) -> Fault | None:
        """Return what goes wrong with the request for a path that has just come; None if nothing does."""
        for number, fault in enumerate(self._faults):
            if self._strikes(number, fault, path):
                self._struck[number] += 1
                return fault
        return None

    def _strikes(self, number: int, fault: Fault, path: str) -> bool:
        if not fnmatchcase(path, fault.path) or (fault.times is not None and self._struck[number] >= fault.times):
            return False
        self._matched[number] += 1
        if self._matched[number] <= fault.skip:
            return False
        self._asked[number, path] += 1
        if fault.probability >= 1:
            return True
        draw = random.Random(f"{self._seed}:{number}:{path}:{self._asked[number, path]}")  # noqa: S311 - as wanted
        return draw.random() < fault.probability
