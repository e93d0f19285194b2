"""Where does a request leave? At the innermost transport, not at those that wrap it.

A retrying transport sends as often as what it wraps is called; a caching one may not send at all. So a
transport that holds other transports is looked through, and what it holds at the bottom is guarded in place.
What is held where nobody looks is found when it sends: see `departure`.
"""

import enum
from collections.abc import Iterator
from contextlib import suppress
from inspect import unwrap
from types import CodeType, MethodType
from typing import Any, Final
from weakref import WeakKeyDictionary

from pytest_cfworkers.clients.app import GuardedApp
from pytest_cfworkers.clients.dialect import Dialect

_DEPTH: Final = 5
SENDS: Final = ("handle_request", "handle_async_request")
"""The two methods of a transport."""


class Kind(enum.Enum):
    """What a transport is to a request that passes it."""

    GUARDED = "guarded"
    """It counts its requests itself."""
    INNERMOST = "innermost"
    """Nothing that it holds sends for it, as far as is known until then."""
    APP = "app"
    WRAPPER = "wrapper"
    EXTENSION = "extension"
    """It inherits from a transport of the library and sends through `super()`."""
    MOCKED = "mocked"
    """It is respx's: its last transport is the client's own, for what no mock answers."""


_kinds: Final[WeakKeyDictionary[object, Kind]] = WeakKeyDictionary()


def kind_of(dialect: Dialect, transport: Any) -> Kind:
    """Tell what a transport is."""
    try:
        known = _kinds.get(transport)
        if known is None:
            known = _kinds[transport] = _kind_of(dialect, transport)
    except TypeError:  # it takes no weak references, or cannot be hashed
        return _kind_of(dialect, transport)
    return known


def layers(dialect: Dialect, transport: Any) -> Iterator[Any]:
    """Yield a transport that wraps others, the wrappers in it, and the transports at the bottom."""
    yield transport
    yield from _descend(dialect, transport, _DEPTH, {id(transport)})


def bound_sends(dialect: Dialect, transport: Any) -> Iterator[tuple[str, MethodType]]:
    """Yield the attributes of a transport that are methods by which another one sends."""
    for name, value in list(getattr(transport, "__dict__", {}).items()):
        if type(value) is MethodType and value.__name__ in SENDS:
            owner = value.__self__
            if owner is not transport and dialect.is_transport(owner):
                yield name, value


def forget(transport: Any) -> None:
    """Look at a transport anew the next time: it turned out to send through others."""
    with suppress(TypeError):
        _kinds.pop(transport, None)


def _kind_of(dialect: Dialect, transport: Any) -> Kind:
    if getattr(transport, "guards_itself", False):
        return Kind.GUARDED
    if _leads_into_app(dialect, transport):
        return Kind.APP
    home = _home(type(transport))
    if home == "respx" and getattr(transport, "transports", None):
        return Kind.MOCKED
    if home in (dialect.module.__name__, "respx"):
        return Kind.INNERMOST
    if any(True for _ in _held(dialect, transport)):
        return Kind.WRAPPER
    return Kind.EXTENSION if _extends(dialect, type(transport)) else Kind.INNERMOST


def _leads_into_app(dialect: Dialect, transport: Any) -> bool:
    """Tell whether a transport calls an app under test. What else is called an app may be one of GitHub's, and sign."""
    app = getattr(transport, "app", None)
    if not callable(app):
        return False
    if isinstance(app, GuardedApp) or isinstance(transport, dialect.apps):
        return True
    return any(_home(base) == "starlette" for base in type(transport).__mro__)


def _descend(dialect: Dialect, transport: Any, depth: int, seen: set[int]) -> Iterator[Any]:
    for held in _held(dialect, transport):
        if id(held) in seen or depth == 0 or dialect.is_client(held):
            continue  # a client's requests are seen where it sends them
        seen.add(id(held))
        yield held
        if kind_of(dialect, held) is Kind.WRAPPER:
            yield from _descend(dialect, held, depth - 1, seen)


def _held(dialect: Dialect, transport: Any) -> Iterator[Any]:
    """Yield the transports and clients that a transport holds in its attributes, also in collections there."""
    for value in _attributes(transport):
        if isinstance(value, dict):
            values = list(value.values())
        elif isinstance(value, (list, tuple, set)):
            values = list(value)
        else:
            values = [value]
        for item in values:
            if dialect.is_transport(item) or dialect.is_client(item):
                yield item
    for _, method in bound_sends(dialect, transport):
        yield method.__self__


def _attributes(thing: Any) -> Iterator[Any]:
    yield from getattr(thing, "__dict__", {}).values()
    for base in type(thing).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if slot not in {"__dict__", "__weakref__"} and hasattr(thing, slot):
                yield getattr(thing, slot)


def _extends(dialect: Dialect, kind: type[Any]) -> bool:
    """Tell whether a class overrides how one of the library sends, and calls what it overrides."""
    return issubclass(kind, dialect.senders) and any(
        name in _names(code)
        for base in kind.__mro__
        if _home(base) != dialect.module.__name__
        for function in vars(base).values()
        if isinstance(code := _code(function), CodeType)
        for name in SENDS
    )


def _code(function: Any) -> Any:
    """Return the code of a function, beneath its decorators; of anything else, something else."""
    try:
        return getattr(unwrap(function), "__code__", None)
    except ValueError:  # it wraps itself
        return None


def _names(code: CodeType) -> set[str]:
    inner = [_names(const) for const in code.co_consts if isinstance(const, CodeType)]
    return set(code.co_names).union(*inner)


def _home(kind: type[Any]) -> str:
    return kind.__module__.partition(".")[0]
