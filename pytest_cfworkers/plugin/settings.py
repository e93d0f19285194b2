"""`Settings`: the effective options of a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import pytest

from pytest_cfworkers.plugin import github
from pytest_cfworkers.plugin.options import OPTIONS, D1Lane, D1Limits, Mode
from pytest_cfworkers.plugin.sources import Given, effective

if TYPE_CHECKING:
    from pytest_cfworkers.choices import ConnectionModel, MemoryMode, Plan
    from pytest_cfworkers.gates.expression import Gate
    from pytest_cfworkers.in_force import Limits
    from pytest_cfworkers.report.baseline import Baseline
    from pytest_cfworkers.wrangler import Wrangler

WITH_TIMELINES: Final = (".html", ".json")
"""The reports that show what was open when."""


@final
class Settings:  # every run makes this class, and one with declared fields takes ten times as long
    """The effective options of a run: ini file, then environment, then command line.

    Args:
        config: The configuration of the run.

    Raises:
        pytest.UsageError: A value is not valid; names where it was set, the value and what is valid.

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

    def __init__(self, config: pytest.Config) -> None:
        given = {option.name: effective(option, config) for option in OPTIONS}
        self.mode: Mode = given["cf_limits"].value
        self.plan: Plan = given["cf_plan"].value
        self.connection_model: ConnectionModel = given["cf_connections"].value
        self.incoming: bool = given["cf_incoming"].value == "auto"
        self.wrangler: Wrangler | None = _read_wrangler(given["cf_wrangler"], config)
        self.d1: D1Lane = _available(given["cf_d1"])
        self.d1_limits: D1Limits = given["cf_d1_limits"].value
        self.d1_schema: Path | None = _existing(given["cf_d1_schema"])
        self.memory: MemoryMode = _importable(given["cf_memory"])
        self.memory_baseline: int = given["cf_memory_baseline"].value
        self.cpu_scale: float = given["cf_cpu_scale"].value
        self.baseline: Baseline | None = _read_baseline(given["cf_baseline"], given["cf_baseline_update"])
        self.baseline_update: bool = given["cf_baseline_update"].value == "on"
        self.gates: tuple[Gate, ...] = tuple(gate for gates in given["cf_gate"].value for gate in gates)
        self.bundle: Path | None = _folder(given["cf_bundle"])
        self.reports: tuple[Path, ...] = _reports(given["cf_report"], config)
        self.top: int = given["cf_top"].value

    @property
    def limits(self) -> "Limits":
        """The limits of a test that sets none of its own."""
        from pytest_cfworkers.in_force import Limits  # noqa: PLC0415 - only with guarded tests

        limits = Limits.plan(self.plan).replace(connection_model=self.connection_model).scaled(self.cpu_scale)
        limits = limits.measured(self.memory, self.memory_baseline)
        if self.wrangler is None:
            return limits
        return limits.configure(cpu_ms=self.wrangler.cpu_ms, subrequests=self.wrangler.subrequests)

    @property
    def asks(self) -> bool:
        """Whether somebody wants to be told of the run from its start, whatever is guarded in it."""
        named = self.reports or self.gates or self.baseline is not None or self.bundle is not None
        heard = github.step_summary() or github.annotates()
        return bool(named or heard) or self.mode in {"report", "enforce"}

    @property
    def timelines(self) -> bool:
        """Whether somebody wants to see what was open when."""
        return any(path.suffix.lower() in WITH_TIMELINES for path in self.reports)

    @property
    def words(self) -> dict[str, str]:
        """What is in force, by the name of the option, for reports."""
        said: dict[str, str] = {
            "cf_limits": self.mode,
            "cf_plan": self.plan,
            "cf_connections": self.connection_model,
            "cf_incoming": "auto" if self.incoming else "off",
            "cf_d1": self.d1,
            "cf_d1_limits": self.d1_limits,
            "cf_memory": self.memory,
        }
        if self.memory_baseline:
            said["cf_memory_baseline"] = f"{self.memory_baseline:,} B"
        if self.cpu_scale != 1:
            said["cf_cpu_scale"] = f"{self.cpu_scale:g}"
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
            from pytest_cfworkers.size import format_size  # noqa: PLC0415 - only where it is asked for

            shown += f", memory-baseline={format_size(self.memory_baseline)}"
        if self.cpu_scale != 1:
            shown += f", cpu-scale={self.cpu_scale:g}"
        if self.baseline is not None:
            shown += f", baseline={self.baseline.path.name}"
        return shown if self.wrangler is None else f"{shown}, {self.wrangler}"


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
    if update.value == "on" and (problem := _problem(path)):
        raise pytest.UsageError(f"{given.place}: {problem}")
    try:
        return Baseline.read(path, update=update.value == "on")
    except BaselineError as error:
        raise pytest.UsageError(f"{given.place}: {error}") from None


def _reports(given: Given, config: pytest.Config) -> tuple[Path, ...]:
    """Refuse at the start of a run what would fail at its end; the workers of xdist leave that to their controller."""
    paths = tuple(dict.fromkeys(Path(given.base, text) for text in given.value))
    for path in paths if not hasattr(config, "workerinput") else ():
        if problem := _problem(path):
            raise pytest.UsageError(f"{given.place}: {problem}")
    return paths


def _problem(path: Path) -> str:
    from pytest_cfworkers.report.atomic import problem  # noqa: PLC0415 - only where something is to be written

    return problem(path)


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
