"""`limits`: shows the platform's numbers, each with its unit, source and the day on which that was read."""

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pytest_cfworkers.choices import PLANS
from pytest_cfworkers.limits import D1_PARAMETERS, LIMITS, UPLOAD_LIMITS
from pytest_cfworkers.size import format_size

_NONE: Final = "no limit"


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser("limits", help="show the platform's numbers with unit, source and date")
    parser.add_argument("--plan", choices=PLANS, help="show the numbers of one plan")
    parser.add_argument("--json", action="store_true", help="write them as JSON")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Show the numbers."""
    plans = PLANS if chosen.plan is None else (chosen.plan,)
    rows = list(_rows(plans))
    print(json.dumps(rows, indent=2) if chosen.json else "\n".join(_table(rows, plans)))
    return 0


def _rows(plans: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for limit in (*LIMITS, D1_PARAMETERS):
        numbers = {plan: limit.free if plan == "free" else limit.paid for plan in plans}
        told = {"unit": limit.unit, "source": limit.source, "checked": limit.checked.isoformat()}
        yield {"key": limit.key, "title": limit.title, **numbers, **told}
    for upload in UPLOAD_LIMITS:
        told = {"unit": upload.unit, "source": upload.source, "checked": upload.checked.isoformat()}
        dated = {"since": upload.since.isoformat(), "before": upload.before}
        yield {"key": upload.key, "title": upload.title, **dict.fromkeys(plans, upload.number), **told, **dated}


def _table(rows: list[dict[str, Any]], plans: tuple[str, ...]) -> Iterator[str]:
    """Yield a row for each number, and below it where it stands."""
    yield f"{'key':<20} {''.join(f'{plan:>12} ' for plan in plans)} {'unit':<12} what"
    for row in rows:
        numbers = "".join(f"{_shown(row, plan):>12} " for plan in plans)
        yield f"{row['key']:<20} {numbers} {'' if row['unit'] == 'bytes' else row['unit']:<12} {row['title']}"
        yield f"    {row['source']} (checked {row['checked']})"
        if "since" in row:
            yield f"    since {row['since']}; before: {row['before']}"


def _shown(row: Mapping[str, Any], plan: str) -> str:
    number = row[plan]
    if number is None:
        return _NONE
    return format_size(number) if row["unit"] == "bytes" else f"{number:,}"
