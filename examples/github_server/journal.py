"""What happened: every request, and how many ran and were connected at once, as the server saw it."""

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, Final, final

KEPT: Final = 20_000
"""Entries that are kept; older ones are dropped."""


@final
@dataclass(slots=True, eq=False)
class Entry:
    """One request.

    Attributes:
        method: Its method.
        path: Its path, without the query.
        status: The status of the answer; 0 where the connection was reset in place of one.
        fault: The kind of fault that struck it; None if none did.
    """

    method: str
    path: str
    status: int
    fault: str | None


@final
class Journal:
    """What happened since it was last cleared.

    Attributes:
        sockets: Connections that are open.
    """

    def __init__(self) -> None:
        self.sockets = 0
        self.clear()

    def clear(self) -> None:
        """Forget everything but the connections that are open."""
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._requests = 0
        self._running: set[Entry] = set()
        self._peak_running = 0
        self._peak_sockets = self.sockets

    def connect(self, change: int) -> None:
        """Note that a connection was opened (1) or closed (-1)."""
        self.sockets += change
        self._peak_sockets = max(self._peak_sockets, self.sockets)

    def begin(self, method: str, path: str, fault: str | None) -> Entry:
        """Note a request that has come, whole."""
        entry = Entry(method, path, 0, fault)
        self._entries.append(entry)
        self._requests += 1
        self._running.add(entry)
        self._peak_running = max(self._peak_running, len(self._running))
        return entry

    def end(self, entry: Entry) -> None:
        """Note that the last of a request's answer goes out now, or never will; the second time nothing happens.

        It is noted before it goes out: afterwards the client may be here with its next request already.
        """
        self._running.discard(entry)

    def as_dict(self) -> dict[str, Any]:
        """Return it as the control shows it."""
        return {
            "requests": self._requests,
            "peak_running": self._peak_running,
            "peak_sockets": self._peak_sockets,
            "entries": [asdict(entry) for entry in self._entries],
        }
