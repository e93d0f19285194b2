"""A value in an error: as Python writes it, whatever it is."""

import pytest

from pytest_cfworkers.safe_repr import safe_repr


class Unshowable:
    def __repr__(self) -> str:
        raise LookupError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("5 MB", "'5 MB'"),
        (None, "None"),
        ("x" * 98, f"'{'x' * 98}'"),
        ("x" * 99, f"'{'x' * 98}…"),
        (10**5_000, "<int that cannot be shown>"),
        (Unshowable(), "<Unshowable that cannot be shown>"),
    ],
    ids=["text", "none", "longest", "longer", "int", "object"],  # pytest cannot write them all
)
def test_a_value_is_written_in_a_line_whatever_writing_it_raises(value: object, text: str) -> None:
    assert safe_repr(value) == text
