"""Runs a program on the fake and on the real runtime, and tells where they differ."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_cfworkers.d1 import D1Database, JsException
from tests.d1.transcript import Runner

if TYPE_CHECKING:
    from pytest_cfworkers.lanes.lane import WorkerdLane
    from tests.d1.differential.programs import Operation

# Counted by a patched SQLite, or in pages: published as shares, and compared only when asked for.
_APART = ("rows_read", "rows_written", "size_after")
_REFERENCE = re.compile(r"internal error; reference = \w+")
_DETAIL = re.compile(
    r"\b\d+(\.\d+)?|'[^']*'|\"[^\"]*\"|\b[txyv]\d?\.\S+|\bt\d\b|in line 1: .*: (?=[^:]+: SQLITE)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One operation that the two answered differently.

    Attributes:
        program: All operations.
        position: Which one.
        fake: What the fake answered.
        real: What the runtime answered.
        transcript: All answers of the runtime.
    """

    program: list[Operation]
    position: int
    fake: Any
    real: Any
    transcript: list[Any]

    @property
    def signature(self) -> str:
        """What kind of disagreement it is, without the names and numbers of this program."""
        return f"{_kind(self.fake, self.real)} / {_kind(self.real, self.fake)}"

    def __str__(self) -> str:
        operations = "\n".join(f"  {json.dumps(operation)}" for operation in self.program[: self.position + 1])
        fake, real = json.dumps(self.fake), json.dumps(self.real)
        return f"{self.signature}\n{operations}\n  fake: {fake}\n  real: {real}"


async def disagreement(lane: WorkerdLane, program: list[Operation], *, apart: bool = False) -> Disagreement | None:
    """Return the first disagreement of the two lanes, or None.

    Args:
        lane: The real runtime.
        program: What both run, each on a fresh database.
        apart: Whether the figures that are published as shares count too.
    """
    database = lane.fresh_database()
    real = await Runner(database, JsException).transcript(program)
    lane.release(database)
    _refuse_bridge_errors(real)
    fake = await Runner(D1Database(limits="local"), JsException).transcript(program)
    for position, (one, other) in enumerate(zip(fake, real, strict=True)):
        if comparable(one, apart=apart) != comparable(other, apart=apart):
            return Disagreement(program, position, one, other, real)
    return None


def _refuse_bridge_errors(transcript: list[Any]) -> None:
    """Raise what is no answer of D1: an error of the lane, or a mistake in it."""
    for entry in transcript:
        error = entry.get("error")
        if error is not None and error["type"] not in ("JsException", "TypeError"):
            raise RuntimeError(f"the lane failed: {error}")


def comparable(entry: Any, *, apart: bool = False) -> str:
    """Return a transcript entry as text, without what no two runs share; int and float stay apart."""
    return _REFERENCE.sub("internal error", json.dumps(entry if apart else _without_shares(entry)))


def _without_shares(entry: Any) -> Any:
    if isinstance(entry, dict):
        if "metaKeys" in entry:
            meta = {name: value for name, value in entry["meta"].items() if name not in _APART}
            return {**entry, "meta": meta}
        return {key: _without_shares(value) for key, value in entry.items()}
    if isinstance(entry, list):
        return [_without_shares(value) for value in entry]
    return entry


def _kind(entry: Any, other: Any) -> str:
    if not isinstance(entry, dict):
        return type(entry).__name__
    if "error" in entry:
        return _DETAIL.sub("_", _REFERENCE.sub("internal error", str(entry["error"]["message"])))
    if "error" in other:
        return "ok"
    return f"ok, but for {_where(entry['ok'], other['ok'])}"


def _where(one: Any, other: Any) -> str:
    """Return the path to the first difference, without positions."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key, value in one.items():
            if json.dumps(value) != json.dumps(other[key]):
                inner = _where(value, other[key])
                return f"{key}.{inner}" if key in ("meta", "results") else inner if key not in _META else key
        return "the order of keys"
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return next(_where(a, b) for a, b in zip(one, other, strict=True) if json.dumps(a) != json.dumps(b))
    return f"{type(one).__name__} and {type(other).__name__}"


_META = ("changes", "last_row_id", "changed_db", *_APART)
