"""What is watched while invocations run, so that each is charged its own CPU time, and none for a debugger's."""

import sys
import threading
from collections.abc import Callable
from typing import Final, final

from pytest_cfworkers.metering.account import Account, switch
from pytest_cfworkers.metering.allocations import watch_allocations
from pytest_cfworkers.metering.breakpoints import watch_breakpoints
from pytest_cfworkers.metering.certificates import watch_certificates
from pytest_cfworkers.metering.replaced import Replaced
from pytest_cfworkers.metering.steps import Adopt, OwnerOf, TrioSteps, watch_asyncio
from pytest_cfworkers.metering.threads import HandOver, watch_threads
from pytest_cfworkers.metering.timeouts import watch_timeouts


@final
class Watch:
    """Watches loops, timeouts, threads, certificates, debuggers and tracemalloc while at least one invocation runs.

    Args:
        owner_of: Tells which account the work of a context belongs to.
        adopt: Lets a context that somebody has made for a task belong to who starts the task.
        hand_over: Makes of a function one that works in another thread for whoever hands it over.
        stands: What is told when the program stands at a breakpoint.
    """

    def __init__(self, owner_of: OwnerOf, adopt: Adopt, hand_over: HandOver, stands: Callable[[], None]) -> None:
        self._owner_of = owner_of
        self._adopt = adopt
        self._hand_over = hand_over
        self._stands = stands
        self._steps: Final = TrioSteps(owner_of)
        self._replaced: Final = Replaced()
        self._lock: Final = threading.Lock()
        self._invocations = 0

    def begin(self, account: Account) -> None:
        """Note that an invocation begins, and let this thread work for its account.

        Inside of a run of trio its tasks are watched from now on.
        """
        before = switch(account)
        if (trio := sys.modules.get("trio")) is not None and trio.lowlevel.in_trio_task():
            self._steps.join(trio, before)
        with self._lock:
            self._invocations += 1
            if self._invocations == 1:
                watch_asyncio(self._replaced, self._owner_of, self._adopt)
                watch_timeouts(self._replaced)
                watch_threads(self._replaced, self._hand_over)
                watch_certificates(self._replaced)
                watch_allocations(self._replaced)
                watch_breakpoints(self._replaced, self._stands)

    def end(self) -> None:
        """Note that one has ended; the last one puts everything back."""
        with self._lock:
            self._invocations -= 1
            if not self._invocations:
                self._replaced.restore()
