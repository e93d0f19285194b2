"""What is left of the explanation of hypothesis without the lines of the plugin."""

from pathlib import Path
from typing import Final

import pytest

import pytest_cfworkers
from pytest_cfworkers.plugin.explanation import leave_ours_out

OURS: Final = f"        {Path(pytest_cfworkers.__file__).parent / 'invocation.py'}:12"
USER: Final = "        /home/me/app/main.py:7"
MORE: Final = "        (and 7 more with settings.verbosity >= verbose)"
EXAMPLE: Final = ("Failing test case: test_it(", "    number=4,", ")")
TITLE: Final = ("Explanation:", "    These lines were always and only run by failing test cases:")


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ((*EXAMPLE, *TITLE, OURS, OURS), EXAMPLE),
        ((*EXAMPLE, *TITLE, OURS, MORE), EXAMPLE),
        ((*EXAMPLE, *TITLE, USER, OURS, MORE), (*EXAMPLE, *TITLE, USER, MORE)),
        ((*EXAMPLE, *TITLE, USER), (*EXAMPLE, *TITLE, USER)),
        ((*EXAMPLE, *TITLE, OURS, "You can reproduce it"), (*EXAMPLE, "You can reproduce it")),
        ((*EXAMPLE, "", OURS), (*EXAMPLE, "", OURS)),
        ((), ()),
    ],
)
def test_lines_of_the_plugin_are_left_out(given: tuple[str, ...], left: tuple[str, ...]) -> None:
    """An explanation that names no others is left out as a whole; the example stays, and so does what is no place."""
    for notes in (given, ["\n".join(given)] if given else []):
        error = ValueError()
        for note in notes:
            error.add_note(note)
        leave_ours_out([error])
        assert "\n".join(getattr(error, "__notes__", ())) == "\n".join(left)


def test_what_somebody_else_calls_notes_is_left_alone() -> None:
    error = ValueError()
    error.__notes__ = 7  # type: ignore[assignment]
    leave_ours_out([error])
    assert getattr(error, "__notes__", None) == 7
