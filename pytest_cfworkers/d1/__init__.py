"""Cloudflare D1, in process: the binding that Python Workers have, on this machine's own SQLite."""

from pytest_cfworkers.d1.database import D1Database
from pytest_cfworkers.d1.errors import ConversionError, D1Error, JsException
from pytest_cfworkers.d1.result import JsDict

__all__ = ["ConversionError", "D1Database", "D1Error", "JsDict", "JsException"]
