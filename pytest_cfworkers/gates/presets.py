"""Gates that need not be written: the usual alerts of a Worker, and what the platform asks of an upload."""

from collections.abc import Iterable
from typing import Final

from pytest_cfworkers.gates.expression import Gate
from pytest_cfworkers.limits import BUNDLE_SIZE, STARTUP
from pytest_cfworkers.report.run import GateResult, Run
from pytest_cfworkers.size import format_size

PRESET: Final = "preset"
"""What stands for the alerts in the place of a gate."""

ALERTS: Final = (
    Gate.parse("connections<=5").at("warning", "warn"),
    Gate.parse("peak_memory<=100MB").at("critical", "warn"),
    Gate.parse("request_ms<=30s").at("critical", "warn"),
    Gate.parse("cron_ms<=14min").at("critical", "leave out"),  # not every Worker has one
    Gate.parse("error_rate<=1%").at("critical", "warn"),
)
"""At which values people who run Workers let themselves be woken."""

UPLOAD: Final = (
    Gate.parse(f"{BUNDLE_SIZE.key}<={format_size(BUNDLE_SIZE.number).replace(' ', '')}").at("critical", "leave out"),
    # A warning: it is measured on this machine and in CPython.
    Gate.parse(f"{STARTUP.key}<={STARTUP.number}").at("warning", "leave out"),
)
"""What the platform refuses to take."""


def read(text: str) -> tuple[Gate, ...]:
    """Read what the option says: a gate, or the name of the preset.

    Raises:
        GateError: It is neither; the text says what is valid.
    """
    return ALERTS if text.strip() == PRESET else (Gate.parse(text),)


def judge(gates: Iterable[Gate], run: Run) -> tuple[GateResult, ...]:
    """Hold a run to gates, and its bundle to what the platform takes.

    A gate that is given twice is judged once, as strictly as it was given.
    """
    wanted: dict[str, Gate] = {}
    for gate in (*gates, *UPLOAD):
        known = wanted.setdefault(gate.expression, gate)
        if (gate.level, gate.unmeasured) == ("critical", "fail"):
            wanted[known.expression] = gate
    results = (gate.judge(run) for gate in wanted.values())
    return tuple(result for result in results if result is not None)
