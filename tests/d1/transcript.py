"""Runs the operations of a recorded program on a D1 binding and writes down what Python sees."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import inspect
import math
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_cfworkers.d1 import D1Database, JsException

_LONG: Final = 1024
_BOOKMARK: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}")
_FRAMES: Final = re.compile(r"(?:\n    at [^\n]*)+")  # of the runtime's own files
_META: Final = ("changed_db", "changes", "last_row_id", "rows_read", "rows_written", "size_after")


class NotInPythonError(Exception):
    """A parameter that Python code cannot make: undefined, a symbol, a typed array."""


class _PhaseError(Exception):
    def __init__(self, phase: str, error: BaseException) -> None:
        super().__init__(phase)
        self.phase = phase
        self.error = error


def _joined(text: str, count: int, separator: str, start: int = 0) -> str:
    return separator.join(text.replace("#", str(number + start)) for number in range(count))


_DECODERS: Final[dict[str, Callable[[Any], Any]]] = {
    "$num": lambda text: float(text.replace("Infinity", "inf")),
    "$bigint": int,
    "$int": int,
    "$float": float,
    "$bytes": bytes.fromhex,
    "$u8": bytes.fromhex,
    "$bytesRepeat": lambda pair: bytes.fromhex(pair[0]) * pair[1],
    "$repeat": lambda pair: pair[0] * pair[1],
    "$concat": lambda items: "".join(decode(item) for item in items),
    "$join": lambda items: _joined(*items),
    "$object": lambda items: {key: decode(item) for key, item in items.items()},
    "$tuple": lambda items: tuple(decode(item) for item in items),
    "$bytearray": bytearray.fromhex,
    "$memoryview": lambda text: memoryview(bytes.fromhex(text)),
    "$datetime": dt.datetime.fromisoformat,
    "$set": lambda items: {decode(item) for item in items},
}


def decode(value: Any) -> Any:
    """Return the value that an operation names."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, argument),) = value.items()
    if kind not in _DECODERS:
        raise NotInPythonError(kind)
    return _DECODERS[kind](argument)


def encode(value: Any) -> Any:  # noqa: PLR0911 - one type after the other
    """Write a value as JSON, with Python's own distinction of int and float."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"$num": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _encode_text(value)
    if isinstance(value, list):
        if len(value) > _LONG and all(type(item) is int and item in range(256) for item in value):
            return {"$longBytes": {"bytes": len(value), "sha256": hashlib.sha256(bytes(value)).hexdigest()}}
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    return {"$type": type(value).__name__}


def _encode_text(value: str) -> Any:
    try:
        raw = value.encode()
    except UnicodeEncodeError:
        return {"$utf16": value.encode("utf-16-le", "surrogatepass").hex()}
    if len(value) <= _LONG:
        return value
    return {"$longString": {"chars": len(value), "sha256": hashlib.sha256(raw).hexdigest(), "head": value[:32]}}


def encode_result(result: Any) -> Any:
    """Write a result of `run`, `all`, `batch` or `exec`."""
    if not isinstance(result, dict):
        return encode(result)
    written: dict[str, Any] = {"type": type(result).__name__, "keys": sorted(result)}
    for key, value in result.items():
        if key == "meta":
            written["meta"] = {name: encode(value[name]) for name in _META if name in value}
            written["metaKeys"] = sorted(value)
        elif key != "duration":
            written[key] = encode(value)
    return written


class Runner:
    """Runs operations on one database.

    Args:
        database: The binding.
        error: The class of its errors.
    """

    def __init__(self, database: D1Database, error: type[JsException]) -> None:
        self._database = database
        self._error = error
        self._statements: dict[str, Any] = {}
        self._sessions: dict[str, Any] = {}

    async def transcript(self, operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Run operations in order and return one entry for each."""
        return [await self._step(operation) for operation in operations]

    async def _step(self, operation: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"ok": await getattr(self, f"_{operation['op']}")(operation)}
        except NotInPythonError:
            return {"skip": True}
        except _PhaseError as failed:
            return {"error": self._encode_error(failed.error, failed.phase)}

    def _encode_error(self, error: BaseException, phase: str) -> dict[str, Any]:
        if not isinstance(error, self._error):
            return {"phase": phase, "type": type(error).__name__, "message": str(error)}
        return {
            "phase": phase,
            "type": "JsException",
            "name": error.name,
            "message": encode(_FRAMES.sub("", error.message)),
            "cause": encode(_FRAMES.sub("", error.cause.message)) if error.cause else None,
        }

    def _target(self, operation: dict[str, Any]) -> Any:
        return self._sessions[operation["session"]] if "session" in operation else self._database

    def _statement(self, spec: dict[str, Any]) -> Any:
        if "stmt" in spec:
            statement = self._statements[spec["stmt"]]
        else:
            sql = decode(spec["sql"])
            statement = _at("prepare", lambda: self._target(spec).prepare(sql))
        if "params" in spec:
            params = [decode(item) for item in spec["params"]]
            return _at("bind", lambda: statement.bind(*params))
        return statement

    async def _query(self, operation: dict[str, Any]) -> Any:
        statement = self._statement(operation)
        method = operation.get("method", "all")
        if method == "first":
            arguments = [decode(operation["column"])] if "column" in operation else []
            return encode(await _awaited(lambda: statement.first(*arguments)))
        if method == "raw":
            options = {"columnNames": decode(operation["columnNames"])} if "columnNames" in operation else {}
            return encode(await _awaited(lambda: statement.raw(**options)))
        return encode_result(await _awaited(getattr(statement, method)))

    async def _exec(self, operation: dict[str, Any]) -> Any:
        sql = decode(operation["sql"])
        return encode_result(await _awaited(lambda: self._target(operation).exec(sql)))

    async def _prepare(self, operation: dict[str, Any]) -> None:
        self._statements[operation["as"]] = self._statement(operation)

    async def _batch(self, operation: dict[str, Any]) -> Any:
        session = {"session": operation["session"]} if "session" in operation else {}
        statements = [self._statement({**session, **spec}) for spec in operation["statements"]]
        results = await _awaited(lambda: self._target(operation).batch(statements))
        return [encode_result(result) for result in results]

    async def _session(self, operation: dict[str, Any]) -> None:
        arguments = [decode(operation["constraint"])] if "constraint" in operation else []
        self._sessions[operation["as"]] = _at("session", lambda: self._database.withSession(*arguments))

    async def _bookmark(self, operation: dict[str, Any]) -> Any:
        value = await _awaited(self._target(operation).getBookmark)
        return {"$bookmark": True} if isinstance(value, str) and _BOOKMARK.fullmatch(value) else encode(value)

    async def _dump(self, _operation: dict[str, Any]) -> Any:
        return encode(await _awaited(self._database.dump))

    async def _concurrent(self, operation: dict[str, Any]) -> Any:
        return list(await asyncio.gather(*(self._step(inner) for inner in operation["ops"])))


def _at(phase: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - whatever is raised belongs to the transcript
        raise _PhaseError(phase, error) from None


async def _awaited(call: Callable[[], Any]) -> Any:
    try:
        result = call()
        return await result if inspect.isawaitable(result) else result
    except Exception as error:  # noqa: BLE001 - whatever is raised belongs to the transcript
        raise _PhaseError("execute", error) from None
