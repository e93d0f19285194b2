"""GitHub in miniature, for the small cases: shapes as in GitHub's published REST description."""

from typing import Any

import httpx

API = "https://api.github.com"


def described(number: int = 1, name: str = "octo/one", **changes: Any) -> dict[str, Any]:
    """Return GitHub's description of a repository, with what is read of it."""
    return {
        "id": number,
        "full_name": name,
        "description": "A repository",
        "language": "Python",
        "stargazers_count": 600,
        "forks_count": 7,
        "open_issues_count": 3,
        "archived": False,
        "pushed_at": "2026-11-23T10:00:00Z",
        **changes,
    }


def limits(remaining: int, reset: float, resource: str = "core") -> dict[str, str]:
    """Return the headers of the primary rate limit."""
    return {
        "x-ratelimit-limit": "60",
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": str(int(reset)),
        "x-ratelimit-resource": resource,
    }


def answer(number: int, name: str, **headers: str) -> httpx.Response:
    """Return a good answer for one repository."""
    return httpx.Response(200, json=described(number, name), headers=headers)
