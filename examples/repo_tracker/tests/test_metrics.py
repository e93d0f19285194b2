"""Figures and alerts."""

import json
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repo_tracker.metrics import Alert, Durations, Metrics, Severity


def alerts(metrics: Metrics) -> dict[str, Severity]:
    return {alert.figure: alert.severity for alert in metrics.snapshot().alerts}


def test_nothing_yet_is_nothing_and_no_alert() -> None:
    snapshot = Metrics().snapshot()
    assert (snapshot.operations, snapshot.error_rate, snapshot.durations, snapshot.alerts) == (0, 0.0, {}, ())


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
def test_a_percentile_is_a_measured_duration_that_so_many_do_not_exceed(seconds: list[float]) -> None:
    durations = Durations.of(seconds)
    for percent, value in ((50, durations.p50), (95, durations.p95), (99, durations.p99)):
        assert value in seconds
        assert sum(second <= value for second in seconds) >= len(seconds) * percent / 100
        assert sum(second < value for second in seconds) < len(seconds) * percent / 100
    assert durations.slowest == max(seconds)
    assert durations.p50 == statistics.median_low(seconds)


def test_durations_are_kept_by_kind_and_only_the_latest() -> None:
    metrics = Metrics(samples=100)
    for second in range(200):
        metrics.record("request", float(second))
    metrics.record("alarm", 5.0)
    durations = metrics.snapshot().durations
    assert durations["request"] == Durations(p50=149.0, p95=194.0, p99=198.0, slowest=199.0)
    assert durations["alarm"].slowest == 5.0
    assert metrics.snapshot().operations == 201


@pytest.mark.parametrize(("peak", "expected"), [(5, {}), (6, {"connections": Severity.WARNING})])
def test_all_connections_in_use_is_a_warning(peak: int, expected: dict[str, Severity]) -> None:
    metrics = Metrics()
    metrics.observe_connections(peak)
    metrics.observe_connections(1)
    assert alerts(metrics) == expected


@pytest.mark.parametrize(("megabytes", "expected"), [(100, {}), (101, {"memory_bytes": Severity.CRITICAL})])
def test_little_memory_left_is_critical(megabytes: int, expected: dict[str, Severity]) -> None:
    metrics = Metrics()
    for seen in (None, megabytes << 20, 1 << 20):
        metrics.observe_memory(seen)
    assert metrics.snapshot().peak_memory_bytes == megabytes << 20
    assert alerts(metrics) == expected


@pytest.mark.parametrize(
    ("kind", "seconds", "expected"),
    [
        ("request", 30.0, {}),
        ("request", 30.1, {"request_seconds": Severity.WARNING}),
        ("alarm", 840.0, {}),
        ("alarm", 840.1, {"alarm_seconds": Severity.CRITICAL}),
        ("other", 9999.0, {}),
    ],
)
def test_what_takes_too_long_is_told(kind: str, seconds: float, expected: dict[str, Severity]) -> None:
    metrics = Metrics()
    metrics.record(kind, seconds)
    assert alerts(metrics) == expected


def test_one_slow_request_in_a_hundred_and_one_is_none() -> None:
    metrics = Metrics()
    for _ in range(100):
        metrics.record("request", 1.0)
    metrics.record("request", 60.0)
    assert alerts(metrics) == {}


@pytest.mark.parametrize(("errors", "expected"), [(1, {}), (2, {"error_rate": Severity.WARNING})])
def test_more_than_one_error_in_a_hundred_is_a_warning(errors: int, expected: dict[str, Severity]) -> None:
    metrics = Metrics()
    for number in range(100):
        metrics.record("request", 0.1, failed=number < errors)
    assert alerts(metrics) == expected


def test_a_snapshot_is_json() -> None:
    metrics = Metrics()
    metrics.record("request", 31.0, failed=True)
    metrics.observe_connections(6)
    said = json.loads(json.dumps(metrics.snapshot().as_json()))
    assert said["durations"]["request"] == {"p50": 31.0, "p95": 31.0, "p99": 31.0, "slowest": 31.0}
    assert said["alerts"][0] == {"figure": "connections", "severity": "warning", "value": 6, "threshold": 5}
    assert metrics.snapshot().alerts[0] == Alert(figure="connections", severity=Severity.WARNING, value=6, threshold=5)
