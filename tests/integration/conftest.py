"""A user's project in a folder of its own, in which pytest runs in this process with the plugin installed."""

import os
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, final

import pytest

# Imported once here: pytester forgets what an inner run imported, and the next one would import it all again.
import pytest_cfworkers.clients.watch
import pytest_cfworkers.plugin.runtime
import pytest_cfworkers.report.terminal  # noqa: F401

SENDING: Final = '''
"""Code under test: sends requests to a mock, one after another or many at once."""

import asyncio

import httpx


def answer(request):
    return httpx.Response(200, stream=httpx.ByteStream(b"body"))


def send(number):
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        for _ in range(number):
            client.get("https://example.com/")


async def send_at_once(number):
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        await asyncio.gather(*[client.get("https://example.com/") for _ in range(number)])


def leave_unread(client=None):
    client = client or httpx.Client(transport=httpx.MockTransport(answer))
    return client.send(client.build_request("GET", "https://example.com/"), stream=True)
'''

OTHERS: Final = ("asyncio", "hypothesispytest", "pytest_httpx", "randomly", "rerunfailures", "respx", "xdist")
"""Plugins of others that are installed, too. A test names those that it needs; without the rest a run is quick."""

_PLACE_IN_PLUGIN: Final = re.compile(r"pytest_cfworkers/\S+\.py:\d+")


@final
class Project:
    """A user's project: files, and runs of pytest over them."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path

    def write(self, **files: str) -> None:
        """Write Python files; the name is without its suffix."""
        self.pytester.makepyfile(**files)

    def ini(self, **values: str) -> None:
        """Write a pytest.ini."""
        lines = ["[pytest]", *(f"{key} = {value}" for key, value in values.items())]
        (self.path / "pytest.ini").write_text("\n".join(lines), encoding="utf-8")

    def run(self, *args: str, plugins: tuple[str, ...] = (), shows_plugin: bool = False) -> pytest.RunResult:
        """Run pytest in this process; whatever is asked of it, it shows no error of the plugin itself.

        Args:
            args: Arguments of the command line.
            plugins: The plugins of `OTHERS` that are needed.
            shows_plugin: Whether a place in the plugin's files may be named.
        """
        without = [f"-pno:{name}" for name in OTHERS if name not in plugins]
        result = self.pytester.runpytest_inprocess(*without, *args)
        text = result.stdout.str() + result.stderr.str()
        assert "INTERNALERROR" not in text
        assert shows_plugin or not _PLACE_IN_PLUGIN.search(text), text
        return result

    def refuse(self, *args: str) -> str:
        """Run pytest and expect a usage error; return its text."""
        result = self.run(*args)
        text = result.stderr.str()
        assert result.ret is pytest.ExitCode.USAGE_ERROR
        assert "Traceback" not in text + result.stdout.str()
        assert "ERROR: " in text or "error: " in text
        return text


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
