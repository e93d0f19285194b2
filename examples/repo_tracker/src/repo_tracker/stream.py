"""More data than fits into memory, a batch at a time."""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")

BATCH_SIZE: Final = 500
MEMORY_BUDGET: Final = 8 << 20


def estimated_size(item: object) -> int:
    """Estimate how much memory an item takes, in bytes: itself, its fields, and what lies in its containers."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamReport:
    """What passed through.

    Attributes:
        items: How many items.
        batches: In how many batches.
        largest_batch: The estimated size of the largest batch, in bytes.
    """

    items: int
    batches: int
    largest_batch: int


class StreamProcessor(Generic[T]):
    """Cut a stream into batches that are small in number and in memory.

    Only one batch exists at a time, so memory is bounded by the budget, whatever the stream holds.

    Args:
        batch_size: How many items a batch has at most.
        memory_budget: How large a batch may be, in bytes; a single item that is larger is a batch of its own.
        size_of: Estimates the size of an item, in bytes.
    """

    def __init__(
        self,
        *,
        batch_size: int = BATCH_SIZE,
        memory_budget: int = MEMORY_BUDGET,
        size_of: Callable[[T], int] = estimated_size,
    ) -> None:
        raise NotImplementedError

    async def batches(self, source: AsyncIterable[T] | Iterable[T]) -> AsyncIterator[list[T]]:
        """Yield the items of a source in batches, and give the other tasks their turn between two of them."""
        raise NotImplementedError
        yield []

    async def process(
        self, source: AsyncIterable[T] | Iterable[T], handle: Callable[[list[T]], Awaitable[object]]
    ) -> StreamReport:
        """Hand each batch to `handle`, and wait for it before the next one is read.

        Raises:
            Exception: What `handle` or the source raises; the source is closed.
        """
        raise NotImplementedError
