"""`python -m pytest_cfworkers`: what is done once and not in a test run."""

import argparse
from collections.abc import Sequence

from pytest_cfworkers.commands import compare, doctor, install, limits, merge


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What stands behind `python -m pytest_cfworkers`.

    Returns:
        The exit status: 0, or 1 where the command could not do its work or found what it looks for, or 2 where its
        arguments cannot be used.
    """
    parser = argparse.ArgumentParser(prog="python -m pytest_cfworkers", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (limits, doctor, merge, compare, install):
        command.add(commands)
    chosen = parser.parse_args(arguments)
    status: int = chosen.run(chosen)
    return status
