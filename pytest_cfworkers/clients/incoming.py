"""Requests into an app under test: each is an event for the app, and so an invocation of its own."""

from typing import Any, final

from pytest_cfworkers import attribution
from pytest_cfworkers.clients.dialect import Dialect
from pytest_cfworkers.invocation import Invocation


@final
class Event:
    """One request into an app under test, from its start until the app's response is read or closed."""

    __slots__ = ("_dialect", "_invocation", "_token")

    def __init__(self, parent: Invocation, name: str, dialect: Dialect) -> None:
        self._dialect = dialect
        self._invocation = parent.child(name)
        self._invocation.start()

    def must_wait(self, asynchronous: bool) -> bool:  # noqa: ARG002 - the same for both
        """Tell that the request starts at once: requests into the app are not limited."""
        return False

    def wait(self) -> None:
        """Start at once: requests into the app are not limited."""

    async def wait_async(self) -> None:
        """Start at once: requests into the app are not limited."""

    def begin(self) -> None:
        """Let what the app does from here on belong to the event."""
        self._token = attribution.enter(self._invocation)

    def leave(self) -> None:
        """End what `begin` began."""
        attribution.leave(self._token)

    def received(self, response: Any, asynchronous: bool) -> Any:
        """Return the response whose end is the end of the event."""
        if response.is_closed or not self._dialect.is_readable(response.stream, asynchronous=asynchronous):
            self.end()
        else:
            make = self._dialect.async_body if asynchronous else self._dialect.body
            response.stream = make(response.stream, self)
        return response

    def end(self) -> None:
        """End the event; a second end changes nothing."""
        self._invocation.finish()

    def reading(self) -> None:
        """Let what the app does to make the next part of its response belong to the event."""
        self.begin()

    def paused(self) -> None:
        """End what `reading` began: until the next part is asked for, the reader does its own work."""
        self.leave()

    def fail(self, error: BaseException) -> None:  # noqa: ARG002 - whatever it was
        """End the event: the app gave no response."""
        self.end()

    def consumed(self) -> None:
        """End the event: the response was read to its end."""
        self.paused()
        self.end()

    def failed(self, error: BaseException) -> None:  # noqa: ARG002 - whatever it was
        """End the event: reading the response raised."""
        self.paused()
        self.end()

    def cancelled(self) -> None:
        """End the event: the response was closed."""
        self.end()

    def abandoned(self) -> None:
        """End the event: the response was garbage collected."""
        self.end()
