"""What is tracked."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import UnionType
from typing import Any, Final, Self

HOT_STARS: Final = 10_000
WARM_STARS: Final = 500


class Tier(StrEnum):
    """How often a repository is refreshed."""

    HOT = "hot"
    WARM = "warm"
    COLD = "cold"

    @classmethod
    def of(cls, repository: "Repository") -> "Tier":
        """Choose a tier by how many people look at a repository."""
        if repository.archived or repository.stars < WARM_STARS:
            return cls.COLD
        return cls.HOT if repository.stars >= HOT_STARS else cls.WARM


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository, as GitHub described it last.

    Attributes:
        id: GitHub's number; it stays when the repository is renamed.
        full_name: `owner/name`.
        description: In the owner's words; None if there are none.
        language: The main language; None if GitHub sees none.
        stars: How many people marked it.
        forks: How many copies there are.
        open_issues: Issues and pull requests that are open.
        archived: Whether it is read-only.
        pushed_at: The last push, as ISO 8601 in UTC; None if there was none.
        etag: The version of this description, for conditional requests; None if GitHub gave none.
    """

    id: int
    full_name: str
    description: str | None = None
    language: str | None = None
    stars: int = 0
    forks: int = 0
    open_issues: int = 0
    archived: bool = False
    pushed_at: str | None = None
    etag: str | None = None

    @classmethod
    def from_github(cls, described: Mapping[str, Any], *, etag: str | None = None) -> Self:
        """Take what is needed out of GitHub's description.

        https://docs.github.com/en/rest/repos/repos#get-a-repository

        Raises:
            KeyError: A field is missing.
            TypeError: A field is something else than GitHub says. D1 would refuse it, and all that is saved with it.
        """
        for name, kind in _FIELDS.items():
            if not isinstance(described[name], kind):
                raise TypeError(f"{name} is {described[name]!r}")
        return cls(
            id=described["id"],
            full_name=described["full_name"],
            description=described["description"],
            language=described["language"],
            stars=described["stargazers_count"],
            forks=described["forks_count"],
            open_issues=described["open_issues_count"],
            archived=described["archived"],
            pushed_at=described["pushed_at"],
            etag=etag,
        )


_TEXT: Final = str | None
_FIELDS: Final[Mapping[str, type | UnionType]] = {
    "id": int,
    "full_name": str,
    "description": _TEXT,
    "language": _TEXT,
    "stargazers_count": int,
    "forks_count": int,
    "open_issues_count": int,
    "archived": bool,
    "pushed_at": _TEXT,
}
"""What is read of GitHub's description, and what it may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryMetrics:
    """The numbers of a repository on one day. A day without them has those of the last day before that has some.

    Attributes:
        repository_id: Whose numbers.
        day: The day in UTC, such as `2026-11-24`. A second refresh on the same day replaces the first.
        stars: As in `Repository`.
        forks: As in `Repository`.
        open_issues: As in `Repository`.
    """

    repository_id: int
    day: str
    stars: int
    forks: int
    open_issues: int

    @classmethod
    def of(cls, repository: Repository, day: str) -> Self:
        """Take the numbers of a repository as those of a day."""
        return cls(
            repository_id=repository.id,
            day=day,
            stars=repository.stars,
            forks=repository.forks,
            open_issues=repository.open_issues,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """What is needed to refresh a repository.

    Attributes:
        id: GitHub's number.
        full_name: `owner/name`, as it was at the last refresh.
        etag: The version that is stored; None if it is unknown.
    """

    id: int
    full_name: str
    etag: str | None = None
