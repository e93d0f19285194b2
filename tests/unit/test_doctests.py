"""Which line of the user an example in a docstring is."""

import doctest
from collections.abc import Callable

import pytest

from pytest_cfworkers.callsite import Frame, Site, capture

DOCSTRING = """Fetch.

>>> take(capture())
>>> def fetch():
...     number = 1
...     take(capture())
>>> fetch()
"""


@pytest.fixture
def run() -> Callable[[str | None], list[Site]]:
    """Run the examples of a docstring and return the places at which they take one."""

    def run(path: str | None) -> list[Site]:
        taken: list[Site] = []
        names = {"take": taken.append, "capture": capture}
        test = doctest.DocTestParser().get_doctest(DOCSTRING, names, "app.fetch", path, 10)
        assert not doctest.DocTestRunner().run(test).failed
        return taken

    return run


def test_an_example_is_told_by_its_line_in_the_file(run: Callable[[str | None], list[Site]]) -> None:
    first, second = run("app.py")
    assert first.frames == (Frame("app.py", 13, "app.fetch"),)
    assert second.frames == (Frame("app.py", 16, "app.fetch"), Frame("app.py", 17, "app.fetch"))


def test_an_example_of_no_file_is_told_by_its_name(run: Callable[[str | None], list[Site]]) -> None:
    first, _ = run(None)
    assert first.frames == (Frame("<doctest app.fetch[0]>", 1, "<module>"),)
