"""`guard_app`: makes each request into an app an invocation of its own, whatever client sends it."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, final

from pytest_cfworkers import attribution
from pytest_cfworkers.invocation import Invocation

_ASGI_ARGUMENTS = 3


def guard_app(app: Callable[..., Any]) -> "GuardedApp":
    """Wrap an app so that each request it handles in a guarded test is an invocation of its own.

    httpx's `ASGITransport` and `WSGITransport` and the `TestClient` of Starlette and FastAPI need no wrapping.
    Others do: `app.wsgi_app = guard_app(app.wsgi_app)` for the test client of Flask, and
    `client.handler = guard_app(client.handler)` for the test clients of Django.

    Args:
        app: An ASGI app, a WSGI app, or a handler that takes one request and returns its response.

    Returns:
        An app of the same kind. In a test that is not guarded it only passes on.
    """
    return _GuardedAsyncApp(app) if _is_async(app) else GuardedApp(app)


class GuardedApp:
    """An app whose requests are invocations of their own; made by `guard_app`."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app

    def __getattr__(self, name: str) -> Any:
        return getattr(self.app, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Handle one request."""
        # A server that a fixture started in the test's loop belongs to nobody, and asks for this all the same.
        parent = attribution.current() or attribution.latest()
        if parent is None or _is_lifespan(args):
            return self.app(*args, **kwargs)
        event = parent.child(_name(args))
        event.start()
        try:
            with attribution.belonging_to(event):
                result = self.app(*args, **kwargs)
        except BaseException:
            event.finish()
            raise
        if inspect.isawaitable(result):
            return _awaited(result, event)
        if _is_wsgi(args):
            return _Streamed(result, event)
        event.finish()
        return result


@final
class _GuardedAsyncApp(GuardedApp):
    """The same for an app that is asynchronous, and seen to be: servers and test clients ask for that."""

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Handle one request."""
        return await super().__call__(*args, **kwargs)


@final
class _Streamed:
    """A WSGI response, at whose end the invocation ends."""

    def __init__(self, parts: Any, event: Invocation) -> None:
        self._parts = parts
        self._event = event

    def __iter__(self) -> Iterator[bytes]:
        parts = iter(self._parts)
        while True:
            # Part by part: what the reader does between them is the reader's own.
            with attribution.belonging_to(self._event):
                try:
                    part = next(parts)
                except StopIteration:
                    return
            yield part

    def close(self) -> None:
        try:
            if hasattr(self._parts, "close"):
                with attribution.belonging_to(self._event):
                    self._parts.close()
        finally:
            self._event.finish()


async def _awaited(result: Any, event: Invocation) -> Any:
    try:
        with attribution.belonging_to(event):
            return await result
    finally:
        event.finish()


def _is_async(app: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(type(app).__call__)


def _is_lifespan(args: tuple[Any, ...]) -> bool:
    return len(args) == _ASGI_ARGUMENTS and args[0].get("type") == "lifespan"


def _is_wsgi(args: tuple[Any, ...]) -> bool:
    return len(args) == _ASGI_ARGUMENTS - 1


def _name(args: tuple[Any, ...]) -> str:
    """Name the request: both interfaces describe it in a mapping, under names of their own."""
    scope = args[0] if args and isinstance(args[0], dict) else {}
    method = scope.get("method") or scope.get("REQUEST_METHOD") or scope.get("type", "request")
    return f"{method} {scope.get('path') or scope.get('PATH_INFO') or '/'}"
