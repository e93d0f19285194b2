"""Sizes as users write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers.safe_repr import safe_repr
from pytest_cfworkers.size import format_size, parse_size

UNITS = {"B": 1, "KB": 2**10, "KiB": 2**10, "MB": 2**20, "MiB": 2**20, "GB": 2**30, "GiB": 2**30}


@given(number=st.integers(1, 10**12), unit=st.sampled_from(sorted(UNITS)))
def test_a_whole_number_of_units_is_that_many_bytes(number: int, unit: str) -> None:
    assert parse_size(f"{number} {unit}") == number * UNITS[unit]


@given(size=st.integers(1, 2**60))
def test_an_int_is_a_number_of_bytes(size: int) -> None:
    assert parse_size(size) == size


@pytest.mark.parametrize("text", ["128MB", "128 MB", "128 mb", "128 MiB", "  128\tMb ", "128.0 MB", "0.125 GB"])
def test_spelling_does_not_matter(text: str) -> None:
    assert parse_size(text) == 128 * 2**20


@pytest.mark.parametrize(
    "value",
    [
        "2KBanana", "2 KB 3", "MB", "", "12", "1,5 MB", "-1 MB", "1 MB\n1 MB", "1e3 MB", "1 TB", ".5 MB", "5. MB",
        "0 MB", "0.1 B", 0, -5, True, False, 1.5, None, b"1 MB", ["1 MB"], "9" * 400 + " GB",
    ],
)  # fmt: skip
def test_what_is_not_wholly_a_size_is_refused_with_what_is_accepted(value: object) -> None:
    with pytest.raises(ValueError, match="is not a size") as caught:
        parse_size(value)
    assert str(caught.value).startswith(f"{safe_repr(value)} is not a size: write a positive number of bytes")
    assert "(units: B, KB, MB, GB, KiB, MiB, GiB; 1 MB = 2^20 bytes)" in str(caught.value)


@given(size=st.integers(1, 2**50))
def test_what_is_written_reads_as_the_same_size_to_the_digits_shown(size: int) -> None:
    text = format_size(size)
    factor = UNITS[text.split()[1]]
    assert abs(parse_size(text) - size) <= factor * 0.05 + 1


@given(number=st.integers(1, 1_023), unit=st.sampled_from(["B", "KB", "MB", "GB"]))
def test_whole_units_survive_a_round_trip_unchanged(number: int, unit: str) -> None:
    text = f"{number} {unit}"
    assert format_size(parse_size(text)) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"), (1, "1 B"), (1_023, "1023 B"), (1_024, "1 KB"), (1_536, "1.5 KB"), (2**20 - 1, "1024 KB"),
        (2**20, "1 MB"), (134_217_728, "128 MB"), (2**30, "1 GB"), (5 * 2**40, "5120 GB"), (10 * 2**20, "10 MB"),
    ],
)  # fmt: skip
def test_a_size_is_written_in_the_largest_unit_that_keeps_it_at_one_or_more(size: int, text: str) -> None:
    assert format_size(size) == text
