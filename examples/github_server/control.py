"""The other side of the server: tests say here what goes wrong and ask what happened. GitHub has nothing like it.

| request | what it does |
|---|---|
| `POST /_control/faults` | brings a fault into force: the attributes of `Fault` as JSON |
| `POST /_control/release` | lets the slow answers go on that wait for it |
| `POST /_control/limits` | another primary rate limit: `{"resource": "core", "limit": 3, "window_s": 60}` |
| `POST /_control/repositories/7` | changes a repository: attributes of `Repository` as JSON |
| `POST /_control/reset` | ends faults, undoes changes, renews rate limits, clears the journal |
| `GET /_control/journal` | what happened since the last reset |
"""

import json
import time
from asyncio import Event
from typing import Any, Final, final

from .api import Api
from .catalogue import Catalogue
from .faults import Fault, Faults
from .journal import Journal
from .messages import Answer, Request
from .rate_limits import RateLimits

PREFIX: Final = "/_control/"


@final
class Control:
    """All that a test can change.

    Args:
        seed: What everything is drawn from.
        size: How many repositories there are.

    Attributes:
        api: The API.
        faults: What goes wrong.
        journal: What happened.
        released: Set when the slow answers that wait may go on.
    """

    def __init__(self, seed: int, size: int) -> None:
        self.api = Api(Catalogue(seed, size), RateLimits(time.time))
        self.faults = Faults(seed)
        self.journal = Journal()
        self.released = Event()
        self._changed = False

    def answer(self, request: Request) -> Answer:
        """Do what a request to the control asks for."""
        name, _, argument = request.path.removeprefix(PREFIX).partition("/")
        try:
            data: dict[str, Any] = json.loads(request.body or b"{}")
            value = getattr(self, f"_{request.method}_{name}".lower(), self._unknown)(data, argument)
        except (ValueError, TypeError, KeyError) as error:
            return Answer.of({"message": str(error)}, 400)
        return Answer.of(value)

    def _unknown(self, *_: object) -> None:
        raise ValueError("there is no such control; see the docstring of control.py")

    def _post_faults(self, data: dict[str, Any], _: str) -> dict[str, Any]:
        self.faults.add(Fault.from_dict(data))
        return {}

    def _post_release(self, *_: object) -> dict[str, Any]:
        self.released.set()
        self.released = Event()
        return {}

    def _post_limits(self, data: dict[str, Any], _: str) -> dict[str, Any]:
        self.api.limits.set(**data)
        return {}

    def _post_repositories(self, data: dict[str, Any], number: str) -> dict[str, Any]:
        self._changed = True
        return {"full_name": self.api.catalogue.change(int(number), **data).full_name}

    def _post_reset(self, *_: object) -> dict[str, Any]:
        self._post_release()
        self.faults.clear()
        self.journal.clear()
        self.api.limits = RateLimits(time.time)
        if self._changed:
            self.api.catalogue.restore()
            self._changed = False
        return {}

    def _get_journal(self, *_: object) -> dict[str, Any]:
        return self.journal.as_dict()
