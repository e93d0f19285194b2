"""The kinds of quantities that gates compare: how one is written, read and shown."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, final

from pytest_cfworkers.size import format_size, parse_size

_NUMBER: Final = re.compile(r"\d{1,15}(?:\.\d{1,15})?", re.ASCII)
_MILLISECONDS: Final[Mapping[str, int]] = MappingProxyType({"": 1, "ms": 1, "s": 1_000, "min": 60 * 1_000})


class QuantityError(ValueError):
    """A number or a unit that a gate cannot have; the text says which are valid."""


@final
@dataclass(frozen=True, slots=True)
class Quantity:
    """A kind of quantity.

    Attributes:
        units: The units that may be written behind a number, in words.
        example: How a bound may be written.
        read: Makes the value from a number and its unit, as they were written; raises QuantityError.
        show: Writes a value with its unit.
    """

    units: str
    example: str
    read: Callable[[str, str], float]
    show: Callable[[float], str]


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise QuantityError(f"{text!r} is no number: write digits, and a dot before decimals, as 5000 or 0.01")
    return float(text)


def _count(number: str, unit: str) -> float:
    if unit:
        raise QuantityError(f"{unit!r} is no unit of a count: write the number alone")
    return _number(number)


def _time(number: str, unit: str) -> float:
    if unit not in _MILLISECONDS:
        raise QuantityError(f"{unit!r} is no unit of time; units: ms (or none), s, min")
    return _number(number) * _MILLISECONDS[unit]


def _size(number: str, unit: str) -> float:
    value = _number(number)
    if unit in {"", "B"} or not value:
        return value
    try:
        return float(parse_size(number + unit))
    except ValueError:
        raise QuantityError(f"{unit!r} is no unit of size; units: B (or none), KB, MB, GB, KiB, MiB, GiB") from None


def _share(number: str, unit: str) -> float:
    if unit not in {"", "%"}:
        raise QuantityError(f"{unit!r} is no unit of a share: write a percentage such as 20%, or 0.2")
    value = _number(number) / (100 if unit else 1)
    if value > 1:
        raise QuantityError(f"{number}{unit} is more than all: write a percentage such as 20%, or 0.2")
    return value


def _show_size(value: float) -> str:
    """Write a size; with its bytes where rounding would hide some of them."""
    shown, size = format_size(int(value)), int(value)
    return shown if not size or parse_size(shown) == size else f"{shown} ({size:,} B)"


def _show_number(value: float) -> str:
    return f"{value:,.3f}".rstrip("0").removesuffix(".")


COUNT: Final = Quantity("none", "5", _count, _show_number)
TIME: Final = Quantity("ms (or none), s, min", "5000 or 5s", _time, lambda value: f"{_show_number(value)} ms")
SIZE: Final = Quantity("B (or none), KB, MB, GB, KiB, MiB, GiB", "100MB", _size, _show_size)
SHARE: Final = Quantity("%, or none for a share of 1", "20% or 0.2", _share, lambda value: f"{100 * value:.4g} %")
