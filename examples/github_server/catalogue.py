"""What there is on this GitHub: owners and their repositories, the same for the same seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, final

_LANGUAGES: Final = ("Python", "TypeScript", "Rust", "Go", "C", "Shell", None)
_TOPICS: Final = ("workers", "testing", "http", "sqlite", "cli", "async")
_ADJECTIVES: Final = ("amber", "brisk", "calm", "dusty", "eager", "fuzzy", "gentle", "hollow")
_NOUNS: Final = ("anchor", "badger", "comet", "delta", "engine", "falcon", "garden", "harbor")
_LICENSES: Final = (("mit", "MIT License", "MIT"), ("apache-2.0", "Apache License 2.0", "Apache-2.0"), None)

OWNERS: Final = 20
"""Owners; every second is an organization."""

RENAMED_EVERY: Final = 25
"""One repository in so many was renamed and is still asked for by its former name."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """An account.

    Attributes:
        id: Its number.
        login: Its name.
        kind: "User" or "Organization".
    """

    id: int
    login: str
    kind: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository.

    Attributes:
        id: Its number, which it keeps when it is renamed.
        owner: Whose it is.
        name: Its name today.
        former_name: The name that it had before; None if it was never renamed.
        description: A sentence, or None.
        language: Its language, or None.
        topics: Words for what it is about.
        license: Key, name and SPDX identifier of its license, or None.
        stars: How many people starred it.
        forks: How many forks it has.
        watchers: How many people subscribed to it.
        open_issues: How many issues and pull requests are open.
        size: Kilobytes.
        updated_day: The day of its last change, counted from 2026-01-01.
    """

    id: int
    owner: Owner
    name: str
    former_name: str | None
    description: str | None
    language: str | None
    topics: tuple[str, ...]
    license: tuple[str, str, str] | None
    stars: int
    forks: int
    watchers: int
    open_issues: int
    size: int
    updated_day: int

    @property
    def full_name(self) -> str:
        """Owner and name."""
        return f"{self.owner.login}/{self.name}"


@final
class Catalogue:
    """All owners and repositories.

    Args:
        seed: What everything is drawn from. A repository depends on the seed and its number, on nothing else.
        size: How many repositories there are; their numbers are 1 to `size`.
    """

    def __init__(self, seed: int, size: int) -> None:
        self._seed = seed
        self._size = size
        owners = [
            Owner(id=1000 + number, login=f"{_NOUNS[number % 8]}-{number}", kind=("User", "Organization")[number % 2])
            for number in range(OWNERS)
        ]
        self._owners = {owner.login: owner for owner in owners}
        self.restore()

    def restore(self) -> None:
        """Undo all changes."""
        owners = list(self._owners.values())
        self._by_id = {number: self._drawn(number, owners[number % OWNERS]) for number in range(1, self._size + 1)}
        self._by_name = {repository.full_name: repository.id for repository in self}
        self._former = {
            f"{repository.owner.login}/{repository.former_name}": repository.id
            for repository in self
            if repository.former_name
        }

    def __iter__(self) -> Iterator[Repository]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def owner(self, login: str) -> Owner | None:
        """Return an account by its name or its number."""
        return self._owners.get(login) or next(
            (owner for owner in self._owners.values() if str(owner.id) == login), None
        )

    def of(self, owner: Owner) -> list[Repository]:
        """Return the repositories of an account."""
        return [repository for repository in self if repository.owner == owner]

    def by_id(self, number: int) -> Repository | None:
        """Return a repository by its number."""
        return self._by_id.get(number)

    def by_name(self, full_name: str) -> Repository | None:
        """Return a repository by owner and name of today."""
        return self._by_id.get(self._by_name.get(full_name, 0))

    def by_former_name(self, full_name: str) -> Repository | None:
        """Return a repository by owner and the name that it had."""
        return self._by_id.get(self._former.get(full_name, 0))

    def change(self, number: int, **fields: Any) -> Repository:
        """Change a repository. A new name leaves the old one behind as one that leads to it.

        Args:
            number: Its number.
            fields: Attributes of `Repository`.

        Returns:
            The repository as it is now.

        Raises:
            ValueError: There is no such repository.
            TypeError: It has no such attribute.
        """
        old = self._by_id.get(number)
        if old is None:
            raise ValueError(f"there is no repository {number}; there are 1 to {self._size}")
        if (name := fields.get("name", old.name)) != old.name:
            fields["former_name"] = old.name
            self._former[old.full_name] = number
            del self._by_name[old.full_name]
            self._by_name[f"{old.owner.login}/{name}"] = number
        self._by_id[number] = replace(old, **fields)
        return self._by_id[number]

    def _drawn(self, number: int, owner: Owner) -> Repository:
        draw = random.Random(f"{self._seed}:{number}")  # noqa: S311 - the same for the same seed is what is wanted
        name = f"{draw.choice(_ADJECTIVES)}-{draw.choice(_NOUNS)}-{number}"
        stars = int(draw.paretovariate(0.6)) % 300_000
        return Repository(
            id=number,
            owner=owner,
            name=name,
            former_name=f"old-{number}" if number % RENAMED_EVERY == 0 else None,
            description=f"A {name.replace('-', ' ')} that is made up" if draw.random() < 0.9 else None,
            language=draw.choice(_LANGUAGES),
            topics=tuple(sorted(draw.sample(_TOPICS, draw.randrange(4)))),
            license=draw.choice(_LICENSES),
            stars=stars,
            forks=stars // 9,
            watchers=stars // 30,
            open_issues=draw.randrange(200),
            size=draw.randrange(1, 200_000),
            updated_day=draw.randrange(300),
        )
