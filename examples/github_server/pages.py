"""Pages of a listing, and the `Link` header that leads through them.

https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api, checked on 2026-11-24.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar, final
from urllib.parse import urlencode

T = TypeVar("T")

DEFAULT_SIZE: Final = 30
"""Items on a page for whom nothing else is asked."""

LARGEST_SIZE: Final = 100
"""Items on a page at most; more may be asked for, and this many come."""


@final
@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing.

    Attributes:
        items: What is on it.
        number: Its number, from 1.
        last: The number of the last page; 1 where there is nothing.
        size: Items on a page.
    """

    items: Sequence[T]
    number: int
    last: int
    size: int

    @classmethod
    def of(cls, items: Sequence[T], query: Mapping[str, str]) -> "Page[T]":
        """Cut the page that a query asks for out of everything."""
        size = min(_number(query.get("per_page"), DEFAULT_SIZE), LARGEST_SIZE)
        number = _number(query.get("page"), 1)
        last = max(1, -(-len(items) // size))
        return cls(items[(number - 1) * size : number * size], number, last, size)

    def link(self, url: str, query: Mapping[str, str]) -> str | None:
        """Return the `Link` header, in GitHub's order; None where there is one page only.

        Args:
            url: The address of the listing, without its query.
            query: The query as it was asked, which the links repeat.
        """
        targets: dict[str, int] = {}
        if self.number > 1:
            targets["prev"] = min(self.number - 1, self.last)
        if self.number < self.last:
            targets |= {"next": self.number + 1, "last": self.last}
        if self.number > 1:
            targets["first"] = 1
        links = [f'<{url}?{urlencode({**query, "page": page})}>; rel="{rel}"' for rel, page in targets.items()]
        return ", ".join(links) or None


def _number(text: str | None, default: int) -> int:
    """Read a number from 1; anything else is taken for the default, as GitHub does."""
    return int(text) if text and re.fullmatch(r"0*[1-9]\d{0,17}", text) else default
