"""One database in the runtime, as the bridge knows it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_cfworkers.d1.errors import D1Error, JsException
from pytest_cfworkers.lanes import wire

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_cfworkers.lanes.bridge import Bridge
    from pytest_cfworkers.lanes.wire import Chain

E = TypeVar("E", bound=JsException)

# Where miniflare keeps databases (checked 2026-11-24):
# https://github.com/cloudflare/workers-sdk/blob/main/packages/miniflare/src/plugins/d1/index.ts
_FOLDER = "miniflare-D1DatabaseObject"
_PARTS = (".sqlite", ".sqlite-wal")
_LEFTOVERS = (*_PARTS, ".sqlite-shm")


class RemoteDatabase:
    """A database by its name. It exists from its first request on.

    Args:
        bridge: The runtime that holds it.
        name: Is nobody else's in that runtime.
    """

    def __init__(self, bridge: Bridge, name: str) -> None:
        self.bridge = bridge
        self.name = name

    async def run(self, chain: Chain) -> Any:
        """Make calls on the binding and wait for what the last one promises.

        Returns:
            The result, in Python's types.

        Raises:
            D1Error: JavaScript threw.
            RuntimeFailed: The runtime ended, or was too slow.
        """
        __tracebackhide__ = True
        return _result(await self.bridge.call({"database": self.name, **chain.encoded()}))

    def run_blocking(self, chain: Chain) -> Any:
        """Make calls from code that cannot await; otherwise as `run`."""
        __tracebackhide__ = True
        return _result(self.bridge.call_blocking({"database": self.name, **chain.encoded()}))

    def check(self, chain: Chain) -> None:
        """Make calls for their errors alone."""
        __tracebackhide__ = True
        _result(self.bridge.call_blocking({"database": self.name, **chain.encoded(), "discard": True}))

    def keep(self, chain: Chain, name: str) -> None:
        """Make calls and keep what the last one returns, for chains on that name."""
        __tracebackhide__ = True
        _result(self.bridge.call_blocking({"database": self.name, **chain.encoded(), "keep": name}))

    def files(self) -> dict[str, Path]:
        """Return the paths of the database's files by their endings; before the first request none exists."""
        __tracebackhide__ = True
        stem = _result(self.bridge.call_blocking({"database": self.name, "forget": True}))
        return {ending: self._path(stem, ending) for ending in _PARTS}

    def remove(self) -> None:
        """Drop what is kept for the database, and its files. The name must not be used again.

        It waits for the runtime, so that one which the last request has killed is noticed now.

        Raises:
            RuntimeFailed: The runtime has ended.
        """
        __tracebackhide__ = True
        stem = _result(self.bridge.call_blocking({"database": self.name, "forget": True}))
        for ending in _LEFTOVERS:
            # Windows keeps open files; the folder goes with the runtime.
            with contextlib.suppress(PermissionError):
                self._path(stem, ending).unlink(missing_ok=True)

    def _path(self, stem: str, ending: str) -> Path:
        return self.bridge.process.storage / _FOLDER / f"{stem}{ending}"


def _result(answer: dict[str, Any]) -> Any:
    __tracebackhide__ = True
    if "error" in answer:
        raise _error(answer["error"], D1Error)
    return wire.decode(answer["ok"])


def _error(thrown: dict[str, Any], kind: type[E]) -> E:
    cause = None if thrown["cause"] is None else _error(thrown["cause"], JsException)
    return kind(thrown["message"], name=thrown["name"], cause=cause)
