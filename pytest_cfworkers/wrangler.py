"""The part of a wrangler configuration that matters to tests: limits, compatibility date, D1 databases, the upload."""

import datetime as dt
import os
import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, final

from pytest_cfworkers.limits import MOST_CONFIGURED

FILE_NAMES: Final = ("wrangler.json", "wrangler.jsonc", "wrangler.toml")
"""In the order in which wrangler looks for them."""

_VENDOR_EXCLUDE: Final = ("**/*.pyc",)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class WranglerError(ValueError):
    """A wrangler file that cannot be used; the text names the file, the key, the value and what is valid."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class D1Binding:
    """A D1 database that the Worker is bound to.

    Attributes:
        name: The name of the binding: `env.<name>`.
        migrations_dir: The folder of its migrations; None where none is named and the default one is not there.
        migrations_table: Where applied migrations are recorded.
        migrations_pattern: Which files of that folder are migrations, seen from there.
    """

    name: str
    migrations_dir: Path | None = None
    migrations_table: str = "d1_migrations"
    migrations_pattern: str = "*.sql"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleRule:
    """A rule that says which files are uploaded beside the entry.

    Attributes:
        kind: Its type, such as "Text".
        globs: The patterns of names.
        fallthrough: Whether later rules of the same type hold, too.
    """

    kind: str
    globs: tuple[str, ...]
    fallthrough: bool = False


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Wrangler:
    """A wrangler configuration.

    Attributes:
        path: The file.
        cpu_ms: `limits.cpu_ms`, in milliseconds.
        subrequests: `limits.subrequests`.
        compatibility_date: The date whose behaviour of the runtime the Worker asks for.
        databases: `d1_databases`, in their order.
        main: The entry of the Worker; None where none is named.
        base_dir: The folder whose files are uploaded with it; None for that of the entry.
        rules: `rules`, in their order.
        vendor_exclude: `python_modules.exclude`: patterns of vendored files that are not uploaded.
    """

    path: Path
    cpu_ms: int | None = None
    subrequests: int | None = None
    compatibility_date: dt.date | None = None
    databases: tuple[D1Binding, ...] = ()
    main: Path | None = None
    base_dir: Path | None = None
    rules: tuple[ModuleRule, ...] = ()
    vendor_exclude: tuple[str, ...] = _VENDOR_EXCLUDE

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
        vendored = _section(path, data, "python_modules")
        return cls(
            path=path,
            cpu_ms=_positive(path, limits, "cpu_ms"),
            subrequests=_positive(path, limits, "subrequests"),
            compatibility_date=_date(path, data.get("compatibility_date")),
            databases=tuple(_databases(path, data)),
            main=_beside(path, data, "main"),
            base_dir=_beside(path, data, "base_dir"),
            rules=tuple(_rules(path, data)),
            vendor_exclude=_texts(path, "python_modules.exclude", vendored.get("exclude", _VENDOR_EXCLUDE)),
        )

    @classmethod
    def find(cls, folder: Path) -> Self | None:
        """Read the file of a folder; return None without one.

        Raises:
            WranglerError: The file cannot be used; also where all that has its name is a folder, or a link to nothing.
        """
        named = [folder / name for name in FILE_NAMES if os.path.lexists(folder / name)]
        path = next((path for path in named if path.is_file()), next(iter(named), None))
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
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WranglerError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise WranglerError(f"{path} cannot be read: {error}") from None
    try:
        data = tomllib.loads(text) if path.suffix == ".toml" else _load_jsonc(text)
    except (ValueError, RecursionError) as error:  # besides syntax: numbers of thousands of digits, endless nesting
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
    if value > (most := MOST_CONFIGURED[key]):
        raise WranglerError(f"{path}: limits.{key} = {value!r} is more than the platform allows; valid: up to {most}")
    return value


def _databases(path: Path, data: Mapping[str, Any]) -> Iterator[D1Binding]:
    entries = data.get("d1_databases", [])
    if not isinstance(entries, list):
        raise WranglerError(f"{path}: d1_databases = {entries!r} is not a list of databases")
    seen = set()
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("binding"), str):
            raise WranglerError(f'{path}: d1_databases holds {entry!r}, which has no binding = "NAME"')
        name = entry["binding"]
        if name in seen:
            raise WranglerError(f"{path}: d1_databases has two bindings {name!r}; valid: a name for each")
        seen.add(name)
        for key in ("migrations_dir", "migrations_table", "migrations_pattern"):
            if not isinstance(entry.get(key, ""), str):
                raise WranglerError(f"{path}: {key} = {entry[key]!r} of {name} is not a text")
        folder, default = entry.get("migrations_dir"), path.parent / "migrations"
        yield D1Binding(
            name=name,
            migrations_dir=path.parent / folder if folder else default if default.is_dir() else None,
            migrations_table=entry.get("migrations_table", "d1_migrations"),
            migrations_pattern=_pattern(path, name, folder, entry.get("migrations_pattern")),
        )


def _beside(path: Path, data: Mapping[str, Any], key: str) -> Path | None:
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise WranglerError(f"{path}: {key} = {value!r} is not a path")
    return path.parent / value


def _rules(path: Path, data: Mapping[str, Any]) -> Iterator[ModuleRule]:
    entries = data.get("rules", [])
    if not isinstance(entries, list):
        raise WranglerError(f"{path}: rules = {entries!r} is not a list of rules")
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
            raise WranglerError(f'{path}: rules holds {entry!r}, which has no type = "..."')
        globs = _texts(path, "globs of rules", entry.get("globs", ()))
        yield ModuleRule(kind=entry["type"], globs=globs, fallthrough=entry.get("fallthrough") is True)


def _texts(path: Path, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        raise WranglerError(f"{path}: {key} = {value!r} is not a list of texts")
    return tuple(value)


def _pattern(path: Path, binding: str, folder: str | None, pattern: str | None) -> str:
    """Return which files of the folder are migrations, as wrangler understands it: the pattern names the folder, too.

    https://developers.cloudflare.com/d1/reference/migrations/ (checked 2026-11-24)
    """
    if pattern is None:
        return "*.sql"
    told = f"{path}: migrations_pattern = {pattern!r} of {binding}"
    if not folder:
        raise WranglerError(f"{told} needs a migrations_dir beside it")
    start, whole = (posixpath.normpath(text.replace("\\", "/")) for text in (folder, pattern))
    if start == ".":
        return whole
    if not whole.startswith(f"{start}/"):
        raise WranglerError(f"{told} does not start with migrations_dir; valid: a pattern such as '{start}/*.sql'")
    if set(whole) & set("{}()"):
        raise WranglerError(f"{told} holds {{}} or (), which are not read here; valid: *, **, ? and [...]")
    return whole.removeprefix(f"{start}/")


def _date(path: Path, value: object) -> dt.date | None:
    if value is None or type(value) is dt.date:
        return value  # TOML has dates of its own
    if isinstance(value, str) and _DAY.fullmatch(value):  # fromisoformat alone takes weeks, too
        with suppress(ValueError):
            return dt.date.fromisoformat(value)
    raise WranglerError(f"{path}: compatibility_date = {value!r} is not a date; valid: a day such as 2026-11-24")
