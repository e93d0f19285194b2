"""The record of a broken rule, and the exception that carries it."""

import json
import pickle

from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers.callsite import Frame
from pytest_cfworkers.limits import RULES
from pytest_cfworkers.violation import CfLimitExceeded, Violation

text = st.text(max_size=12)
frames = st.builds(Frame, text, st.integers(1, 10_000), text)
violations = st.builds(
    Violation,
    rule=st.sampled_from(RULES),
    observed=st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    limit=st.integers(0),
    unit=text,
    headline=text,
    evidence=st.lists(text, max_size=4).map(tuple),
    remedy=text,
    source=text,
    frames=st.lists(frames, max_size=4).map(tuple),
)

SEVENTH = Violation(
    rule="connections",
    observed=7,
    limit=6,
    unit="connections",
    headline="7 connections at once, the limit is 6",
    evidence=("open at that moment:", "  7 × app.py:3 in fetch"),
    remedy="A Worker has 6.\n\nFix:\n    wait",
    source="https://example.com/limits",
    frames=(Frame("app.py", 3, "fetch"),),
)


@given(violation=violations)
def test_a_violation_survives_pickle_and_plain_data_and_json(violation: Violation) -> None:
    assert pickle.loads(pickle.dumps(violation)) == violation  # noqa: S301
    assert Violation.from_dict(violation.to_dict()) == violation
    assert Violation.from_dict(json.loads(json.dumps(violation.to_dict()))) == violation


@given(violation=violations)
def test_frames_come_back_as_frames(violation: Violation) -> None:
    restored = Violation.from_dict(json.loads(json.dumps(violation.to_dict())))
    assert {type(frame) for frame in restored.frames} <= {Frame}
    assert hash(restored) == hash(violation)


@given(found=st.lists(violations, max_size=3))
def test_the_exception_survives_pickle_with_its_text_and_its_violations(found: list[Violation]) -> None:
    error = CfLimitExceeded(found)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        restored = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301
        assert type(restored) is CfLimitExceeded
        assert restored.violations == tuple(found)
        assert str(restored) == str(error)


def test_the_text_of_a_violation_stands_alone() -> None:
    assert str(SEVENTH) == (
        "connections: 7 connections at once, the limit is 6\n"
        "    open at that moment:\n"
        "      7 × app.py:3 in fetch\n"
        "  A Worker has 6.\n"
        "\n"
        "  Fix:\n"
        "      wait\n"
        "  https://example.com/limits"
    )


def test_the_exception_fails_a_test_with_every_violation() -> None:
    error = CfLimitExceeded(iter([SEVENTH, SEVENTH]))
    assert isinstance(error, AssertionError)
    assert str(error) == f"{SEVENTH}\n\n{SEVENTH}"
    assert error.violations == (SEVENTH, SEVENTH)
