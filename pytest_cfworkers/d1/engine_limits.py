"""SQLite's run-time limits as D1 sets them.

The platform's own numbers stand in `pytest_cfworkers.limits`; here are those that SQLite itself enforces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

LimitSet = Literal["documented", "local"]

_DOCS = "https://developers.cloudflare.com/d1/platform/limits/"
_WORKERD = "https://github.com/cloudflare/workerd/blob/main/src/workerd/util/sqlite.c++"
CHECKED: Final = "2026-11-24"
"""The day on which every number here was compared with its source."""


@dataclass(frozen=True, slots=True)
class EngineLimit:
    """One run-time limit.

    Attributes:
        name: SQLite's name for it, behind `SQLITE_LIMIT_`. https://sqlite.org/c3ref/c_limit_attached.html
        documented: What holds in production, or what open-source workerd sets where the documentation is
            silent.
        local: What open-source workerd sets.
        unit: What is counted.
        source: Where the number stands.
    """

    name: str
    documented: int
    local: int
    unit: str
    source: str

    def value(self, limits: LimitSet) -> int:
        """Return the number of one set."""
        return self.documented if limits == "documented" else self.local


ENGINE_LIMITS: Final = (
    # Measured under workerd 1.20261117.1: 8 MiB pass, 10 MB do not; its source of August 2026 said 4 MiB.
    EngineLimit("LENGTH", 2_000_000, 9_000_000, "bytes of a string, a blob or a row", _DOCS),
    EngineLimit("SQL_LENGTH", 100_000, 100_000, "bytes of a statement", _DOCS),
    EngineLimit("COLUMN", 100, 100, "columns of a table, a result or an index", _DOCS),
    EngineLimit("EXPR_DEPTH", 100, 100, "levels of an expression", _WORKERD),
    EngineLimit("COMPOUND_SELECT", 5, 5, "terms of a compound SELECT", _WORKERD),
    # workerd's source of August 2026 says 25,000; measured under 1.20261117.1, longer programs pass.
    EngineLimit("VDBE_OP", 250_000, 250_000, "instructions of a compiled statement", _WORKERD),
    EngineLimit("FUNCTION_ARG", 32, 127, "arguments of a function", _DOCS),
    EngineLimit("ATTACHED", 0, 0, "attached databases", _WORKERD),
    EngineLimit("LIKE_PATTERN_LENGTH", 50, 50, "bytes of a LIKE or GLOB pattern", _DOCS),
    EngineLimit("VARIABLE_NUMBER", 100, 100, "bound parameters of a statement", _DOCS),
    EngineLimit("TRIGGER_DEPTH", 10, 10, "levels of triggers and cascades", _WORKERD),
    EngineLimit("WORKER_THREADS", 0, 0, "threads", _WORKERD),
)

SQL_LENGTH: Final = 100_000
"""Bytes of a statement text, counted from the statement's start to the end of the whole text."""

PAGE_SIZE: Final = 4096
"""Bytes of a database page. https://sqlite.org/pragma.html#pragma_page_size (checked 2026-11-24)"""
