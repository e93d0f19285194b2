"""The options: one table for the command line, ini files, the environment, and their help."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

import pytest

from pytest_cfworkers.choices import CONNECTION_MODELS, PLANS, MemoryMode

if TYPE_CHECKING:
    from pytest_cfworkers.gates.expression import Gate

Mode = Literal["off", "marked", "report", "enforce"]
Incoming = Literal["auto", "off"]
D1Lane = Literal["fake", "workerd"]
D1Limits = Literal["documented", "local"]
OnOff = Literal["off", "on"]


class Option(NamedTuple):  # every run makes this class, and a dataclass takes five times as long
    """One option. The ini key is its name, the variable `PYTEST_` and its name in capitals.

    Attributes:
        name: Its name with underscores, such as "cf_plan".
        help: What it means.
        default: Its value where nobody sets it.
        choices: The valid values; () where `parse` decides.
        parse: Makes the value from the text; raises ValueError with what is valid.
        metavar: What the help calls the value.
        switch: Whether its flag stands alone for the last of its choices.
        repeatable: Whether it may be given several times; then its value is a tuple. An ini file has one value on
            each line or in each item of a list, a variable separates them by semicolons.
    """

    name: str
    help: str
    default: str
    choices: tuple[str, ...] = ()
    parse: Callable[[str], Any] = str
    metavar: str | None = None
    switch: bool = False
    repeatable: bool = False

    @property
    def flag(self) -> str:
        """The flag of the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The variable of the environment."""
        return f"PYTEST_{self.name.upper()}"


_LARGEST_SCALE: Final = 1_000_000
_DIGITS: Final = 15


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("a number from 0")
    return int(text)


def _cpu_scale(text: str) -> float:
    if text == "1":
        return 1.0
    from pytest_cfworkers.calibration import PYODIDE_CPU_FACTOR  # noqa: PLC0415 - only where it is asked for

    if text == "pyodide":
        return PYODIDE_CPU_FACTOR
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor <= _LARGEST_SCALE:
        raise ValueError(f"a positive number up to {_LARGEST_SCALE:,}, or pyodide ({PYODIDE_CPU_FACTOR:g})")
    return factor


def _baseline(text: str) -> int:
    if text == "0":
        return 0
    if text == "pyodide":
        from pytest_cfworkers.calibration import PYODIDE_BASELINE  # noqa: PLC0415 - only where it is asked for

        return PYODIDE_BASELINE
    try:
        from pytest_cfworkers.size import parse_size  # noqa: PLC0415

        return parse_size(int(text) if text.isdecimal() and len(text) <= _DIGITS else text, least=0)
    except ValueError:
        raise ValueError('a size such as "30 MB" or a number of bytes, 0, or pyodide') from None


def _gates(text: str) -> "tuple[Gate, ...]":
    from pytest_cfworkers.gates import presets  # noqa: PLC0415 - only where there is a gate

    return presets.read(text)


def _report(text: str) -> str:
    from pytest_cfworkers.plugin import reports  # noqa: PLC0415 - only where there is a report

    return reports.parse(text)


OPTIONS: Final[tuple[Option, ...]] = (
    Option(
        name="cf_limits",
        help="which tests are guarded: marked ones (default); all, failing (enforce) or only told (report); none",
        default="marked",
        choices=get_args(Mode),
    ),
    Option(
        name="cf_plan",
        help="the Cloudflare plan whose numbers hold (default: paid)",
        default="paid",
        choices=PLANS,
    ),
    Option(
        name="cf_connections",
        help="how long a connection holds its place: until its body is read (default), or until its headers came",
        default="body",
        choices=CONNECTION_MODELS,
    ),
    Option(
        name="cf_incoming",
        help="whether requests into an app under test are invocations of their own (default: auto)",
        default="auto",
        choices=get_args(Incoming),
    ),
    Option(
        name="cf_wrangler",
        help="the wrangler file with the Worker's limits (default: wrangler.json, .jsonc or .toml in the rootdir)",
        default="",
        metavar="PATH",
    ),
    Option(
        name="cf_d1",
        help="what stands behind cf_d1: an in-process fake (default), or the real runtime",
        default="fake",
        choices=get_args(D1Lane),
    ),
    Option(
        name="cf_d1_limits",
        help="D1's limits in the fake: as documented for production (default), or as the local runtime has them",
        default="documented",
        choices=get_args(D1Limits),
    ),
    Option(
        name="cf_d1_schema",
        help="the schema of cf_d1: an .sql file or a folder of migrations (default: those of the wrangler file)",
        default="",
        metavar="PATH",
    ),
    Option(
        name="cf_memory",
        help="how memory is measured: cheaply (auto, default), exactly with the lines (trace, memray), or not (off)",
        default="auto",
        choices=get_args(MemoryMode),
    ),
    Option(
        name="cf_memory_baseline",
        help="what is taken before the test's own code and counts against the 128 MB: a size (default: 0), or pyodide",
        default="0",
        parse=_baseline,
        metavar="SIZE",
    ),
    Option(
        name="cf_cpu_scale",
        help="what measured CPU time is multiplied by before it is judged: a number (default: 1), or pyodide",
        default="1",
        parse=_cpu_scale,
        metavar="FACTOR",
    ),
    Option(
        name="cf_baseline",
        help="fail only on violations that this file does not know, or that are worse than it says",
        default="",
        metavar="FILE",
    ),
    Option(
        name="cf_baseline_update",
        help="write what is broken to the file of --cf-baseline, and fail on none of it",
        default="off",
        choices=get_args(OnOff),
        switch=True,
    ),
    Option(
        name="cf_gate",
        help="fail the run unless a figure of it holds, such as p95_ms<=5000; or preset, for the usual alerts",
        default="",
        parse=_gates,
        metavar="GATE",
        repeatable=True,
    ),
    Option(
        name="cf_bundle",
        help="measure what the Worker uploads: a folder that wrangler wrote, or one with a wrangler file",
        default="",
        metavar="DIR",
    ),
    Option(
        name="cf_report",
        help="write a report of the run: a path that ends in .html, .json, .sarif or .md; may be given again",
        default="",
        parse=_report,
        metavar="PATH",
        repeatable=True,
    ),
    Option(
        name="cf_top",
        help="how many tests the summary names per limit (default: 5)",
        default="5",
        parse=_count,
        metavar="N",
    ),
)


def add_options(parser: pytest.Parser) -> None:
    """Declare every option to pytest."""
    group = parser.getgroup("cfworkers", "Cloudflare Workers limits")
    for option in OPTIONS:
        known: dict[str, Any] = {"choices": option.choices} if option.choices else {"metavar": option.metavar}
        if option.switch:
            known = {"action": "store_const", "const": option.choices[-1]}
        ini: dict[str, Any] = {}
        if option.repeatable:
            known["action"] = "append"
            ini["type"] = "linelist"
        group.addoption(option.flag, dest=option.name, default=None, help=option.help, **known)
        text = f"{option.help}; the same as {option.flag}, {option.variable}"
        parser.addini(option.name, help=text, default=None, **ini)
