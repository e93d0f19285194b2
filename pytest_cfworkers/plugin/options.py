"""The options: one table for the command line, ini files, the environment, and their help."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, get_args

import pytest

from pytest_cfworkers.calibration import PYODIDE_CPU_FACTOR
from pytest_cfworkers.limits import CONNECTION_MODELS, PLANS, ConnectionModel, Limits, MemoryMode, Plan
from pytest_cfworkers.plugin import reports
from pytest_cfworkers.size import format_size, parse_size

if TYPE_CHECKING:
    from pytest_cfworkers.gates.expression import Gate
    from pytest_cfworkers.report.baseline import Baseline
    from pytest_cfworkers.wrangler import Wrangler

Mode = Literal["off", "marked", "report", "enforce"]
Incoming = Literal["auto", "off"]
D1Lane = Literal["fake", "workerd"]
D1Limits = Literal["documented", "local"]
OnOff = Literal["off", "on"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
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


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("a number from 0")
    return int(text)


def _cpu_scale(text: str) -> float:
    if text == "pyodide":
        return PYODIDE_CPU_FACTOR
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise ValueError(f"a positive number, or pyodide ({PYODIDE_CPU_FACTOR:g})")
    return factor


def _baseline(text: str) -> int:
    if text == "pyodide":
        from pytest_cfworkers.calibration import PYODIDE_BASELINE  # noqa: PLC0415 - only where it is asked for

        return PYODIDE_BASELINE
    try:
        return 0 if text == "0" else parse_size(int(text) if text.isdecimal() else text)
    except ValueError:
        raise ValueError('a size such as "30 MB" or a number of bytes, 0, or pyodide') from None


def _gates(text: str) -> "tuple[Gate, ...]":
    from pytest_cfworkers.gates import presets  # noqa: PLC0415 - only where there is a gate

    return presets.read(text)


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
        parse=reports.parse,
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


class Given(NamedTuple):
    """A value and where it was set.

    Attributes:
        value: The value.
        place: Words for the place; "" for the default.
        base: The folder that a relative path is relative to.
    """

    value: Any
    place: str
    base: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The effective options of a run.

    Attributes:
        mode: Which tests are guarded, and whether they fail.
        plan: The plan.
        connection_model: How long a connection holds its place.
        incoming: Whether requests into an app under test are invocations of their own.
        wrangler: The Worker's configuration; None without one.
        d1: What stands behind the fixture `cf_d1`.
        d1_limits: Whose limits hold in the fake.
        d1_schema: The schema of the databases; None for that of the wrangler file.
        memory: How memory is measured.
        memory_baseline: Bytes that are taken before the test's own code.
        cpu_scale: What measured CPU time is multiplied by before it is judged.
        baseline: The violations that are known already; None without such a file.
        baseline_update: Whether its file is written at the end.
        gates: What the whole run is held to.
        bundle: The folder to measure as the Worker's bundle; None where none is named.
        reports: Where reports are written to.
        top: How many tests the summary names per limit.
    """

    mode: Mode
    plan: Plan
    connection_model: ConnectionModel
    incoming: bool
    wrangler: "Wrangler | None"
    d1: D1Lane
    d1_limits: D1Limits
    d1_schema: Path | None
    memory: MemoryMode
    memory_baseline: int
    cpu_scale: float
    baseline: "Baseline | None"
    baseline_update: bool
    gates: "tuple[Gate, ...]"
    bundle: Path | None
    reports: tuple[Path, ...]
    top: int

    @property
    def limits(self) -> Limits:
        """The limits of a test that sets none of its own."""
        limits = Limits.plan(self.plan).replace(connection_model=self.connection_model).scaled(self.cpu_scale)
        limits = limits.measured(self.memory, self.memory_baseline)
        if self.wrangler is None:
            return limits
        return limits.configure(cpu_ms=self.wrangler.cpu_ms, subrequests=self.wrangler.subrequests)

    @property
    def timelines(self) -> bool:
        """Whether somebody wants to see what was open when."""
        return any(reports.shows_timelines(path) for path in self.reports)

    @property
    def words(self) -> dict[str, str]:
        """What is in force, by the name of the option, for reports."""
        said = {
            "cf_limits": self.mode,
            "cf_plan": self.plan,
            "cf_connections": self.connection_model,
            "cf_incoming": "auto" if self.incoming else "off",
            "cf_d1": self.d1,
            "cf_d1_limits": self.d1_limits,
        }
        if self.baseline is not None:
            said["cf_baseline"] = self.baseline.path.name
        return said if self.wrangler is None else {**said, "cf_wrangler": str(self.wrangler)}

    def __str__(self) -> str:
        """Say what is in force, for the header of the run."""
        shown = f"limits={self.mode}, plan={self.plan}, connections={self.connection_model}"
        if not self.incoming:
            shown += ", incoming=off"
        if self.d1 != "fake":
            shown += f", d1={self.d1}"
        if self.memory != "auto":
            shown += f", memory={self.memory}"
        if self.memory_baseline:
            shown += f", memory-baseline={format_size(self.memory_baseline)}"
        if self.cpu_scale != 1:
            shown += f", cpu-scale={self.cpu_scale:g}"
        if self.baseline is not None:
            shown += f", baseline={self.baseline.path.name}"
        return shown if self.wrangler is None else f"{shown}, {self.wrangler}"


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


