"""In which manner a request is sent: what a fix must be written for."""

from pytest_cfworkers.deadline import in_trio
from pytest_cfworkers.guards.connection import Manner


def manner(asynchronous: bool) -> Manner:
    """Tell how the running code sends.

    Args:
        asynchronous: Whether what it sends is awaited.
    """
    if not asynchronous:
        return "thread"
    return "trio" if in_trio() else "asyncio"
