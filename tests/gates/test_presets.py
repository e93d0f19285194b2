"""The usual alerts, and what the platform asks of an upload."""

import pytest

from pytest_cfworkers.gates import presets
from pytest_cfworkers.gates.expression import Gate, GateError
from pytest_cfworkers.report.model import Usage
from pytest_cfworkers.report.run import Bundle, GateResult
from tests.report.runs import record, run


def results(*gates: Gate, **changes: object) -> dict[str, GateResult]:
    tests = changes.pop("tests", ())
    return {result.expression: result for result in presets.judge(gates, run(*tests, **changes))}  # type: ignore[misc]


def test_the_alerts_are_the_usual_ones_with_their_weight() -> None:
    test = record(
        usage={"connections": Usage(used=6, limit=6, other=6), "memory": Usage(used=2**27, limit=2**27, other=None)},
        walls_ms=(30_001.0,),
    )
    cron = record("cron", usage={"wall_ms": Usage(used=0, limit=900_000, other=None)}, walls_ms=(840_001.0,))
    alerts = results(*presets.read("preset"), tests=(test, cron))
    assert {name: (alert.level, alert.passed) for name, alert in alerts.items()} == {
        "connections<=5": ("warning", False),
        "peak_memory<=100MB": ("critical", False),
        "request_ms<=30s": ("critical", False),
        "cron_ms<=14min": ("critical", False),
        "error_rate<=1%": ("critical", False),
    }


def test_what_no_test_measures_warns_in_the_preset_and_a_worker_needs_no_cron() -> None:
    alerts = results(*presets.read("preset"))
    assert all(alert.level == "warning" and "nothing measured" in alert.observed for alert in alerts.values())
    assert "cron_ms<=14min" not in alerts


def test_a_gate_that_is_no_preset_is_read_as_a_gate() -> None:
    (gate,) = presets.read(" connections<=5 ")
    assert gate == Gate.parse("connections<=5")
    with pytest.raises(GateError):
        presets.read("presets")


def test_a_bundle_over_the_platforms_size_is_critical_and_a_slow_start_warns() -> None:
    bundle = Bundle(path="dist", size=64 * 2**20 + 1, gzip_size=1, files=1, startup_ms=1_001.0)
    judged = results(bundle=bundle)
    assert (judged["bundle_size<=64MB"].passed, judged["bundle_size<=64MB"].level) == (False, "critical")
    assert (judged["startup_ms<=1000"].passed, judged["startup_ms<=1000"].level) == (False, "warning")


def test_without_a_bundle_the_platform_is_not_mentioned() -> None:
    assert results() == {}


def test_a_gate_of_ones_own_outweighs_the_same_one_of_a_preset_and_is_judged_once() -> None:
    own = Gate.parse("connections<=5")
    test = record(usage={"connections": Usage(used=6, limit=6, other=6)})
    for gates in ((own, *presets.ALERTS), (*presets.ALERTS, own)):
        judged = presets.judge(gates, run(test))
        assert [result.level for result in judged if result.expression == "connections<=5"] == ["critical"]
