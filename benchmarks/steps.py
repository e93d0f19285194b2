"""What telling tasks apart costs: a step of asyncio's loop while an invocation runs, and while two take turns."""

import asyncio
import time
from contextlib import ExitStack
from functools import partial

from benchmarks.ratio import compare
from pytest_cfworkers import Invocation, Limits

STEPS = 20_000


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def _in_one(number: int) -> None:
    with Invocation(Limits.none()):
        await _turns(number)


def _seconds(invocations: int) -> float:
    """Return the CPU seconds of two tasks that take turns, each in an invocation of its own or both in one or none."""

    async def main() -> None:
        task = _in_one if invocations == 2 else _turns  # noqa: PLR2004 - each its own
        await asyncio.gather(task(STEPS // 2), task(STEPS // 2))

    with ExitStack() as stack:
        if invocations == 1:
            stack.enter_context(Invocation(Limits.none()))
        start = time.process_time()
        asyncio.run(main())
        return time.process_time() - start


def main() -> None:
    """Print how much longer an idle step takes than without an invocation, and how much that is."""
    for title, invocations in (("one invocation", 1), ("two that take turns", 2)):
        ratio = compare(partial(_seconds, invocations), partial(_seconds, 0), rounds=15, repeats=STEPS)
        print(f"{title:20} {ratio}; {(ratio.median - 1) * ratio.base_us:.2f} us more for a step")


if __name__ == "__main__":
    main()
