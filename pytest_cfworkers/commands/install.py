"""`install`: fetches the real D1 runtime."""

import argparse
import sys
from typing import Any


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser("install", help="fetch the real D1 runtime for --cf-d1=workerd from npm")
    parser.add_argument("what", choices=["workerd"], help="what to fetch")
    parser.add_argument("--force", action="store_true", help="fetch it again where it is installed already")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Fetch it; return 1 where that fails."""
    from pytest_cfworkers.lanes.errors import LaneError  # noqa: PLC0415 - only for this command
    from pytest_cfworkers.lanes.installation import install  # noqa: PLC0415

    try:
        install(report=print, force=chosen.force)
    except LaneError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
