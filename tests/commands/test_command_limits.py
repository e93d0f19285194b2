"""`limits` shows every number of the platform with its unit, source and date."""

import json
import re

import pytest

from pytest_cfworkers.cli import main
from pytest_cfworkers.limits import BUNDLE_SIZE, LIMITS, UPLOAD_LIMITS, Limit, UploadLimit


def test_every_number_is_there_with_source_and_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["limits"]) == 0
    shown = capsys.readouterr().out
    numbers: tuple[Limit | UploadLimit, ...] = (*LIMITS, *UPLOAD_LIMITS)
    for limit in numbers:
        assert re.search(
            rf"^{limit.key} .* {re.escape(limit.title)}\n    {re.escape(limit.source)} \(checked", shown, re.MULTILINE
        )
    assert "subrequests                    50       10,000  subrequests  subrequests\n" in shown
    assert "since 2026-09-04; before: 3 MB (free) or 10 MB (paid) compressed with gzip, and 64 MB uncompressed" in shown


def test_one_plan_is_shown_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["limits", "--plan", "free"]) == 0
    shown = capsys.readouterr().out
    assert "paid " not in shown
    assert "10,000" not in shown


def test_json_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["limits", "--json"]) == 0
    rows = {row["key"]: row for row in json.loads(capsys.readouterr().out)}
    assert {limit.key: (limit.free, limit.paid, limit.unit) for limit in LIMITS} == {
        limit.key: (rows[limit.key]["free"], rows[limit.key]["paid"], rows[limit.key]["unit"]) for limit in LIMITS
    }
    size = rows["bundle_size"]
    assert (size["free"], size["paid"], size["since"]) == (BUNDLE_SIZE.number, BUNDLE_SIZE.number, "2026-09-04")
    assert all(row["source"].startswith("https://") and row["checked"] and row["unit"] for row in rows.values())


def test_an_unknown_plan_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["limits", "--plan", "gold"])
    assert re.search(r"invalid choice: 'gold' \(choose from '?free'?, '?paid'?\)", capsys.readouterr().err)
