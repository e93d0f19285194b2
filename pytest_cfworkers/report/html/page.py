"""`render`: the whole page from its template, style and script."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import Any, Final

import jinja2
from markupsafe import Markup

from pytest_cfworkers.counted import counted
from pytest_cfworkers.report.html import figures, findings, overview, packing
from pytest_cfworkers.report.html.readable import readable
from pytest_cfworkers.report.run import Run
from pytest_cfworkers.size import format_size

_STYLES: Final = ("page.css", "waterfall.css", "small.css")
_ROWS: Final = "rows.css"
"""The style of a table that is too narrow for its columns."""

_ID: Final = 350
_CHARACTER: Final = 8
_GAP: Final = 20
"""Pixels that the id of a test and its outcome want beside the figures, a character of a figure, and its margins."""

_WIDTH: Final = 1_240
_WIDEST: Final = 1_480
"""Pixels that the page is wide where there is room, and that it is at most because its table wants more."""

_SCRIPTS: Final = ("page.js", "figures.js", "timeline.js", "legend.js", "waterfall.js", "panel.js", "tests.js")


def render(run: Run) -> str:
    """Return a run as one HTML file that needs nothing else.

    Nothing of the run can act in it: the templates escape every value, the data hold no `<`, and the page's own policy
    lets no script or style run but those that are shipped here.

    Args:
        run: The run.

    Returns:
        The text of the file, without lone surrogates, to be written as UTF-8.
    """
    tests = sorted(run.tests, key=lambda record: record.nodeid)  # not in the order in which workers finished
    columns = figures.columns(tests)
    index, details = packing.pack(tests, columns)
    cells = [figures.cells(record, columns) for record in tests]
    names = ["Time", *(column.short for column in columns), "Left"]
    style = _file(*_STYLES) + _rows(names, (row[1:] for row in cells))
    script, early = _file(*_SCRIPTS), _file("early.js")
    page = _environment().get_template("page.html")
    return page.render(
        run=run,
        tests=tests,
        columns=columns,
        rows=zip(tests, cells, strict=True),
        verdict=overview.verdict(run),
        headroom=tuple(overview.headroom(tests)),
        spreads=tuple(overview.spreads(tests)),
        broken=findings.broken(tests),
        excused=tuple(findings.excused(tests)),
        elsewhere=tuple(findings.elsewhere(tests)),
        named=findings.NAMED,
        unneeded=tuple(findings.unneeded(tests)),
        style=Markup(style),  # noqa: S704 - files of this package
        early=Markup(early),  # noqa: S704 - the same
        script=Markup(script),  # noqa: S704 - the same
        index=Markup(index),  # noqa: S704 - JSON without `<`
        details=Markup(details),  # noqa: S704 - the same
        policy=_policy(style, early, script),
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_file),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "milliseconds": figures.milliseconds,
        "is_link": findings.is_link,
        "counted": counted,
        "size": format_size,
    }
    return environment


def _finalize(value: Any) -> Any:
    """Make every text that is filled in one that a page can hold."""
    return readable(value) if type(value) is str else value


def _file(*names: str) -> str:
    folder = resources.files(__package__)
    return "".join((folder / name).read_text(encoding="utf-8") for name in names)


def _rows(names: Sequence[str], cells: Iterable[Sequence[str]]) -> str:
    """Return how wide the page is, and the style of its table on screens where not all its columns fit.

    Args:
        names: What the figures are called.
        cells: The figures of each test.
    """
    longest = (max((len(name) + 1, *map(len, figures))) for name, *figures in zip(names, *cells, strict=True))
    wanted = _ID + sum(_CHARACTER * length + _GAP for length in longest)
    screens = f"(max-width: {wanted}px)" if wanted <= _WIDEST else "all"
    rules = (f'.tests td:nth-child({place}) {{ --named: "{name}"; }}' for place, name in enumerate(names, start=3))
    width = _WIDTH if wanted > _WIDEST else max(_WIDTH, wanted)
    narrow = "\n".join((_file(_ROWS), *rules))
    return f"body {{ max-width: {width}px; }}\n@media {screens} {{\n{narrow}\n}}\n"


def _policy(style: str, *scripts: str) -> str:
    """Return a Content-Security-Policy that allows what is shipped and nothing else."""

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    allowed = " ".join(map(digest, scripts))
    return f"default-src 'none'; style-src {digest(style)}; script-src {allowed}; base-uri 'none'; form-action 'none'"
