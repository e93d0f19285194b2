"""The switches of the roll-out."""

from types import SimpleNamespace
from typing import Any

import pytest

from repo_tracker.flags import Flags


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, Flags()),
        ({"POOLING": "off"}, Flags(pooling=False)),
        ({"BATCHING": "False", "STREAMING": "on"}, Flags(batching=False)),
        ({"STREAMING": False, "POOLING": True}, Flags(streaming=False)),
        ({"POOLING": "0", "BATCHING": "1", "STREAMING": "TRUE"}, Flags(pooling=False)),
        ({"POOLING": " off\n", "BATCHING": 0, "STREAMING": None}, Flags(pooling=False, batching=False)),
    ],
)
def test_each_is_switched_on_its_own_and_on_where_it_is_not_named(env: dict[str, Any], expected: Flags) -> None:
    assert Flags.from_environment(SimpleNamespace(**env)) == expected


@pytest.mark.parametrize("value", ["maybe", "", 2, [], {"on": True}])
def test_what_is_no_switch_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"BATCHING = .* is no switch; valid: on, true, 1, off, false, 0"):
        Flags.from_environment(SimpleNamespace(BATCHING=value))
