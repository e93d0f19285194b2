"""`GitHub`: the server as a test has it, a process that is started and ended, and its control."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final, final

from .catalogue import Catalogue

_PACKAGE: Final = Path(__file__).parent
_PATIENCE_S: Final = 20.0


@final
class GitHub:
    """A running server.

    Its control is not asked through httpx, so no guard counts it, and over one connection, which the journal sees.

    Args:
        url: Its address.
        catalogue: What it serves.

    Attributes:
        url: Its address, in place of https://api.github.com.
        catalogue: What it served at its start: drawn here once more, from the same seed.
    """

    def __init__(self, url: str, catalogue: Catalogue) -> None:
        self.url = url
        self.catalogue = catalogue
        self._control = HTTPConnection(url.removeprefix("http://"), timeout=_PATIENCE_S)

    def names(self, *numbers: int) -> list[str]:
        """Return the full names of repositories by their numbers."""
        names = {repository.id: repository.full_name for repository in self.catalogue}
        return [names[number] for number in numbers]

    def fault(self, kind: str, path: str = "*", **attributes: Any) -> None:
        """Let something go wrong.

        Args:
            kind: A kind of `faults.Fault`.
            path: Which paths, with `*` for any part of one.
            attributes: The other attributes of `faults.Fault`, such as `times` and `probability`.

        Raises:
            ValueError: One of them makes no sense; the message says what does.
        """
        self._ask("POST", "faults", {"kind": kind, "path": path, **attributes})

    def release(self) -> None:
        """Let the slow answers go on that wait."""
        self._ask("POST", "release")

    def limit(self, limit: int, *, resource: str = "core", window_s: float = 3_600.0) -> None:
        """Give everybody another primary rate limit, from now on.

        Args:
            limit: Requests in a window.
            resource: "core" or "search".
            window_s: Seconds.
        """
        self._ask("POST", "limits", {"resource": resource, "limit": limit, "window_s": window_s})

    def change(self, number: int, **attributes: Any) -> str:
        """Change a repository.

        Args:
            number: Its number.
            attributes: Attributes of `catalogue.Repository`, such as `stars`; a new `name` renames it.

        Returns:
            Its full name.
        """
        return str(self._ask("POST", f"repositories/{number}", attributes)["full_name"])

    def reset(self) -> None:
        """End faults, undo changes, renew rate limits, forget what happened."""
        self._ask("POST", "reset")

    def journal(self) -> dict[str, Any]:
        """Return what happened: see `journal.Journal`."""
        return self._ask("GET", "journal")

    def statuses(self) -> Counter[int]:
        """Return how often each status was answered; 0 is a connection that was reset."""
        return Counter(entry["status"] for entry in self.journal()["entries"])

    def close(self) -> None:
        """Close the connection to the control; it is opened again where it is needed."""
        self._control.close()

    def _ask(self, method: str, name: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
        self._control.request(method, f"/_control/{name}", json.dumps(data or {}))
        response = self._control.getresponse()
        value: dict[str, Any] = json.loads(response.read())
        if response.status != 200:
            raise ValueError(value["message"])
        return value


@contextmanager
def running(*, seed: int = 7, size: int = 2_000, latency_s: float = 0.0) -> Iterator[GitHub]:
    """Serve in a process of its own while the block lasts.

    Args:
        seed: What repositories and faults are drawn from.
        size: How many repositories there are.
        latency_s: Seconds that every answer takes.
    """
    command = [sys.executable, "-m", _PACKAGE.name, "--until-eof"]
    command += [f"--seed={seed}", f"--size={size}", f"--latency={latency_s}"]
    process = subprocess.Popen(  # noqa: S603 - our own arguments
        command, cwd=_PACKAGE.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError(f"the server did not start: {' '.join(command)} ended with {process.wait()}")
        github = GitHub(url, Catalogue(seed, size))
        try:
            yield github
        finally:
            github.close()
    finally:
        process.stdin.close()  # which the server takes for the end of its parent
        process.stdout.close()
        process.wait(_PATIENCE_S)
