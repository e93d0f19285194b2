"""The run as SARIF 2.1.0, as the code scanning of GitHub takes it.

Sources: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html and
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
(checked 2026-11-24).
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import quote

from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.limits import BY_KEY, BY_RULE, RULES, Rule
from pytest_cfworkers.report.legible import legible
from pytest_cfworkers.report.model import TestRecord
from pytest_cfworkers.report.run import Run
from pytest_cfworkers.violation import Violation
from pytest_cfworkers.wording import remedies

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT: Final = "%SRCROOT%"
_RESULTS: Final = 25_000
"""GitHub refuses a run with more."""

_LINE: Final = 1_000
"""Characters of a line of a message."""


def render(run: Run, *, prefix: str = "") -> str:
    """Return the report of a run.

    Args:
        run: The run.
        prefix: The root of the project from the root of its repository, such as "packages/api/".
    """
    level = "warning" if run.settings.get("cf_limits") == "report" else "error"
    found = [(violation, record, level) for record in run.tests for violation in record.violations]
    # Left out, what the baseline knows would be taken for mended.
    found += [(violation, record, "note") for record in run.tests for violation in record.known]
    rules = sorted({violation.rule for violation, _, _ in found}, key=RULES.index)
    results = [_result(*one, rules=rules, prefix=prefix) for one in found[:_RESULTS]]
    problems = list(run.problems)
    if len(found) > _RESULTS:
        problems.append(f"{_RESULTS:,} of {len(found):,} violations are shown: GitHub takes no more")
    told: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "pytest-cfworkers",
                "version": legible(run.version, _LINE),
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "automationDetails": {"id": "pytest-cfworkers/"},
        "invocations": [
            {
                "executionSuccessful": run.complete,
                "startTimeUtc": run.started.replace("+00:00", "Z"),
                "toolExecutionNotifications": [
                    {"level": "note" if run.complete else "error", "message": {"text": legible(problem, _LINE)}}
                    for problem in problems
                ],
            }
        ],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    text = json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [told]}, ensure_ascii=False, indent=1)
    return text.encode("utf-8", "replace").decode() + "\n"  # strict readers refuse half of a surrogate pair


def _rule(rule: Rule) -> dict[str, Any]:
    row = BY_RULE.get(rule, BY_KEY["connections"])
    meaning, fix = remedies.meaning(rule), remedies.fix(rule, Limits.plan())
    return {
        "id": rule,
        "name": "".join(word.capitalize() for word in rule.split("-")),
        "shortDescription": {"text": meaning},
        "fullDescription": {"text": f"{meaning} A limit of Cloudflare Workers, checked on {row.checked}."},
        "help": {
            "text": f"{meaning}\n\nFix:\n{fix}\n\n{row.source}",
            "markdown": f"{meaning}\n\n```python\n{fix}\n```\n\n[The limit]({row.source})",
        },
        "helpUri": row.source,
        "defaultConfiguration": {"level": "error"},
        "properties": {"precision": "very-high", "problem.severity": "error", "tags": ["cloudflare-workers"]},
    }


def _result(violation: Violation, record: TestRecord, level: str, *, rules: list[Rule], prefix: str) -> dict[str, Any]:
    places = [(frame.path, frame.line, frame.function) for frame in violation.frames if _is_inside(frame.path)]
    own = (record.path, record.line, record.nodeid)
    first, *others = dict.fromkeys([*places, own])
    lines = [f"{violation.headline}.", *violation.evidence, "", *violation.remedy.splitlines(), "", record.nodeid]
    return {
        "ruleId": violation.rule,
        "ruleIndex": rules.index(violation.rule),
        "level": level,
        "message": {"text": "\n".join(legible(line, _LINE) for line in lines)},
        "locations": [_location(*first, prefix)],
        "relatedLocations": [
            {"id": number, "message": {"text": legible(name, _LINE)}, **_location(path, line, name, prefix)}
            for number, (path, line, name) in enumerate(others, 1)
        ],
        "partialFingerprints": _fingerprints(violation.key, record.nodeid),
        "properties": {"test": legible(record.nodeid, _LINE), "observed": violation.observed, "limit": violation.limit},
    }


def _fingerprints(key: str, nodeid: str) -> dict[str, str]:
    """What tells a result from others today and tomorrow; GitHub reads the first name only."""
    digest = _digest([key, nodeid])
    return {"primaryLocationLineHash": f"{digest[:16]}:1", "violation/v1": digest}


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()


def _is_inside(path: str) -> bool:
    return bool(path) and not PurePosixPath(path).is_absolute() and ":" not in path


def _location(path: str, line: int, name: str, prefix: str) -> dict[str, Any]:
    uri = quote((prefix + path).encode("utf-8", "replace"), safe="/")
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, "uriBaseId": _ROOT},
            "region": {"startLine": max(line, 1)},
        },
        "logicalLocations": [{"name": legible(name, _LINE), "kind": "function"}],
    }
