"""Sizes in memory: what a user writes, `"128 MB"` or a number of bytes, as bytes."""

import re
from typing import Final

from pytest_cfworkers.safe_repr import safe_repr

_UNITS: Final = {
    "b": 1,
    "kb": 2**10,
    "kib": 2**10,
    "mb": 2**20,
    "mib": 2**20,
    "gb": 2**30,
    "gib": 2**30,
}
# Fifteen digits are more than any memory has and what a float still holds exactly.
_SIZE: Final = re.compile(r"\s*(\d{1,15}(?:\.\d+)?)\s*([a-z]+)\s*", re.IGNORECASE | re.ASCII)


def parse_size(value: object, *, least: int = 1) -> int:
    """Read a size.

    Args:
        value: An int of bytes, or a text of a number and a unit: B, KB, MB, GB, KiB, MiB or GiB. Cloudflare's
            "128 MB" is 128 * 2**20 bytes, so both spellings of a unit mean its power of two.
        least: The smallest size that is accepted, in bytes.

    Returns:
        The size in bytes.

    Raises:
        ValueError: The value is neither; the message names what is accepted.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if value >= least:
            return value
    elif isinstance(value, str) and (match := _SIZE.fullmatch(value)):
        number, unit = match.groups()
        factor = _UNITS.get(unit.lower())
        if factor is not None and (size := int(float(number) * factor)) >= least:
            return size
    raise ValueError(
        f"{safe_repr(value)} is not a size: write a positive number of bytes, or a number and a unit such as "
        f'"64 MB" (units: B, KB, MB, GB, KiB, MiB, GiB; 1 MB = 2^20 bytes)'
    )


def format_size(size: int) -> str:
    """Write a size in bytes in the largest unit that keeps it at one or more, such as `"12.5 MB"`."""
    for unit in ("GB", "MB", "KB"):
        factor = _UNITS[unit.lower()]
        if size >= factor:
            return f"{size / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size} B"
