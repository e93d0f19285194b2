"""The lane answers as recorded: a sample here, everything by `python -m tests.lanes.conformance`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lanes.conformance import counted, differences

if TYPE_CHECKING:
    from pytest_cfworkers.lanes.lane import WorkerdLane

_EVERY = 10
_PARTS = 4


@pytest.mark.parametrize("part", range(_PARTS))
def test_a_sample_of_the_corpus_is_answered_as_recorded(lane: WorkerdLane, part: int) -> None:
    programs = [program for program in counted() if "slow" not in program["tags"]]
    found = differences(lane, programs[::_EVERY][part::_PARTS])
    assert not found, "\n".join(map(str, found))
