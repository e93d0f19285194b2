"""The options: one table for the command line, ini files, the environment, and their help."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import pytest

from pytest_cfworkers.limits import CONNECTION_MODELS, PLANS, ConnectionModel, Limits, Plan

if TYPE_CHECKING:
    from pytest_cfworkers.wrangler import Wrangler

Mode = Literal["off", "marked", "report", "enforce"]
Incoming = Literal["auto", "off"]


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
    """

    name: str
    help: str
    default: str
    choices: tuple[str, ...] = ()
    parse: Callable[[str], Any] = str
    metavar: str | None = None

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
        name="cf_top",
        help="how many tests the summary names per limit (default: 5)",
        default="5",
        parse=_count,
        metavar="N",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The effective options of a run.

    Attributes:
        mode: Which tests are guarded, and whether they fail.
        plan: The plan.
        connection_model: How long a connection holds its place.
        incoming: Whether requests into an app under test are invocations of their own.
        wrangler: The Worker's configuration; None without one.
        top: How many tests the summary names per limit.
    """

    mode: Mode
    plan: Plan
    connection_model: ConnectionModel
    incoming: bool
    wrangler: "Wrangler | None"
    top: int

    @property
    def limits(self) -> Limits:
        """The limits of a test that sets none of its own."""
        limits = Limits.plan(self.plan).replace(connection_model=self.connection_model)
        if self.wrangler is None:
            return limits
        return limits.configure(cpu_ms=self.wrangler.cpu_ms, subrequests=self.wrangler.subrequests)

    def __str__(self) -> str:
        """Say what is in force, for the header of the run."""
        shown = f"limits={self.mode}, plan={self.plan}, connections={self.connection_model}"
        if not self.incoming:
            shown += ", incoming=off"
        return shown if self.wrangler is None else f"{shown}, {self.wrangler}"


def add_options(parser: pytest.Parser) -> None:
    """Declare every option to pytest."""
    group = parser.getgroup("cfworkers", "Cloudflare Workers limits")
    for option in OPTIONS:
        known: dict[str, Any] = {"choices": option.choices} if option.choices else {"metavar": option.metavar}
        group.addoption(option.flag, dest=option.name, default=None, help=option.help, **known)
        parser.addini(option.name, help=f"{option.help}; the same as {option.flag}", default=None)


def read_settings(config: pytest.Config) -> Settings:
    """Work out the effective options: ini file, then environment, then command line.

    Raises:
        pytest.UsageError: A value is not valid; names where it was set, the value and what is valid.
    """
    values = {option.name: _effective(option, config) for option in OPTIONS}
    return Settings(
        mode=values["cf_limits"],
        plan=values["cf_plan"],
        connection_model=values["cf_connections"],
        incoming=values["cf_incoming"] == "auto",
        wrangler=_read_wrangler(values["cf_wrangler"], config),
        top=values["cf_top"],
    )


def _effective(option: Option, config: pytest.Config) -> Any:
    sources = (
        (option.flag, config.getoption(option.name)),
        (f"the environment variable {option.variable}", os.environ.get(option.variable)),
        (f"{option.name} in {config.inipath or 'the ini file'}", config.getini(option.name)),
    )
    place, text = next(((place, text) for place, text in sources if text), ("", option.default))
    if option.choices and text not in option.choices:
        raise pytest.UsageError(f"{place}: {text!r} is not valid; valid: {', '.join(option.choices)}")
    try:
        return option.parse(text)
    except ValueError as error:
        raise pytest.UsageError(f"{place}: {text!r} is not valid; valid: {error}") from None


def _read_wrangler(path: str, config: pytest.Config) -> "Wrangler | None":
    if not path and not any(config.rootpath.glob("wrangler.*")):
        return None
    from pytest_cfworkers.wrangler import Wrangler, WranglerError  # noqa: PLC0415 - only where there is a file

    try:
        if not path:
            return Wrangler.find(config.rootpath)
        base = config.invocation_params.dir if config.getoption("cf_wrangler") else config.rootpath
        return Wrangler.read(Path(base, path))
    except WranglerError as error:
        raise pytest.UsageError(str(error)) from None
