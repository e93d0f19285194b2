"""`python -m pytest_cfworkers`: what is done once and not in a test run."""

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What stands behind `python -m pytest_cfworkers`.

    Returns:
        The exit status: 0, or 1 where the command could not do its work.
    """
    parser = argparse.ArgumentParser(prog="python -m pytest_cfworkers", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    install = commands.add_parser("install", help="fetch the real D1 runtime for --cf-d1=workerd from npm")
    install.add_argument("what", choices=["workerd"], help="what to fetch")
    install.add_argument("--force", action="store_true", help="fetch it again where it is installed already")
    install.set_defaults(command=_install)
    chosen = parser.parse_args(arguments)
    status: int = chosen.command(chosen)
    return status


def _install(chosen: argparse.Namespace) -> int:
    from pytest_cfworkers.lanes.errors import LaneError  # noqa: PLC0415 - only for this command
    from pytest_cfworkers.lanes.installation import install  # noqa: PLC0415

    try:
        install(report=print, force=chosen.force)
    except LaneError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
