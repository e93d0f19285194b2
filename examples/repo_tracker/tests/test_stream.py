"""Streams: batches that are small in number and in memory, one at a time, closed in time."""

import asyncio
import weakref
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repo_tracker.models import Repository
from repo_tracker.stream import StreamProcessor, StreamReport, estimated_size


async def numbers(count: int, closed: list[bool]) -> AsyncGenerator[int, None]:
    try:
        for number in range(count):
            yield number
    finally:
        closed.append(True)


@given(
    sizes=st.lists(st.integers(0, 50), max_size=60), batch_size=st.integers(1, 10), memory_budget=st.integers(1, 100)
)
def test_batches_hold_all_items_in_order_and_keep_both_budgets(
    sizes: list[int], batch_size: int, memory_budget: int
) -> None:
    processor = StreamProcessor[int](batch_size=batch_size, memory_budget=memory_budget, size_of=lambda size: size)

    async def run() -> list[list[int]]:
        return [batch async for batch in processor.batches(sizes)]

    batches = asyncio.run(run())
    assert [size for batch in batches for size in batch] == sizes
    assert all(0 < len(batch) <= batch_size for batch in batches)
    assert all(sum(batch) <= memory_budget or len(batch) == 1 for batch in batches)


async def test_each_batch_is_handled_before_the_next_one_is_read() -> None:
    events: list[str] = []

    async def source() -> AsyncGenerator[int, None]:
        for number in range(4):
            events.append(f"read {number}")
            yield number

    async def handle(batch: list[int]) -> None:
        await asyncio.sleep(0)
        events.append(f"handled {batch}")

    report = await StreamProcessor[int](batch_size=2, size_of=lambda _: 10).process(source(), handle)
    # One item is read ahead, to see that the batch is full.
    assert events == ["read 0", "read 1", "read 2", "handled [0, 1]", "read 3", "handled [2, 3]"]
    assert report == StreamReport(items=4, batches=2, largest_batch=20)


async def test_other_tasks_have_their_turn_between_batches() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    async for _ in StreamProcessor[int](batch_size=1).batches(range(10)):
        pass
    task.cancel()
    assert turns >= 9


async def test_a_failing_handler_closes_the_source() -> None:
    closed: list[bool] = []

    async def fail(_: list[int]) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await StreamProcessor[int](batch_size=2).process(numbers(10, closed), fail)
    assert closed == [True]


async def test_leaving_early_closes_the_source() -> None:
    closed: list[bool] = []
    async with aclosing(StreamProcessor[int](batch_size=2).batches(numbers(10, closed))) as batches:
        assert await anext(batches) == [0, 1]
    assert closed == [True]


@pytest.mark.parametrize("by_process", [True, False])
async def test_a_batch_is_gone_before_the_next_one_is_filled(by_process: bool) -> None:
    class Item:
        pass

    alive: list[weakref.ref[Item]] = []
    most = 0

    def source() -> Iterator[Item]:
        nonlocal most
        for _ in range(50):
            item = Item()
            alive.append(weakref.ref(item))
            most = max(most, sum(reference() is not None for reference in alive))
            yield item

    async def handle(_: list[Item]) -> None:
        await asyncio.sleep(0)

    if by_process:
        await StreamProcessor[Item](batch_size=5).process(source(), handle)
    else:
        async for batch in StreamProcessor[Item](batch_size=5).batches(source()):
            del batch
    assert most <= 6  # the batch, and the item that shows that it is full


@pytest.mark.cf_limits(memory="4 MB")  # all of them together would take 17 MB
async def test_a_hundred_thousand_repositories_pass_in_little_memory() -> None:
    def source() -> Iterator[Repository]:
        for number in range(100_000):
            yield Repository(id=number, full_name=f"octo/r{number}", description="x" * 40, stars=number)

    async def handle(_: list[Repository]) -> None:
        await asyncio.sleep(0)

    processor = StreamProcessor[Repository](memory_budget=1 << 20, size_of=lambda _: 1000)
    assert (await processor.process(source(), handle)).items == 100_000


def test_an_estimate_counts_what_lies_inside() -> None:
    text = "x" * 1000
    assert estimated_size(text) >= 1000
    assert estimated_size({"a": [text, (text,)]}) >= 2000
    assert estimated_size(Repository(id=1, full_name="octo/one", description=text)) >= 1000
    assert estimated_size(Repository) > 0


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one item, not 0"):
        StreamProcessor(batch_size=0)
