"""The keys of `cf_limits(...)`: what they mean, and how the value of each is read."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from pytest_cfworkers.choices import CONNECTION_MODELS, PLANS
from pytest_cfworkers.limits import BY_KEY, RESOLUTION_MS, RULES, WALL_PRESETS
from pytest_cfworkers.safe_repr import safe_repr
from pytest_cfworkers.size import parse_size

OPTIONS_HELP: Final[Mapping[str, str]] = MappingProxyType(
    {
        "plan": "free or paid: where the numbers come from that are not given",
        "connection_model": "body or headers: how long a connection holds its place",
        "allow": "rules that may be broken, each with the reason: {rule: reason}",
        "trace": "True measures memory exactly and names the lines that hold it, slowly",
    }
)

KEYS: Final = (*BY_KEY, *OPTIONS_HELP)
"""The keys of `cf_limits(...)`."""

_MOST: Final = 10**15
"""More than anything that is counted or timed comes to; figures of it are still exact in reports."""


class LimitsError(ValueError):
    """A key or value of `cf_limits(...)` that means nothing; the text names it and the valid set."""


def read(given: Mapping[str, Any]) -> dict[str, Any]:
    """Read the keys of `cf_limits(...)`.

    Args:
        given: The keys and their values.

    Returns:
        The same keys, with the values that they mean.

    Raises:
        LimitsError: A key is unknown or a value is of the wrong kind; the text names it and the valid set.
    """
    known("cf_limits", given, KEYS)
    return {key: _READERS[key](key, value) for key, value in given.items()}


def known(place: str, given: Mapping[str, object], valid: tuple[str, ...]) -> None:
    """Refuse keys that a place does not take.

    Raises:
        LimitsError: There is one; the text names it and the valid set.
    """
    __tracebackhide__ = True
    for key in given:
        if key not in valid:
            raise LimitsError(f"{place} has no key {safe_repr(key)}; valid keys: {', '.join(valid)}")


def only_keys(place: str, given: Sequence[object], example: str) -> None:
    """Refuse values without a key.

    Raises:
        LimitsError: There is one; the text names it and a valid example.
    """
    __tracebackhide__ = True
    if given:
        raise LimitsError(f"{place} takes keys only, such as {example}; got {safe_repr(given[0])}")


def choice(key: str, value: object, valid: tuple[str, ...]) -> str:
    """Read one of several words.

    Raises:
        LimitsError: It is none of them; the text names it and the valid set.
    """
    if not isinstance(value, str) or value not in valid:
        raise LimitsError(f"{key}={safe_repr(value)} is unknown; valid: {', '.join(valid)}")
    return str(value)


def _count(least: int) -> Callable[[str, object], int | None]:
    def parse(key: str, value: object) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise LimitsError(f"{key}={safe_repr(value)} is not a limit; valid: an int of at least {least}, or None")
        _not_too_large(key, value)
        return value

    return parse


def milliseconds(key: str, value: object) -> float | None:
    """Read a time in milliseconds, or None.

    Raises:
        LimitsError: The value is neither; the text names it and what is valid.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise LimitsError(f"{key}={safe_repr(value)} is not a time; valid: a positive number of milliseconds, or None")
    if value < RESOLUTION_MS:
        raise LimitsError(
            f"{key}={safe_repr(value)} is less than can be measured; valid: {RESOLUTION_MS} or more, or None"
        )
    _not_too_large(key, value)
    return value


def _not_too_large(key: str, value: float) -> None:
    if value > _MOST:
        raise LimitsError(
            f"{key}={safe_repr(value)} is more than can ever be reached; valid: {_MOST:,} or less, or None"
        )


def _wall(key: str, value: object) -> float | None:
    if isinstance(value, str) and value in WALL_PRESETS:
        return WALL_PRESETS[value]
    try:
        return milliseconds(key, value)
    except LimitsError as error:
        raise LimitsError(f"{error}, or a cut-off of the platform: {', '.join(WALL_PRESETS)}") from None


def _memory(key: str, value: object) -> int | None:
    if value is None:
        return None
    try:
        size = parse_size(value)
    except ValueError as error:
        raise LimitsError(f"{key}={error}, or None") from None
    _not_too_large(key, size)
    return size


def _switch(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise LimitsError(f"{key}={safe_repr(value)} is not valid; valid: True, False")
    return value


def _allow(key: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise LimitsError(
            f"{key}={safe_repr(value)} is not a mapping; valid: {{rule: reason}}, rules: {', '.join(RULES)}"
        )
    for rule, reason in value.items():
        if not isinstance(rule, str) or rule not in RULES:
            raise LimitsError(f"{key} names the unknown rule {safe_repr(rule)}; valid rules: {', '.join(RULES)}")
        if not isinstance(reason, str) or not reason.strip():
            raise LimitsError(
                f"{key}={{{safe_repr(rule)}: {safe_repr(reason)}}} gives no reason; write why the rule may be broken"
            )
    return dict(value)


_READERS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "connections": _count(1),
    "unread_bodies": _count(0),
    "subrequests": _count(0),
    "internal_subrequests": _count(0),
    "d1_queries": _count(0),
    "memory": _memory,
    "cpu_ms": milliseconds,
    "wall_ms": _wall,
    "plan": lambda key, value: choice(key, value, PLANS),
    "connection_model": lambda key, value: choice(key, value, CONNECTION_MODELS),
    "allow": _allow,
    "trace": _switch,
}
