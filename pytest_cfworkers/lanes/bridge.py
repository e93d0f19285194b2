"""Requests and answers over one process of the runtime, many at once."""

from __future__ import annotations

import contextlib
import itertools
import threading
from concurrent.futures import Future, InvalidStateError
from typing import Any, Final

from pytest_cfworkers.lanes import wire
from pytest_cfworkers.lanes.errors import RuntimeFailed, RuntimeTimeout
from pytest_cfworkers.lanes.process import RuntimeProcess
from pytest_cfworkers.lanes.waiting import wait_for

START_SECONDS: Final = 60.0
CALL_SECONDS: Final = 60.0
"""How long a call may take: twice what production gives a query.

https://developers.cloudflare.com/d1/platform/limits/ (checked 2026-11-24)
"""


class Bridge:
    """A running runtime. Calls may be made from any thread and any event loop, and run at the same time.

    Args:
        call_seconds: How long a call may take before the runtime is stopped.

    Attributes:
        versions: Of `node`, `miniflare` and `workerd`, as they run.
        url: Where the runtime listens, on this machine alone; it refuses everybody but the bridge.
        end_told: Whether some caller has been told that the runtime has ended.

    Raises:
        LaneUnavailable: Node or the runtime is not installed.
        RuntimeFailed: The runtime did not start.
        RuntimeTimeout: It did not say in time that it is ready.
    """

    def __init__(self, *, call_seconds: float = CALL_SECONDS) -> None:
        self.call_seconds = call_seconds
        self.versions: dict[str, str] = {}
        self.url: str = ""
        self.end_told: bool = False
        self._waiting: dict[int, Future[Any]] = {}
        self._guard = threading.Lock()
        self._identifiers = itertools.count(1)
        self._ready: Future[None] = Future()
        self._failure: RuntimeFailed | None = None
        self._reason = ""
        self._closing = False
        self.process: RuntimeProcess = RuntimeProcess(self._on_frame, self._on_end)
        try:
            self._ready.result(START_SECONDS)
        except TimeoutError:
            self._stop(
                RuntimeTimeout(f"The Workers runtime was not ready within {START_SECONDS:g} s", self.process.log)
            )
            self.process.close()
            raise self._failed() from None
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether calls can still be made."""
        return self._failure is None and not self._closing

    async def call(self, request: dict[str, Any]) -> Any:
        """Make one call and wait for its answer.

        Args:
            request: What `runtime/worker.mjs` understands.

        Returns:
            The answer: `{"ok": ...}` or `{"error": ...}`.

        Raises:
            RuntimeFailed: The runtime ended before it answered.
            RuntimeTimeout: It did not answer in time; it was stopped.
        """
        __tracebackhide__ = True
        future = self.start_call(request)
        try:
            return await wait_for(future, seconds=self.call_seconds)
        except TimeoutError:
            raise self._too_late() from None
        except RuntimeFailed:
            self.end_told = True
            raise

    def call_blocking(self, request: dict[str, Any]) -> Any:
        """Make one call from code that cannot await; otherwise as `call`."""
        __tracebackhide__ = True
        future = self.start_call(request)
        try:
            failure = future.exception(self.call_seconds)
        except TimeoutError:
            raise self._too_late() from None
        if failure is not None:
            self.end_told = True
            raise failure
        return future.result()

    def start_call(self, request: dict[str, Any]) -> Future[Any]:
        """Make one call and return its future answer, which a thread of the bridge completes.

        Raises:
            RuntimeFailed: The runtime has ended.
        """
        __tracebackhide__ = True
        payload = wire.dumps(request)
        future: Future[Any] = Future()
        with self._guard:
            if not self.alive:
                self.end_told = True
                raise self._failed()
            identifier = next(self._identifiers)
            self._waiting[identifier] = future
        # Where the process has ended, the reader sees it too, and tells everybody who waits.
        with contextlib.suppress(OSError, ValueError):
            self.process.send(identifier, payload)
        return future

    def close(self) -> None:
        """End the runtime and remove its databases. Idempotent."""
        self._closing = True
        self.end_told = True
        self.process.close()

    def _on_frame(self, identifier: int, payload: bytes) -> None:
        message = wire.loads(payload)
        if identifier:
            with self._guard:
                future = self._waiting.pop(identifier, None)
            if future is not None:
                future.set_result(message)
        elif "ready" in message:
            self.versions = message["ready"]["versions"]
            self.url = message["ready"]["url"]
            self.process.runtime_pid = message["ready"]["pid"]
            self._ready.set_result(None)
        else:
            self._reason = message["failed"]

    def _on_end(self) -> None:
        if self._closing:
            self._stop(RuntimeFailed("The Workers runtime was closed", ""))
            return
        self.process.finish()
        reason = self._reason or "the bridge to the Workers runtime ended"
        happened = f"{reason[0].upper()}{reason[1:]} (exit status {self.process.exit_status})"
        self._stop(RuntimeFailed(happened, self.process.log))

    def _stop(self, failure: RuntimeFailed) -> None:
        """Let everybody who waits know; the first failure counts."""
        with self._guard:
            self._failure = self._failure or failure
            waiting, self._waiting = [self._ready, *self._waiting.values()], {}
        for future in waiting:
            with contextlib.suppress(InvalidStateError):
                future.set_exception(self._failed())
        self.process.kill()

    def _failed(self) -> RuntimeFailed:
        """The failure as a new exception, so that each raise has its own traceback."""
        failure = self._failure or RuntimeFailed("The Workers runtime was closed", "")
        return type(failure)(failure.happened, failure.log)

    def _too_late(self) -> RuntimeFailed:
        happened = f"The Workers runtime did not answer within {self.call_seconds:g} s and was stopped"
        self._stop(RuntimeTimeout(happened, self.process.log))
        self.end_told = True
        return self._failed()
