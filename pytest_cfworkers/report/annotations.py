"""Annotations of GitHub Actions: what is broken, shown at its line in the files of a pull request.

Source: https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions (checked 2026-11-24).
"""

from collections.abc import Iterator
from typing import Final

from pytest_cfworkers.report.legible import legible
from pytest_cfworkers.report.run import Run

_MOST: Final = 10
"""GitHub shows that many errors of one step."""

_LINE: Final = 500
"""Characters of a line of a message."""


def annotations(run: Run, *, prefix: str = "") -> Iterator[str]:
    """Yield the commands that make the annotations, one for each place, however many tests break it there.

    Args:
        run: The run.
        prefix: The root of the project from the root of its repository, such as "packages/api/".
    """
    level = "warning" if run.settings.get("cf_limits") == "report" else "error"
    by_place: dict[tuple[str, str, int], list[str]] = {}
    for record in run.tests:
        for found in record.violations:
            path, line = next(((frame.path, frame.line) for frame in found.frames), (record.path, record.line))
            text = "\n".join(
                legible(part, _LINE) for part in (found.headline, *found.evidence, "", *found.remedy.splitlines())
            )
            by_place.setdefault((found.rule, path, line), [text]).append(record.nodeid)
    for (rule, path, line), (text, *tests) in list(by_place.items())[:_MOST]:
        more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
        message = f"{text}\n{legible(tests[0], _LINE)}{more}"
        place = f"file={_property(legible(prefix + path))},line={max(line, 1)},title={_property(rule)}"
        yield f"::{level} {place}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
