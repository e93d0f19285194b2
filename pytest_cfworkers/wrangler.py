"""The part of a wrangler configuration that matters to tests: limits, compatibility date, D1 databases."""

import datetime as dt
import json
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, final

FILE_NAMES: Final = ("wrangler.json", "wrangler.jsonc", "wrangler.toml")
"""In the order in which wrangler looks for them."""

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class WranglerError(ValueError):
    """A wrangler file that cannot be used; the text names the file, the key, the value and what is valid."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Wrangler:
    """A wrangler configuration.

    Attributes:
        path: The file.
        cpu_ms: `limits.cpu_ms`, in milliseconds.
        subrequests: `limits.subrequests`.
        compatibility_date: The date whose behaviour of the runtime the Worker asks for.
    """

    path: Path
    cpu_ms: int | None = None
    subrequests: int | None = None
    compatibility_date: dt.date | None = None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file.

        Args:
            path: A wrangler.toml, wrangler.jsonc or wrangler.json.

        Raises:
            WranglerError: The file cannot be read, is broken, or holds a value of the wrong kind.
        """
        data = _parse(path)
        limits = _section(path, data, "limits")
        return cls(
            path=path,
            cpu_ms=_positive(path, limits, "cpu_ms"),
            subrequests=_positive(path, limits, "subrequests"),
            compatibility_date=_date(path, data.get("compatibility_date")),
        )

    @classmethod
    def find(cls, folder: Path) -> Self | None:
        """Read the file of a folder; return None without one."""
        path = next((folder / name for name in FILE_NAMES if (folder / name).is_file()), None)
        return None if path is None else cls.read(path)

    def __str__(self) -> str:
        """Name the file and what it sets."""
        settings = {
            "cpu_ms": self.cpu_ms,
            "subrequests": self.subrequests,
            "compatibility_date": self.compatibility_date,
        }
        shown = ", ".join(f"{key}={value}" for key, value in settings.items() if value is not None)
        return f"{self.path.name}: {shown}" if shown else self.path.name


def _parse(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WranglerError(f"{path} cannot be read: {error}") from None
    try:
        data = tomllib.loads(text) if path.suffix == ".toml" else _load_jsonc(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise WranglerError(f"{path} is broken: {error}") from None
    if not isinstance(data, dict):
        raise WranglerError(f"{path} holds {type(data).__name__}, not a mapping of settings")
    return data


def _load_jsonc(text: str) -> Any:
    import jsonc  # noqa: PLC0415 - only where there is such a file

    return jsonc.loads(text)


def _section(path: Path, data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    section = data.get(key, {})
    if not isinstance(section, dict):
        raise WranglerError(f"{path}: {key} = {section!r} is not a mapping")
    return section


def _positive(path: Path, limits: Mapping[str, Any], key: str) -> int | None:
    value = limits.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise WranglerError(f"{path}: limits.{key} = {value!r} is not a limit; valid: a positive integer")
    return value


def _date(path: Path, value: object) -> dt.date | None:
    if value is None or type(value) is dt.date:
        return value  # TOML has dates of its own
    if isinstance(value, str) and _DAY.fullmatch(value):  # fromisoformat alone takes weeks, too
        with suppress(ValueError):
            return dt.date.fromisoformat(value)
    raise WranglerError(f"{path}: compatibility_date = {value!r} is not a date; valid: a day such as 2026-11-24")
