"""Which HTTP libraries are known, and which one a request belongs to."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from pytest_cfworkers.clients.dialect import Dialect

_KNOWN: Final = ("httpx", "httpx2")

_of: Final[dict[type, Dialect]] = {}


def of(request: object) -> Dialect:
    """Return the library that a request belongs to.

    Raises:
        TypeError: It belongs to none that is known.
    """
    kind = type(request)
    if kind not in _of:
        homes = [base.__module__.partition(".")[0] for base in kind.__mro__]
        name = next((home for home in homes if home in _KNOWN), None)
        if name is None:
            raise TypeError(f"{request!r} is a request of none of the guarded libraries: {', '.join(_KNOWN)}")
        _of[kind] = _load(name)
    return _of[kind]


@cache
def installed() -> tuple[Dialect, ...]:
    """Return the known libraries that are installed."""
    return tuple(_load(name) for name in _KNOWN if find_spec(name) is not None)


def _load(name: str) -> Dialect:
    dialect: Dialect = import_module(f"pytest_cfworkers.clients.{name}").DIALECT
    return dialect
