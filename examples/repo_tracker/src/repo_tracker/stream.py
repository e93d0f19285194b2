"""More data than fits into memory, a batch at a time."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, fields, is_dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")

BATCH_SIZE: Final = 500
"""Items in a batch: few enough for one round trip to D1, many enough that there are few of them."""

MEMORY_BUDGET: Final = 8 << 20
"""Bytes in a batch. Of the 128 MB of an isolate Pyodide takes 30, and other invocations want their part."""


def estimated_size(item: object) -> int:
    """Estimate how much memory an item takes, in bytes: itself, its fields, and what lies in its containers.

    What is there twice counts twice, so it is rather too much than too little.

    Args:
        item: What a stream holds, such as a dataclass, a row, or a text.

    Raises:
        RecursionError: It contains itself.
    """
    size = sys.getsizeof(item)
    if item is None or isinstance(item, str | int | float | bytes):  # most of what there is, so asked first
        return size
    if isinstance(item, Mapping):
        return size + sum(estimated_size(part) for pair in item.items() for part in pair)
    if isinstance(item, list | tuple | set | frozenset):
        return size + sum(map(estimated_size, item))
    if is_dataclass(item) and not isinstance(item, type):
        return size + sum(estimated_size(getattr(item, field.name)) for field in fields(item))
    return size


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

    Only one batch exists at a time, unless the caller keeps one, so memory is bounded by the budget, whatever the
    stream holds.

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
        if batch_size < 1:
            raise ValueError(f"a batch holds at least one item, not {batch_size}")
        self._batch_size = batch_size
        self._memory_budget = memory_budget
        self._size_of = size_of

    async def batches(self, source: AsyncIterable[T] | Iterable[T]) -> AsyncGenerator[list[T], None]:
        """Yield the items of a source in batches, and give the other tasks their turn between two of them.

        Iterate it inside of `aclosing`, so that leaving the loop early closes the source at once.

        Args:
            source: Any iterable; an asynchronous generator is closed at the end.
        """
        async with aclosing(self._measured(source)) as measured:
            async for batch, _ in measured:
                yield batch
                del batch  # or it would live on while the next one is filled

    async def process(
        self, source: AsyncIterable[T] | Iterable[T], handle: Callable[[list[T]], Awaitable[object]]
    ) -> StreamReport:
        """Hand each batch to `handle`, and wait for it before the next one is read.

        Args:
            source: Any iterable; an asynchronous generator is closed at the end.
            handle: Does something with a batch, and does not keep it.

        Raises:
            Exception: What `handle` or the source raises; the source is closed.
        """
        items = batches = largest = 0
        async with aclosing(self._measured(source)) as measured:
            async for batch, size in measured:
                items += len(batch)
                batches += 1
                largest = max(largest, size)
                await handle(batch)
                del batch  # or it would live on while the next one is filled
        return StreamReport(items=items, batches=batches, largest_batch=largest)

    async def _measured(self, source: AsyncIterable[T] | Iterable[T]) -> AsyncGenerator[tuple[list[T], int], None]:
        """Yield each batch with its estimated size, in bytes."""
        batch: list[T] = []
        size = 0
        async with _closing(source) as items:
            async for item in items:
                more = self._size_of(item)
                if batch and (len(batch) == self._batch_size or size + more > self._memory_budget):
                    yield batch, size
                    batch, size = [], 0  # a new list: the old one is the caller's
                    await asyncio.sleep(0)
                batch.append(item)
                size += more
        if batch:
            yield batch, size


@asynccontextmanager
async def _closing(source: AsyncIterable[T] | Iterable[T]) -> AsyncGenerator[AsyncIterable[T], None]:
    """Iterate any source asynchronously, and close it if it can be closed."""
    if not isinstance(source, AsyncIterable):
        yield _asynchronous(source)
    elif isinstance(source, AsyncGenerator):
        async with aclosing(source):
            yield source
    else:
        yield source


async def _asynchronous(source: Iterable[T]) -> AsyncGenerator[T, None]:
    for item in source:
        yield item
