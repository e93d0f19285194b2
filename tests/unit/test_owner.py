"""Whose code a file is."""

import asyncio
import json
import sysconfig
from pathlib import Path

import _pytest.runner
import anyio
import pytest
import trio

from pytest_cfworkers import owner
from pytest_cfworkers.owner import Owner, owner_of


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (__file__, Owner.USER),
        ("app.py", Owner.USER),
        ("<doctest app.fetch[0]>", Owner.USER),
        (json.__file__, Owner.OTHER),
        (pytest.__file__, Owner.OTHER),
        (owner.__file__, Owner.OTHER),
        (anyio.__file__, Owner.OTHER),
        (str(Path(sysconfig.get_path("scripts"), "pytest")), Owner.OTHER),
        ("<frozen importlib._bootstrap>", Owner.OTHER),
        ("<string>", Owner.OTHER),
        ("/usr/lib/python3/dist-packages/thing.py", Owner.OTHER),
        (asyncio.events.__file__, Owner.LOOP),
        (asyncio.runners.__file__, Owner.LOOP),
        (trio._core._run.__file__, Owner.LOOP),
        (_pytest.runner.__file__, Owner.RUNNER),
        ("/home/me/worker/asyncio/runners.py", Owner.USER),
        ("/home/me/my_asyncio/events.py", Owner.USER),
        ("/home/me/trio/_core/_run.py", Owner.USER),
        ("/home/me/my_pytest/runner.py", Owner.USER),
    ],
)
def test_whose_code_a_file_is(path: str, expected: Owner) -> None:
    assert owner_of(path) is expected
    assert owner_of(path) is expected  # the second answer comes from memory
