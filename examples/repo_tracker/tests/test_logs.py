"""Structured logs."""

import json

import pytest

from repo_tracker.logs import log
from repo_tracker.models import Tier


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    log("step failed", tier=Tier.HOT, cursor=40, error=LookupError("a\nb"))
    line, end = capsys.readouterr().out.split("\n")
    assert json.loads(line) == {"event": "step failed", "tier": "hot", "cursor": 40, "error": "LookupError: a\nb"}
    assert end == ""
