"""The certificates of SSL contexts: a client of httpx reads them when it is made, and a Worker never does."""

import sys
from functools import wraps
from typing import Any

from pytest_cfworkers.metering.account import reading_certificates
from pytest_cfworkers.metering.replaced import Replaced


def watch_certificates(replaced: Replaced) -> None:
    """Let the time of reading certificates be told apart."""
    if (ssl := sys.modules.get("ssl")) is not None:
        for name in ("load_verify_locations", "load_default_certs"):
            replaced(ssl.SSLContext, name, _noted)


def _noted(load: Any) -> Any:
    @wraps(load)
    def noted(*args: Any, **kwargs: Any) -> Any:
        with reading_certificates():
            return load(*args, **kwargs)

    return noted
