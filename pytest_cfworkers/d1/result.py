"""The results that Python code in a Worker gets: dictionaries with attribute access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_cfworkers.d1.backend import RawResult


class JsDict(dict[str, Any]):
    """A JavaScript object as Cloudflare's `workers-runtime-sdk` hands it to Python.

    `result.meta.changes` and `result["meta"]["changes"]` are the same. A key that is also a method of `dict`
    (`items`, `keys`, `values`, `get`, `pop` ...) is reached with brackets only.
    https://github.com/cloudflare/workers-py/blob/main/packages/runtime-sdk/src/workers/rpc.py (checked
    2026-11-24)
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


# JavaScript lists the names of an object that look like array indices first, in numeric order.
# https://tc39.es/ecma262/#sec-ordinaryownpropertykeys (checked 2026-11-24)
_MAX_ARRAY_INDEX = 2**32 - 2


def _array_index(name: str) -> int | None:
    if not (name.isascii() and name.isdigit()) or (name[0] == "0" and name != "0"):
        return None
    index = int(name)
    return index if index <= _MAX_ARRAY_INDEX else None


class RowShape:
    """How the columns of one result become the keys of its rows.

    Of columns with equal names the last value wins, at the place of the first; names that look like integers
    come first. `raw()` needs none of this and keeps every column.
    """

    __slots__ = ("_names", "_picks")

    def __init__(self, columns: list[str]) -> None:
        last = {name: position for position, name in enumerate(columns)}
        numbers = sorted((index, name) for name in last if (index := _array_index(name)) is not None)
        names = [name for _, name in numbers]
        names += [name for name in last if _array_index(name) is None]
        self._names = names
        picks = [last[name] for name in names]
        self._picks = None if picks == list(range(len(columns))) else picks

    def row(self, row: list[Any]) -> JsDict:
        """Return one row."""
        picks = self._picks
        if picks is None:
            return JsDict(zip(self._names, row, strict=False))
        return JsDict(zip(self._names, [row[pick] for pick in picks], strict=True))

    def rows(self, rows: list[list[Any]]) -> list[JsDict]:
        """Return one JsDict for each row."""
        names, picks = self._names, self._picks
        if picks is None:
            return [JsDict(zip(names, row, strict=False)) for row in rows]
        return [JsDict(zip(names, [row[pick] for pick in picks], strict=True)) for row in rows]


_shapes: dict[tuple[str, ...], RowShape] = {}
_SHAPES_KEPT = 1024


def shape_of(columns: list[str]) -> RowShape:
    """Return the shape for a list of column names; the same list gives the same object."""
    key = tuple(columns)
    shape = _shapes.get(key)
    if shape is None:
        if len(_shapes) >= _SHAPES_KEPT:
            _shapes.clear()
        shape = _shapes[key] = RowShape(columns)
    return shape


def d1_results(answers: list[RawResult]) -> list[JsDict]:
    """Return what `run()`, `all()` and each place of `batch()` give: `success`, `meta` and `results`."""
    results = []
    # Filling in one dictionary and copying it is faster than making one.
    result: dict[str, Any] = {"success": True, "meta": None, "results": None}
    for columns, rows, meta in answers:
        result["meta"] = meta if type(meta) is JsDict else JsDict(meta)
        result["results"] = shape_of(columns).rows(rows) if rows else rows
        results.append(JsDict(result))
    return results
