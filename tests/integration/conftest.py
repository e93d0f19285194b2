"""What the integration tests share: a user's project, kept apart from the run outside, and a server to talk to."""

import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, final

import httpx  # noqa: F401
import httpx2  # noqa: F401
import pytest
import trio  # noqa: F401

# Imported once here: pytester forgets what an inner run imported, and the next one would import it all again.
import pytest_cfworkers.clients.watch
import pytest_cfworkers.plugin.runtime
import pytest_cfworkers.report.terminal
from tests.integration.user_project import SENDING, Project

if sys.platform == "linux":
    import pytest_cfworkers.memory.highwater  # noqa: F401


@pytest.fixture(autouse=True)
def user_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the options and the terminal of the run outside from the runs inside."""
    for name in list(os.environ):
        if name.startswith(("PYTEST_CF_", "PYTEST_XDIST_")) or name in {"CI", "BUILD_NUMBER", "GITHUB_ACTIONS"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """Make a project that has `sending.py`, the code under test."""
    pytester.makepyfile(sending=SENDING)
    return Project(pytester)


@final
class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with a small body, and keep the connection open."""
        self.send_response(200)
        self.send_header("content-length", "4")
        self.end_headers()
        self.wfile.write(b"body")

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """Run a server on the loopback interface; the URL of its root."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()
