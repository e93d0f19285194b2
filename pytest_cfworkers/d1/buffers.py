"""What Pyodide makes of an object whose memory Python can look into: a typed array of JavaScript.

`bytes`, `memoryview` and `array.array` are such objects, and so are the arrays and the scalars of numpy: a
`numpy.int32` is an array of one element to JavaScript, and no number.
https://pyodide.org/en/stable/usage/type-conversions.html, and measured with Pyodide 314.0.6 (both 2026-11-24)
"""

from __future__ import annotations

import struct
from math import isfinite
from typing import Any, Final

from pytest_cfworkers.d1.errors import ConversionError

# By the letter of the struct module: what JavaScript's arrays are known by here. A `long` has 32 bits in WebAssembly;
# what is a `long` of 64 bits on this machine, as a `numpy.int64` is, is a `long long` there.
_LETTERS: Final = {"c": "B", "B": "B", "b": "b", "h": "h", "H": "H", "f": "f", "d": "d", "?": "?"}
_SIGNED: Final = {4: "i", 8: "q"}
_UNSIGNED: Final = {4: "I", 8: "Q"}


class TypedArray(list[Any]):
    """The elements of a typed array.

    Attributes:
        letter: What they are, as the struct module has it: one of b B h H i I q Q f d.
    """

    __slots__ = ("letter",)

    def __init__(self, letter: str, items: list[Any]) -> None:
        super().__init__(items)
        self.letter: str = letter

    @property
    def becomes_numbers(self) -> bool:
        """Whether JSON makes numbers of all its elements; it takes no BigInt, and makes null of NaN."""
        return not self or (self.letter not in "qQ" and all(map(isfinite, self)))

    def tobytes(self) -> bytes:
        """Return its memory, as WebAssembly has it."""
        return struct.pack(f"<{len(self)}{self.letter}", *self)


def typed_array(value: object) -> list[Any] | None:
    """Return what a value with a buffer becomes; None for other values.

    Args:
        value: Any object but `bytes`.

    Returns:
        A `TypedArray`; a plain list of booleans, or of such lists where there are several dimensions.

    Raises:
        ConversionError: JavaScript has no array for what is in it.
    """
    __tracebackhide__ = True
    try:
        view = memoryview(value)  # type: ignore[arg-type]  # to ask is the only way
    except (TypeError, ValueError, BufferError):
        return None
    return _converted(view)


def _converted(view: memoryview) -> list[Any]:
    __tracebackhide__ = True
    order, letter = view.format[:-1], view.format[-1:]
    kind = _LETTERS.get(letter) or (_SIGNED if letter in "iqln" else _UNSIGNED if letter in "IQLNP" else {}).get(
        view.itemsize
    )
    if kind is None or order not in ("", "@", "=", "<", ">", "!"):
        raise ConversionError("Conversion from python to javascript failed")
    swapped = ">" if order in (">", "!") else "<"
    items = list(struct.unpack(f"{swapped}{view.nbytes // view.itemsize}{kind}", view.tobytes()))
    return _shaped(items, view.shape or (), kind)


def _shaped(items: list[Any], shape: tuple[int, ...], kind: str) -> list[Any]:
    if len(shape) <= 1:
        return items if kind == "?" else TypedArray(kind, items)
    size = len(items) // shape[0] if shape[0] else 0
    return [_shaped(items[at * size : (at + 1) * size], shape[1:], kind) for at in range(shape[0])]
