"""A user's project in a folder of its own, in which pytest runs in this process with the plugin installed."""

import re
import warnings
from typing import Final, final

import pytest

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

    def run(
        self, *args: str, plugins: tuple[str, ...] = (), shows_plugin: bool = False, apart: bool = False
    ) -> pytest.RunResult:
        """Run pytest; whatever is asked of it, it shows no error of the plugin itself.

        Args:
            args: Arguments of the command line.
            plugins: The plugins of `OTHERS` that are needed.
            shows_plugin: Whether a place in the plugin's files may be named.
            apart: Whether it runs in a process of its own, with a heap that no other test has used. It is slower.
        """
        without = [f"-pno:{name}" for name in OTHERS if name not in plugins]
        with warnings.catch_warnings():
            warnings.resetwarnings()  # the run outside turns warnings into errors
            run = self.pytester.runpytest_subprocess if apart else self.pytester.runpytest_inprocess
            result = run(*without, *args)
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
