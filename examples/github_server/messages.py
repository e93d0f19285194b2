"""A request and an answer, whatever carries them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, final
from urllib.parse import parse_qsl, urlsplit


@final
@dataclass(frozen=True, slots=True)
class Request:
    """What was asked.

    Attributes:
        method: The method.
        path: The path, without the query.
        query: The query; of a name that is given twice, the last.
        headers: The headers, their names in lower case.
        body: The body.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @classmethod
    def to(cls, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Self:
        """Make one from the target of a request line."""
        parts = urlsplit(target)
        return cls(method, parts.path, dict(parse_qsl(parts.query)), headers, body)

    @property
    def root(self) -> str:
        """The address that the client used for this server, without a path."""
        return f"http://{self.headers.get('host', 'localhost')}"


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered.

    Attributes:
        status: The status.
        headers: The headers but for the length and the date.
        body: The body.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Self:
        """Make one that carries JSON."""
        body = json.dumps(value, separators=(",", ":")).encode()
        return cls(status, {"content-type": "application/json; charset=utf-8", **(headers or {})}, body)

    def with_headers(self, headers: Mapping[str, str]) -> "Answer":
        """Return it with more headers."""
        return Answer(self.status, {**self.headers, **headers}, self.body)
