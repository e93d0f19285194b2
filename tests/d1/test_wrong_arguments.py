"""Arguments of the wrong kind are refused as JavaScript refuses them: in its words, at its moment."""

import asyncio

import pytest

from pytest_cfworkers.d1 import D1Database
from tests.d1.wrong_arguments import CALLS, outcome


@pytest.mark.parametrize(("expression", "expected"), CALLS, ids=[expression for expression, _ in CALLS])
def test_a_wrong_argument_is_refused_in_the_words_of_the_binding(expression: str, expected: str) -> None:
    assert asyncio.run(outcome(D1Database(limits="local"), expression)) == expected
