"""Draws the small choices of a random program, and collects the parameters of the statement being written."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([5, 42, 100, -1000, 2**31 - 1, -(2**31), 2**32, 2**53 - 2, -(2**53) + 2]),
    st.sampled_from([0.5, -1.5, 2.0, 1e3, 1e15, 1e16, 1e300, 5e-324, 0.1, 123456.789, 9007199254740992.0]),
    st.sampled_from([{"$num": "-0"}, {"$num": "NaN"}, {"$num": "Infinity"}]),
    st.floats(-1e6, 1e6, width=32).filter(lambda value: value != 0),
)
TEXTS = st.one_of(
    st.sampled_from(["", "a", "b", "abc", "ABC", "1", "12", "1.5", "1e3", "0x10", " 7 ", "-0", "true", "null", "é😀"]),
    st.sampled_from(["2024-02-29", "2024-01-01 12:34:56", "{}", "[1,2]", '{"a":{"b":[1,null,"x"]}}', "%a_", "a\x00b"]),
    st.text("ab1 '%_é", max_size=4),
)
BLOBS = st.one_of(
    st.sampled_from([{"$bytes": ""}, {"$bytes": "616263"}, {"$bytes": "00ff"}]),
    st.lists(st.integers(0, 255), max_size=3),
)
UNBINDABLE = st.sampled_from(
    [
        {"$int": str(2**53 - 1)},
        {"$int": str(-(2**70))},
        {"$object": {"a": 1}},
        {"$tuple": [1, 2]},
        [1, 256],
        ["a"],
        [[]],
    ]
)
LITERALS = st.one_of(NUMBERS.filter(lambda number: not isinstance(number, dict)), TEXTS)
PARAMETERS = st.one_of(NUMBERS, TEXTS, st.sampled_from([None, True, False]), BLOBS)


# Making a strategy costs more than drawing from it.
_up_to = cache(lambda most: st.integers(0, most))


class Writer:
    """Choices of a program, drawn one by one.

    Args:
        draw: Hypothesis' own; each choice shrinks towards the first option.
    """

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw
        self.params: list[Any] = []

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[self.number(0, len(options) - 1)]

    def number(self, least: int, most: int) -> int:
        """Return a number, both ends included."""
        return least + int(self._draw(_up_to(most - least)))

    def once_in(self, count: int) -> bool:
        """Whether something that happens once in so many times happens now."""
        return self.number(1, count) == count

    def maybe(self, text: str, once_in: int = 2) -> str:
        """Return a text, or nothing."""
        return text if self.once_in(once_in) else ""

    def parameter(self) -> str:
        """Add a parameter to the statement; returns its placeholder."""
        self.params.append(self._draw(UNBINDABLE if self.once_in(100) else PARAMETERS))
        return "?"

    def literal(self) -> str:
        """Return a value written in SQL."""
        value = self._draw(LITERALS)
        if isinstance(value, str):
            return quoted(value.replace("\x00", ""))
        return self.pick([repr(value), "NULL", "x'00ff'", "TRUE", "CURRENT_DATE IS NULL", "9223372036854775807"])

    def value(self) -> str:
        """Return a placeholder or a literal."""
        return self.literal() if self.once_in(3) else self.parameter()

    def take_params(self) -> list[Any]:
        """Return the parameters of the statement just written, and start anew."""
        params, self.params = self.params, []
        return params


def quoted(text: str) -> str:
    """Return a text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
