"""What glibc tells of its largest blocks, and how its mark is levelled."""

import os
import sys

import pytest

if sys.platform != "linux":
    pytest.skip("the books are glibc's", allow_module_level=True)

from pytest_cfworkers.memory.c_library import CLibrary
from pytest_cfworkers.memory.mappings import Mappings

MB = 2**20
LIBRARY = CLibrary()


@pytest.fixture
def mappings() -> Mappings:
    made = Mappings(LIBRARY)
    made.note()
    return made


def test_a_block_that_was_freed_at_once_is_seen_whatever_there_was_before(mappings: Mappings) -> None:
    for size in (90, 40, 60):  # the second and the third are less than there ever was
        _, before = mappings.note()
        len(bytes(size * MB))
        most, now = mappings.note()
        assert now - before < MB // 2
        assert size * MB <= most - before < (size + 1) * MB
    mappings.release()


def test_what_levels_the_mark_is_no_part_of_any_figure_and_is_given_back(mappings: Mappings) -> None:
    before = LIBRARY.totals().hblkhd
    len(bytes(90 * MB))
    _, now = mappings.note()
    assert mappings.level > 80 * MB
    assert now + mappings.level == LIBRARY.totals().hblkhd
    mappings.release()
    assert mappings.level == 0
    assert LIBRARY.totals().hblkhd <= before + MB


def test_asking_glibc_writes_nothing_to_the_stream_of_errors(capfd: pytest.CaptureFixture[str]) -> None:
    LIBRARY.most_mapped()
    os.write(2, b"after it\n")
    assert capfd.readouterr().err == "after it\n"
