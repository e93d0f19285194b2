"""The JSON Schema of the file of a run, made from the classes that it is of, and the check of a file against it."""

import dataclasses
import inspect
import re
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from pytest_cfworkers.callsite import Frame
from pytest_cfworkers.report.run import SCHEMA, Run

FORMAT: Final = "pytest-cfworkers"
"""What a file says that it is of."""

_KINDS: Final[Mapping[Any, str]] = {str: "string", bool: "boolean", int: "integer", float: "number"}


@cache
def schema() -> Mapping[str, Any]:
    """Return the schema, in the draft of 2020-12."""
    definitions: dict[str, Any] = {}
    _define(Run, definitions)
    run = definitions.pop("Run")
    heading = {
        "format": {"const": FORMAT, "description": "What the file is of."},
        "schema": {"const": SCHEMA, "description": "The version of the data."},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A run of pytest-cfworkers",
        **run,
        "properties": {**heading, **run["properties"]},
        "required": [*heading, *run["required"]],
        "$defs": dict(sorted(definitions.items())),
    }


def mismatch(data: object) -> str:
    """Say where data is not of the schema, and how; "" where it is."""
    found = _mismatch(data, schema())
    return "" if found is None else f"{''.join(reversed(found.path)).lstrip('.') or 'the whole'} {found.what}"


def _define(kind: Any, definitions: dict[str, Any]) -> None:
    """Add the schema of a class, with the descriptions of its docstring."""
    definitions[kind.__name__] = {}
    described = _described(kind)
    properties = {
        name: {**_of(hint, definitions), "description": described[name]}
        for name, hint in get_type_hints(kind).items()
        if name in described
    }
    definitions[kind.__name__] = {
        "type": "object",
        "description": (inspect.getdoc(kind) or "").partition("\n")[0],
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _described(kind: Any) -> dict[str, str]:
    text = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2]
    pairs = re.findall(r"^    (\w+): (.*(?:\n        .*)*)", text, re.MULTILINE)
    return {name: " ".join(words.split()) for name, words in pairs}


def _of(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Frame:
        return _row([str, int, str], definitions)
    if hint in _KINDS:
        return {"type": _KINDS[hint]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in {Union, types.UnionType}:
        return {"anyOf": [_of(part, definitions) if part is not type(None) else {"type": "null"} for part in arguments]}
    if dataclasses.is_dataclass(hint):
        name = hint.__name__  # type: ignore[union-attr]
        if name not in definitions:
            _define(hint, definitions)
        return {"$ref": f"#/$defs/{name}"}
    return _of_many(origin, arguments, definitions)


def _of_many(origin: Any, arguments: tuple[Any, ...], definitions: dict[str, Any]) -> dict[str, Any]:
    if origin is not tuple:
        return {"type": "object", "additionalProperties": _of(arguments[1], definitions)}
    if arguments[-1] is ...:
        return {"type": "array", "items": _of(arguments[0], definitions)}
    return _row(list(arguments), definitions)


def _row(kinds: list[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "array",
        "prefixItems": [_of(kind, definitions) for kind in kinds],
        "items": False,
        "minItems": len(kinds),
    }


class _Mismatch(NamedTuple):
    what: str
    path: list[str]

    def within(self, step: str) -> "_Mismatch":
        self.path.append(step)
        return self


def _mismatch(data: Any, shape: Mapping[str, Any]) -> _Mismatch | None:
    """Check the part of JSON Schema that `schema` makes."""
    if "$ref" in shape:
        shape = schema()["$defs"][shape["$ref"].rpartition("/")[2]]
    if "anyOf" in shape:
        found = [_mismatch(data, part) for part in shape["anyOf"]]
        return None if None in found else found[0]
    if "enum" in shape or "const" in shape:
        valid = shape.get("enum", [shape.get("const")])
        same = any(data == value and type(data) is type(value) for value in valid)  # True is no 1
        return None if same else _Mismatch(f"is {data!r:.60}, not one of {valid}", [])
    match shape["type"]:
        case "object":
            return _object(data, shape)
        case "array":
            return _array(data, shape)
        case kind:
            return None if _is(kind, data) else _Mismatch(f"is {data!r:.60}, no {kind}", [])


def _is(kind: str, data: object) -> bool:
    if kind in {"integer", "number"}:
        return type(data) is int or (kind == "number" and type(data) is float)
    return type(data) is {"string": str, "boolean": bool, "null": type(None)}[kind]


def _object(data: Any, shape: Mapping[str, Any]) -> _Mismatch | None:
    if not isinstance(data, dict):
        return _Mismatch(f"is {data!r:.60}, no object", [])
    properties = shape.get("properties", {})
    if missing := [name for name in shape.get("required", ()) if name not in data]:
        return _Mismatch(f"has no {missing[0]!r}", [])
    for name, value in data.items():
        part = properties.get(name, shape["additionalProperties"])
        if part is False:
            return _Mismatch(f"has {name!r:.60}, which means nothing", [])
        if (found := _mismatch(value, part)) is not None:
            return found.within(f".{name}")
    return None


def _array(data: Any, shape: Mapping[str, Any]) -> _Mismatch | None:
    if not isinstance(data, list):
        return _Mismatch(f"is {data!r:.60}, no array", [])
    row = shape.get("prefixItems")
    if row is not None and len(row) != len(data):
        return _Mismatch(f"has {len(data)} items, not {len(row)}", [])
    for number, value in enumerate(data):
        if (found := _mismatch(value, row[number] if row is not None else shape["items"])) is not None:
            return found.within(f"[{number}]")
    return None
