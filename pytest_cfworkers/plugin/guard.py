"""`Guard`: what watches one test. Each call of the test's function is an invocation."""

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, final

import pytest

from pytest_cfworkers.budgets.memory import MemoryBudget
from pytest_cfworkers.clients.watch import watch
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.invocation import Invocation
from pytest_cfworkers.owner import foreign_folders
from pytest_cfworkers.plugin import state_machine
from pytest_cfworkers.plugin.causes import behind
from pytest_cfworkers.plugin.marks import WATCHED_LIMITS, marks_of
from pytest_cfworkers.report.model import TestRecord
from pytest_cfworkers.violation import CfLimitExceeded, Violation


@final
class Guard:
    """The guard of one test.

    Args:
        item: The test.
        limits: The limits in force.
        enforce: Whether a broken limit fails the test.
        incoming: Whether requests into an app under test are invocations of their own.
        tolerates: Tells of a violation whether it is known already, and so fails nothing; None where none is.

    Attributes:
        limits: The limits in force. They may be changed until the test's function is called.
        marks: The marks that they were worked out from.
        enforce: Whether a broken limit fails the test.
        closers: What is to be awaited when the test's function, a coroutine, ends; the last first.
        stopped_by: What stopped the program since the test is called, such as a breakpoint; "" for nothing.
        starters: What is to be told of each invocation of the test's function when it begins.
        measures_memory: Whether memory is measured also where it has no limit.
    """

    def __init__(
        self,
        item: pytest.Item,
        limits: Limits,
        *,
        enforce: bool,
        incoming: bool,
        tolerates: Callable[[Violation], bool] | None = None,
    ) -> None:
        self.limits = limits
        self.marks: list[pytest.Mark] = marks_of(item)
        self.enforce = enforce
        self.closers: list[Callable[[], Awaitable[None]]] = []
        self.stopped_by: str = ""
        self.starters: list[Callable[[Invocation], None]] = []
        self.measures_memory = False
        self._item = item
        self._incoming = incoming
        self._tolerates = tolerates
        self._invocations: list[Invocation] = []
        self._called: Invocation | None = None
        self._blocks = 0
        self._caught: list[Invocation] = []
        self._verdict: CfLimitExceeded | None = None

    @property
    def invocation(self) -> Invocation:
        """The invocation of the function call that runs, or ran last."""
        __tracebackhide__ = True
        if not self._invocations:
            raise RuntimeError("The invocation of a test begins with its function, after its fixtures are set up.")
        return self._invocations[-1]

    @property
    def runs(self) -> bool:
        """Whether the test's function runs."""
        return self._called is not None and self._called.running

    def open(self, limits: Limits) -> Invocation:
        """Make an invocation that the test opens for itself: an assertion of its own, whatever the run enforces.

        Raises:
            RuntimeError: The test's function does not run: the invocation of the test would hide the block, and what a
                fixture sends is not watched.
        """
        __tracebackhide__ = True
        if not self.runs:
            raise RuntimeError(
                "A block of cf_invocation stands in the test's function, which does not run here: a fixture cannot "
                "open it, neither before the function nor after it. Open it in the test, or let the fixture return a "
                "function that opens it."
            )
        self._blocks += 1
        block = Invocation(limits, name=f"block {self._blocks} of cf_invocation", opener=self._called)
        self._invocations.append(block)
        return block

    @contextmanager
    def around(self) -> Iterator[None]:
        """Wrap the run of the test so that each call of its function is guarded.

        The function is replaced, not the run: what pytest and unittest do around it is not the Worker's work.
        """
        self._invocations.clear()
        self._caught.clear()
        self._verdict = None
        self.stopped_by = ""
        foreign_folders()
        MemoryBudget(self.limits).prepare()  # it may take long, and the time of the function is not its own
        with ExitStack() as stack:
            functions = self._functions()
            for owner, name, guarded in functions:
                function = getattr(owner, name)
                stack.callback(setattr, owner, name, function)
                setattr(owner, name, guarded(function))
            if not functions:
                stack.enter_context(self._running())
            yield

    def record(self, *, timelines: bool) -> TestRecord | None:
        """Derive what reports tell of the test; None if its function never ran.

        Args:
            timelines: Whether to tell what was open when, also where the connections were no problem.
        """
        if self._called is None:
            return None
        made = tuple(self._invocations)
        before = made[: made.index(self._called)]
        return TestRecord.of(
            self._item.nodeid,
            made,
            caught=self._caught,
            replaced=[one for one in before if one.raised and one not in self._caught],
            timelines=timelines,
            root=str(self._item.config.rootpath),
        )

    def is_verdict(self, error: BaseException | None) -> bool:
        """Tell whether an error is the guard's own verdict."""
        return error is not None and error is self._verdict

    def _functions(self) -> list[tuple[Any, str, Callable[[Callable[..., Any]], Callable[..., Any]]]]:
        """Where the test's function is found by who calls it, and what makes a guarded one of it."""
        item = self._item
        if not isinstance(item, pytest.Function):
            return []
        if (handle := getattr(item.obj, "hypothesis", None)) is not None:
            return [(handle, "inner_test", self._guarded)]  # each example is an invocation
        if (stateful := state_machine.module_of(item.obj)) is not None:
            return [(stateful, state_machine.MAKER, partial(state_machine.guarding, guarded=self._guarded))]
        if inspect.iscoroutinefunction(item.obj) and _is_unittest(item):
            return [(item.instance, item.name, self._guarded)]
        return [(item, "obj", self._guarded)]

    def _guarded(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def guarded_async(*args: Any, **kwargs: Any) -> Any:
                __tracebackhide__ = True
                try:
                    with self._running(function):
                        return await function(*args, **kwargs)
                finally:
                    while self.closers:
                        await self.closers.pop()()

            return guarded_async

        @functools.wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            with self._running(function):
                return function(*args, **kwargs)

        return guarded

    @contextmanager
    def _running(self, function: Callable[..., Any] | None = None) -> Iterator[None]:
        __tracebackhide__ = True
        self._called, self._blocks = None, 0
        invocation = self._called = Invocation(self.limits, enforce=self.enforce, name=self._item.nodeid)
        self._invocations.append(invocation)
        first = len(self._invocations)
        invocation.tolerates = self._tolerates
        invocation.times.stopped_by = self.stopped_by
        invocation.memory.measured |= self.measures_memory
        with ExitStack() as stack:
            if self.limits.percentiles or any(self.limits[key] is not None for key in WATCHED_LIMITS):
                stack.enter_context(watch(incoming=self._incoming))
            try:
                with invocation, self._looking(function, invocation.memory):
                    for start in self.starters:
                        start(invocation)
                    yield
                self._judge(self._invocations[first:])
            except BaseException as error:
                if isinstance(error, CfLimitExceeded) and error.violations == invocation.violations:
                    self._verdict = error
                self._note_caught(self._invocations[first:], error)
                raise
            self._note_caught(self._invocations[first:], None)

    def _note_caught(self, blocks: list[Invocation], error: BaseException | None) -> None:
        """Note the blocks that raised what the test caught, since it expected it: its function does not end by that.

        Its own invocation is never one of them: hypothesis may catch what that raises, the test cannot.
        """
        fatal = [one.violations for one in behind(error) if isinstance(one, CfLimitExceeded)]
        self._caught += [block for block in blocks if block.raised and block.violations not in fatal]

    def _judge(self, blocks: list[Invocation]) -> None:
        """Raise for blocks that were ended by an exception which the test expected: nobody has told what they broke."""
        __tracebackhide__ = True
        ended = [block for block in blocks if not block.running and not block.raised]
        if untold := [found for block in ended for found in block.violations]:
            self._verdict = CfLimitExceeded(untold)
            raise self._verdict

    @contextmanager
    def _looking(self, function: Callable[..., Any] | None, memory: MemoryBudget) -> Iterator[None]:
        """Let what measures memory look when the function returns."""
        if memory.tracker is None or function is None:
            yield
            return
        from pytest_cfworkers.memory.returns import at_return  # noqa: PLC0415 - only where memory is limited

        with at_return(function, memory.tracker.look):
            yield


def _is_unittest(item: pytest.Function) -> bool:
    return hasattr(item, "addFailure")
