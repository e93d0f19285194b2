"""The part of the D1 binding that is used here, as types. On Workers `env.DB` has it, in tests `cf_d1`."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

PARAMETERS_PER_STATEMENT: Final = 100
"""https://developers.cloudflare.com/d1/platform/limits/ (checked 2026-11-24)"""

TRANSIENT: Final = (
    "Network connection lost",
    "storage caused object to be reset",
    "reset because its code was updated",
    "Cannot resolve D1 DB due to transient issue on remote node",
)
"""What the messages of errors say after which an idempotent statement may be sent again.

https://developers.cloudflare.com/d1/best-practices/retry-queries/ (checked 2026-11-24)
"""


class Statement(Protocol):
    """A prepared statement."""

    def bind(self, *values: Any) -> "Statement":
        """Return a new statement with values in the place of its question marks."""
        ...

    async def all(self) -> Mapping[str, Any]:
        """Run it; the rows are in `results`."""
        ...


class Database(Protocol):
    """A database."""

    def prepare(self, sql: str, /) -> Statement:
        """Return a statement; nothing is sent yet."""
        ...

    async def batch(self, statements: list[Any], /) -> list[Any]:
        """Run statements in one transaction and one round trip."""
        ...


class Environment(Protocol):
    """What a Worker is bound to, as far as the services need it."""

    @property
    def DB(self) -> Database:  # noqa: N802 - the name of the binding in wrangler.jsonc
        """The database."""
        ...


def is_transient(error: Exception) -> bool:
    """Whether D1 itself failed, so that an idempotent statement may be sent again."""
    return any(text in str(error) for text in TRANSIENT)
