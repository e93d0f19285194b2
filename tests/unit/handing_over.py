"""The ways in which work is handed to a thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from typing import Final

import anyio
import anyio.to_thread
import trio
from anyio.to_thread import run_sync as in_anyio_thread
from trio.to_thread import run_sync as in_trio_thread

Work = Callable[[float], None]


def submit(work: Work) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work, 5).result()


def to_thread(work: Work) -> None:
    asyncio.run(asyncio.to_thread(work, 5))


def executor(work: Work) -> None:
    async def main() -> None:
        await asyncio.get_running_loop().run_in_executor(None, work, 5)

    asyncio.run(main())


def anyio_thread(work: Work) -> None:
    anyio.run(anyio.to_thread.run_sync, work, 5)


def anyio_thread_on_trio(work: Work) -> None:
    anyio.run(anyio.to_thread.run_sync, work, 5, backend="trio")


def anyio_thread_by_its_own_name(work: Work) -> None:
    anyio.run(in_anyio_thread, work, 5)


def trio_thread(work: Work) -> None:
    async def main() -> None:
        await trio.to_thread.run_sync(work, 5)

    trio.run(main)


def trio_thread_by_its_own_name(work: Work) -> None:
    async def main() -> None:
        await in_trio_thread(work, 5)

    trio.run(main)


def thread_pool(work: Work) -> None:
    with ThreadPool(1) as pool:
        pool.apply(work, (2,))
        pool.map(work, [1])
        list(pool.imap(work, [1]))
        pool.starmap(work, [(1,)])


WAYS: Final = (
    submit,
    to_thread,
    executor,
    anyio_thread,
    anyio_thread_on_trio,
    anyio_thread_by_its_own_name,
    trio_thread,
    trio_thread_by_its_own_name,
    thread_pool,
)
"""All of them; each hands over work of five seconds."""
