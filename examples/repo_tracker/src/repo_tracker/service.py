"""What services have in common: the environment, errors that name the operation, and batches that fit D1."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from typing import Any, Final, TypeVar

from repo_tracker.backoff import Backoff
from repo_tracker.d1 import PARAMETERS_PER_STATEMENT, Environment, Statement, is_transient

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
        self.env = env
        self._statements_per_batch = statements_per_batch
        self._attempts = attempts
        self._backoff = backoff or Backoff()
        self._sleep = sleep

    @contextmanager
    def operation(self, name: str) -> Iterator[None]:
        """Turn any error inside of the block into one that names the operation and keeps its cause.

        Args:
            name: What is done inside, as a method's name.

        Raises:
            ServiceError: Something inside failed. A service error of another operation is passed on as it is.
        """
        try:
            yield
        except ServiceError:
            raise
        except Exception as error:
            raise ServiceError(f"{type(self).__name__}.{name}", error, transient=is_transient(error)) from error

    def prepare_batch(self, sql: str, rows: Iterable[Sequence[Any]]) -> list[Statement]:
        """Prepare as few statements as the limit of parameters allows for as many rows as there are.

        Args:
            sql: A statement with `{values}` where `(?, ?), (?, ?), ...` belongs.
            rows: The values of each row, all of the same number.

        Raises:
            ValueError: The rows have different numbers of values, none, or more than one statement takes.
        """
        statements: list[Statement] = []
        rest = iter(rows)
        while (first := next(rest, None)) is not None:
            width = len(first)
            if not 0 < width <= PARAMETERS_PER_STATEMENT:
                raise ValueError(f"a row has {width} values, a statement takes 1 to {PARAMETERS_PER_STATEMENT}")
            chunk = [first, *islice(rest, PARAMETERS_PER_STATEMENT // width - 1)]
            if any(len(row) != width for row in chunk):
                raise ValueError(f"not all rows have {width} values as the first one has")
            group = f"({', '.join('?' * width)})"
            prepared = self.env.DB.prepare(sql.replace("{values}", ", ".join([group] * len(chunk))))
            statements.append(prepared.bind(*chain.from_iterable(chunk)))
        return statements

    async def db_batch(self, statements: Sequence[Statement]) -> list[Any]:
        """Run statements in as few round trips as the limit of a batch allows.

        Each batch is one transaction, all of them together are not. A batch is sent again if D1 itself fails, so the
        statements must be idempotent: D1 may have run the lost one.

        Args:
            statements: What to run, each with its values.

        Returns:
            The results, in the order of the statements.
        """
        results: list[Any] = []
        for start in range(0, len(statements), self._statements_per_batch):
            chunk = list(statements[start : start + self._statements_per_batch])  # a list: the SDK refuses tuples
            results += await self.db_retry(partial(self.env.DB.batch, chunk))
        return results

    async def db_retry(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something with the database, and again if D1 itself fails.

        Args:
            work: Something idempotent, called anew for each attempt.
        """
        for failures in range(1, self._attempts):
            try:
                return await work()
            except Exception as error:
                if not is_transient(error):
                    raise
                await self._sleep(self._backoff.delay(failures))
        return await work()
