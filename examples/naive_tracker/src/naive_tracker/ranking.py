"""The places of repositories, each compared with each."""

from .github import Repository


def ranked(repositories: list[Repository]) -> dict[str, int]:
    """Return the place of each repository by its stars."""
    return {
        repository["full_name"]: 1 + sum(other["stars"] > repository["stars"] for other in repositories)
        for repository in repositories
    }
