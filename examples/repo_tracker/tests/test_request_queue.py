"""The queue: urgent first, failures again later, nothing lost, nothing more often than allowed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repo_tracker.backoff import Backoff
from repo_tracker.budget import Budget, BudgetSpentError
from repo_tracker.request_queue import DeadLetter, RequestQueue, WorkCancelledError
from tests.kit.clock import Clock


class PassingError(Exception):
    """What is worth another attempt."""

    transient = True

    def __init__(self, retry_after: float = 0.0) -> None:
        super().__init__(f"later: {retry_after:g}")
        self.retry_after = retry_after


def queue(clock: Clock, **options: object) -> RequestQueue[str]:
    options.setdefault("backoff", Backoff(base=1.0, cap=8.0, random=lambda: 1.0))
    return RequestQueue(clock=clock, sleep=clock.sleep, **options)  # type: ignore[arg-type]


def failing(*errors: Exception) -> Callable[[], Awaitable[str]]:
    """Return work that fails with each error in turn, and then succeeds."""
    left = iter(errors)

    async def work() -> str:
        for error in left:
            raise error
        return "done"

    return work


async def test_the_most_urgent_runs_first_and_equals_in_their_order(clock: Clock) -> None:
    order, jobs = [], queue(clock, concurrency=1)

    def noted(key: str) -> Callable[[], Awaitable[str]]:
        async def work() -> str:
            order.append(key)
            return key

        return work

    for key, priority in (("c", 2), ("a", 1), ("d", 2), ("b", 1)):
        jobs.put(key, noted(key), priority=priority)
    await jobs.run()
    assert order == ["a", "b", "c", "d"]


async def test_waits_double_up_to_the_cap(clock: Clock) -> None:
    jobs = queue(clock, attempts=6)
    jobs.put("job", failing(*(PassingError() for _ in range(5))))
    report = await jobs.run()
    assert report.result("job") == "done"
    assert report.attempts == 6
    assert clock.slept == [1.0, 2.0, 4.0, 8.0, 8.0]


@given(failures=st.integers(1, 5000), seed=st.integers())
def test_a_wait_is_anywhere_between_nothing_and_its_ceiling(failures: int, seed: int) -> None:
    backoff = Backoff(base=0.5, cap=30.0, random=Random(seed).random)  # noqa: S311 - no secret
    assert 0.0 <= backoff.delay(failures) <= min(30.0, 0.5 * 2.0 ** min(failures - 1, 64))


async def test_what_keeps_failing_becomes_a_dead_letter_that_can_be_put_again(clock: Clock) -> None:
    jobs = queue(clock, attempts=2)
    errors = [PassingError() for _ in range(3)]
    jobs.put("job", failing(*errors), priority=7)
    report = await jobs.run()
    letter = report.dead["job"]
    assert (letter.attempts, letter.priority, letter.error) == (2, 7, errors[1])
    with pytest.raises(PassingError):
        report.result("job")
    jobs.put(letter.key, letter.work, priority=letter.priority)
    report = await jobs.run()
    assert (report.results, report.dead) == ({"job": "done"}, {})


async def test_an_error_that_will_not_pass_is_not_tried_again(clock: Clock) -> None:
    jobs = queue(clock)
    jobs.put("job", failing(LookupError("gone")))
    report = await jobs.run()
    assert report.dead["job"].attempts == 1
    assert clock.slept == []


async def test_quiet_after_an_error_that_will_not_pass_is_nobodys_wish(clock: Clock) -> None:
    class GoneError(Exception):
        retry_after = 3000.0

    jobs = queue(clock, concurrency=1)
    jobs.put("gone", failing(GoneError()))
    jobs.put("good", failing())
    assert (await jobs.run()).results == {"good": "done"}
    assert clock.slept == []


async def test_retry_after_keeps_the_whole_queue_quiet(clock: Clock) -> None:
    started: list[tuple[str, float]] = []
    jobs, begin = queue(clock, concurrency=2), clock.now

    def noted(key: str, work: Callable[[], Awaitable[str]]) -> Callable[[], Awaitable[str]]:
        async def wrapped() -> str:
            started.append((key, clock.now - begin))
            await asyncio.sleep(0)
            return await work()

        return wrapped

    jobs.put("limited", noted("limited", failing(PassingError(20.0))))
    for key in ("b", "c", "d"):
        jobs.put(key, noted(key, failing()))
    report = await jobs.run()
    assert not report.dead
    assert started[:2] == [("limited", 0.0), ("b", 0.0)]  # b was on its way already
    assert all(at >= 20.0 for _, at in started[2:])
    assert started[-1] == ("limited", 21.0)  # the jitter comes on top


async def test_a_quiet_that_is_too_long_gives_up_all_that_waits_at_once(clock: Clock) -> None:
    jobs = queue(clock, concurrency=1, max_wait=60.0)
    jobs.put("limited", failing(PassingError(3000.0)))
    jobs.put("b", failing())
    report = await jobs.run()
    assert {key: letter.attempts for key, letter in report.dead.items()} == {"limited": 1, "b": 0}
    assert clock.slept == []


async def test_what_runs_when_the_queue_stops_has_its_last_attempt(clock: Clock) -> None:
    jobs = queue(clock, concurrency=2)

    def after(ticks: int, error: Exception) -> Callable[[], Awaitable[str]]:
        async def work() -> str:
            for _ in range(ticks):
                await asyncio.sleep(0)
            raise error

        return work

    jobs.put("limited", after(1, PassingError(3000.0)))
    jobs.put("running", after(3, PassingError()))
    jobs.put("waiting", after(0, PassingError()))
    report = await jobs.run()
    assert {key: letter.attempts for key, letter in report.dead.items()} == {"limited": 1, "running": 1, "waiting": 0}
    assert clock.slept == []


async def test_what_is_added_when_the_queue_has_stopped_is_not_tried(clock: Clock) -> None:
    jobs = queue(clock, concurrency=2)

    async def limited() -> str:
        await asyncio.sleep(0)
        raise PassingError(3000.0)

    async def adding() -> str:
        for _ in range(3):
            await asyncio.sleep(0)
        jobs.put("added", failing())
        return "done"

    jobs.put("limited", limited)
    jobs.put("adding", adding)
    report = await jobs.run()
    assert report.results == {"adding": "done"}
    assert {key: letter.attempts for key, letter in report.dead.items()} == {"limited": 1, "added": 0}
    jobs.put("added", failing())
    assert (await jobs.run()).result("added") == "done"


async def test_a_spent_budget_ends_the_attempts_of_all(clock: Clock) -> None:
    jobs = queue(clock, concurrency=1, budget=Budget(3))
    for key in "abcde":
        jobs.put(key, failing())
    report = await jobs.run()
    assert list(report.results) == ["a", "b", "c"]
    assert {type(letter.error) for letter in report.dead.values()} == {BudgetSpentError}
    assert report.attempts == 3


async def test_a_key_is_there_once(clock: Clock) -> None:
    jobs = queue(clock)
    jobs.put("job", failing())
    with pytest.raises(ValueError, match="job is in the queue already"):
        jobs.put("job", failing())


async def test_work_can_add_work(clock: Clock) -> None:
    jobs = queue(clock)

    async def first() -> str:
        jobs.put("second", failing(PassingError()))
        return "done"

    jobs.put("first", first)
    assert (await jobs.run()).results == {"first": "done", "second": "done"}


async def test_work_that_is_added_runs_as_much_at_once_as_any_other(clock: Clock) -> None:
    jobs, running, most = queue(clock, concurrency=3), 0, 0

    async def noted() -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return "done"

    async def first() -> str:
        for number in range(9):
            jobs.put(f"added {number}", noted)
        return "done"

    jobs.put("first", first)
    assert len((await jobs.run()).results) == 10
    assert most == 3


async def test_a_cancelled_run_keeps_its_work_for_the_next_one(clock: Clock) -> None:
    jobs, gate = queue(clock, concurrency=2), asyncio.Event()

    async def blocked() -> str:
        await gate.wait()
        return "done"

    for key in "abc":
        jobs.put(key, blocked)
    run = asyncio.ensure_future(jobs.run())
    await asyncio.sleep(0.0)
    await asyncio.sleep(0.0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    gate.set()
    assert sorted((await jobs.run()).results) == ["a", "b", "c"]


async def test_work_that_cancels_itself_is_a_dead_letter_and_not_the_end(clock: Clock) -> None:
    jobs = queue(clock, concurrency=1)

    async def cancelled() -> str:
        raise asyncio.CancelledError

    jobs.put("odd", cancelled)
    jobs.put("good", failing())
    report = await jobs.run()
    assert report.results == {"good": "done"}
    assert isinstance(report.dead["odd"].error, WorkCancelledError)


@dataclass
class Scripted:
    """Work that does what its script says, and notes what must never happen."""

    clock: Clock
    script: list[str]
    running: list[int]
    quiet: list[float]
    calls: int = field(default=0)

    async def __call__(self) -> str:
        assert self.clock.now >= self.quiet[0], "started while the server wants quiet"
        self.running[0] += 1
        self.running[1] = max(self.running)
        step = self.script[self.calls] if self.calls < len(self.script) else "ok"
        self.calls += 1
        try:
            await asyncio.sleep(0)
            if step == "fatal":
                raise LookupError(step)
            if step == "again":
                raise PassingError
            if step == "quiet":
                self.quiet[0] = self.clock.now + 10.0
                raise PassingError(10.0)
            return "done"
        finally:
            self.running[0] -= 1


@given(
    scripts=st.lists(st.lists(st.sampled_from(["again", "quiet", "fatal", "ok"]), max_size=5), max_size=12),
    concurrency=st.integers(1, 4),
    attempts=st.integers(1, 4),
    budget=st.none() | st.integers(0, 20),
    cancel_after=st.none() | st.integers(0, 12),
)
@settings(max_examples=150)
def test_whatever_happens_each_key_ends_once_and_within_its_limits(
    scripts: list[list[str]], concurrency: int, attempts: int, budget: int | None, cancel_after: int | None
) -> None:
    async def scenario() -> None:
        clock, running, quiet = Clock(), [0, 0], [0.0]
        limited = None if budget is None else Budget(budget)
        jobs = queue(clock, concurrency=concurrency, attempts=attempts, budget=limited)
        work = {str(number): Scripted(clock, script, running, quiet) for number, script in enumerate(scripts)}
        for key, scripted in work.items():
            jobs.put(key, scripted, priority=len(key))
        if cancel_after is not None:
            run = asyncio.ensure_future(jobs.run())
            for _ in range(cancel_after):
                await asyncio.sleep(0)
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
        report = await jobs.run()
        assert set(report.results) | set(report.dead) == set(work)
        assert not set(report.results) & set(report.dead)
        assert running[0] == 0
        assert running[1] <= concurrency
        assert report.attempts == sum(scripted.calls for scripted in work.values())
        assert budget is None or report.attempts <= budget
        for key, letter in report.dead.items():
            assert isinstance(letter, DeadLetter)
            assert work[key].calls == letter.attempts <= attempts + (cancel_after is not None)

    asyncio.run(scenario())


def test_a_budget_that_is_spent_says_how_much_it_was() -> None:
    budget = Budget(1)
    budget.take()
    with pytest.raises(BudgetSpentError, match="all 1 subrequests"):
        budget.take()
    assert (budget.spent, budget.left) == (1, 0)
