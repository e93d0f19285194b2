"""What services have in common: the environment, errors that name the operation, and batches that fit D1."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from repo_tracker.backoff import Backoff
from repo_tracker.d1 import Environment, Statement

T = TypeVar("T")

STATEMENTS_PER_BATCH: Final = 50
"""D1 names no largest batch, but gives a whole batch the 30 s that one query has; fifty take milliseconds."""


class ServiceError(Exception):
    """An operation failed; `__cause__` is the error that it failed with.

    Attributes:
        operation: What was being done, such as `StorageService.save_repositories`.
        transient: Whether it may succeed later.
    """

    def __init__(self, operation: str, cause: Exception, *, transient: bool = False) -> None:
        super().__init__(f"{operation} failed: {cause}")
        self.operation = operation
        self.transient = transient


class BaseService:
    """The base of services that use the database.

    Args:
        env: What the Worker is bound to.
        statements_per_batch: How many statements are sent in one round trip at most.
        attempts: How often a batch is sent at most, if D1 itself fails.
        backoff: How long to wait after such a failure.
        sleep: Waits for a number of seconds.
    """

    def __init__(
        self,
        env: Environment,
        *,
        statements_per_batch: int = STATEMENTS_PER_BATCH,
        attempts: int = 5,
        backoff: Backoff | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        raise NotImplementedError

    @contextmanager
    def operation(self, name: str) -> Iterator[None]:
        """Turn any error inside the block into a `ServiceError` that names the operation and keeps the cause."""
        raise NotImplementedError
        yield

    def prepare_batch(self, sql: str, rows: Iterable[Sequence[Any]]) -> list[Statement]:
        """Prepare as few statements as the limit of parameters allows for as many rows as there are.

        Args:
            sql: A statement with `{values}` where `(?, ?), (?, ?), ...` belongs.
            rows: The values of each row, all of the same number.

        Raises:
            ValueError: The rows have different numbers of values, or more than one statement takes.
        """
        raise NotImplementedError

    async def db_batch(self, statements: Sequence[Statement]) -> list[Any]:
        """Run statements in as few round trips as the limit of a batch allows.

        Each batch is one transaction, all of them together are not. A batch is sent again if D1 itself fails, so the
        statements must be idempotent: D1 may have run the lost one.

        Returns:
            The results, in the order of the statements.
        """
        raise NotImplementedError
