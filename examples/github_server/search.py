"""What a search finds: words, and the qualifiers that people use most."""

import operator
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from .catalogue import Repository

RESULTS: Final = 1_000
"""Results that can be paged through, however many there are."""

_COMPARISONS: Final[dict[str, Callable[[int, int], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "": operator.eq,
}
_NUMBERS: Final = {"stars": "stars", "forks": "forks", "size": "size"}
_SORTS: Final = {"stars": "stars", "forks": "forks", "updated": "updated_day"}


class UnknownQualifierError(ValueError):
    """A qualifier that is not understood here: finding the wrong things would be worse than saying so."""


def search(repositories: Iterable[Repository], text: str, sort: str = "", order: str = "desc") -> list[Repository]:
    """Return what a query finds, all of it.

    Args:
        repositories: Where to look.
        text: Words and qualifiers: `language:`, `topic:`, `user:`, `org:`, `stars:>=100` and the like.
        sort: "stars", "forks" or "updated"; everything else is the best match, here the order of the numbers.
        order: "asc" or "desc".

    Raises:
        UnknownQualifierError: The query has a qualifier that is not understood here.
    """
    matchers = [_matcher(term) for term in text.split()]
    results = [repository for repository in repositories if all(matches(repository) for matches in matchers)]
    if sort in _SORTS:
        results.sort(key=operator.attrgetter(_SORTS[sort]), reverse=order != "asc")
    return results


def _matcher(term: str) -> Callable[[Repository], bool]:
    name, colon, value = term.partition(":")
    if not colon:
        return lambda repository: term.lower() in f"{repository.name} {repository.description or ''}".lower()
    if name in _NUMBERS:
        return _numbers(_NUMBERS[name], value)
    getters: dict[str, Callable[[Repository], Any]] = {
        "language": lambda repository: [(repository.language or "").lower()],
        "topic": lambda repository: repository.topics,
        "user": lambda repository: [repository.owner.login],
        "org": lambda repository: [repository.owner.login],
    }
    if name not in getters:
        raise UnknownQualifierError(f"{term}; known: {', '.join([*getters, *_NUMBERS])}")
    return lambda repository: value.lower() in getters[name](repository)


def _numbers(attribute: str, value: str) -> Callable[[Repository], bool]:
    match = re.fullmatch(r"(>=|<=|>|<|)(\d{1,18})", value)
    if match is None:
        raise UnknownQualifierError(f"{attribute}:{value}; known: a number, or >=, <=, > or < and a number")
    compare, bound = _COMPARISONS[match[1]], int(match[2])
    return lambda repository: compare(getattr(repository, attribute), bound)