def read_settings(config: pytest.Config) -> Settings:
    """Work out the effective options: ini file, then environment, then command line.

    Raises:
        pytest.UsageError: A value is not valid; names where it was set, the value and what is valid.
    """
    given = {option.name: _effective(option, config) for option in OPTIONS}
    return Settings(
        mode=given["cf_limits"].value,
        plan=given["cf_plan"].value,
        connection_model=given["cf_connections"].value,
        incoming=given["cf_incoming"].value == "auto",
        wrangler=_read_wrangler(given["cf_wrangler"], config),
        d1=_available(given["cf_d1"]),
        d1_limits=given["cf_d1_limits"].value,
        d1_schema=_existing(given["cf_d1_schema"]),
        memory=_importable(given["cf_memory"]),
        memory_baseline=given["cf_memory_baseline"].value,
        cpu_scale=given["cf_cpu_scale"].value,
        baseline=_read_baseline(given["cf_baseline"], given["cf_baseline_update"]),
        baseline_update=given["cf_baseline_update"].value == "on",
        gates=tuple(gate for gates in given["cf_gate"].value for gate in gates),
        bundle=_folder(given["cf_bundle"]),
        reports=_reports(given["cf_report"], config),
        top=given["cf_top"].value,
    )


def _importable(given: Given) -> Any:
    """Refuse memray where it is not installed."""
    if given.value == "memray":
        from importlib.util import find_spec  # noqa: PLC0415 - only where it is asked for

        if find_spec("memray") is None:
            raise pytest.UsageError(f"{given.place}: memray is not installed: pip install memray")
    return given.value


def _available(given: Given) -> Any:
    """Refuse a lane that is not installed, with the command that installs it."""
    if given.value == "workerd":
        from pytest_cfworkers.lanes.installation import status  # noqa: PLC0415 - only where it is asked for

        if problem := status().problem:
            raise pytest.UsageError(f"{given.place}: {problem}")
    return given.value


def _existing(given: Given) -> Path | None:
    if not given.value:
        return None
    path = Path(given.base, given.value)
    if not path.exists():
        raise pytest.UsageError(f"{given.place}: {path} does not exist; valid: an .sql file or a folder of migrations")
    return path


def _folder(given: Given) -> Path | None:
    if not given.value:
        return None
    folder = Path(given.base, given.value)
    if not folder.is_dir():
        raise pytest.UsageError(
            f"{given.place}: {folder} is no folder; valid: what `wrangler deploy --dry-run --outdir=DIR` writes, or "
            f"the folder of a wrangler file"
        )
    return folder


def _read_baseline(given: Given, update: Given) -> "Baseline | None":
    """Read the baseline before the first test runs, so that a file that cannot be used costs nobody a run."""
    if not given.value:
        if update.value == "on":
            raise pytest.UsageError(f"{update.place}: there is no file to write; name it: --cf-baseline=FILE")
        return None
    from pytest_cfworkers.report.baseline import Baseline, BaselineError  # noqa: PLC0415 - only where there is one

    path = Path(given.base, given.value)
    if update.value == "on" and (problem := reports.problem(path)):
        raise pytest.UsageError(f"{given.place}: {problem}")
    try:
        return Baseline.read(path, update=update.value == "on")
    except BaselineError as error:
        raise pytest.UsageError(f"{given.place}: {error}") from None


def _reports(given: Given, config: pytest.Config) -> tuple[Path, ...]:
    """Refuse at the start of a run what would fail at its end; the workers of xdist leave that to their controller."""
    paths = tuple(dict.fromkeys(Path(given.base, text) for text in given.value))
    for path in paths if not hasattr(config, "workerinput") else ():
        if problem := reports.problem(path):
            raise pytest.UsageError(f"{given.place}: {problem}")
    return paths


def _effective(option: Option, config: pytest.Config) -> Given:
    default = Given(option.default, "", config.rootpath)
    given = next((source for source in _sources(option, config) if source.value not in (None, "", [])), default)
    if not option.repeatable:
        return given._replace(value=_parsed(option, str(given.value), given.place))
    several = given.value.split(";") if isinstance(given.value, str) else map(str, given.value)
    return given._replace(value=tuple(_parsed(option, text.strip(), given.place) for text in several if text.strip()))


def _parsed(option: Option, text: str, place: str) -> Any:
    try:
        if option.choices and text not in option.choices:
            raise ValueError(", ".join(option.choices))
        return option.parse(text)
    except ValueError as error:
        raise pytest.UsageError(f"{place}: {text!r} is not valid; valid: {error}") from None


def _sources(option: Option, config: pytest.Config) -> Iterator[Given]:
    """Yield what was set, the strongest first; what another value outweighs is not looked at."""
    called_in = config.invocation_params.dir
    yield Given(config.getoption(option.name), option.flag, called_in)
    yield Given(os.environ.get(option.variable), f"the environment variable {option.variable}", called_in)
    yield Given(_from_ini(option, config), _ini_place(option, config), config.rootpath)


def _from_ini(option: Option, config: pytest.Config) -> Any:
    try:
        return config.getini(option.name)
    except TypeError as error:  # a value of another type in a table of TOML; pytest 9.2 refuses it by itself
        raise pytest.UsageError(f"{_ini_place(option, config)}: {error}") from None


def _ini_place(option: Option, config: pytest.Config) -> str:
    overridden = any(given.partition("=")[0].strip() == option.name for given in config.getoption("override_ini") or ())
    return f"-o {option.name}" if overridden else f"{option.name} in {config.inipath or 'the ini file'}"


def _read_wrangler(given: Given, config: pytest.Config) -> "Wrangler | None":
    if not given.value and not any(config.rootpath.glob("wrangler.*")):
        return None
    from pytest_cfworkers.wrangler import Wrangler, WranglerError  # noqa: PLC0415 - only where there is a file

    try:
        if not given.value:
            return Wrangler.find(config.rootpath)
        return Wrangler.read(Path(given.base, given.value))
    except WranglerError as error:
        raise pytest.UsageError(f"{given.place}: {error}" if given.place else str(error)) from None
