"""`python -m pytest_cfworkers`: what is done once and not in a test run."""

import argparse
import io
import os
import sys
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
    given = sys.argv[1:] if arguments is None else arguments
    if not given:
        parser.print_help(sys.stderr)
        return 2
    chosen = parser.parse_args(given)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # test ids hold what a terminal may not be able to show
    try:
        status: int = chosen.run(chosen)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads it has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status
