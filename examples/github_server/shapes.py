"""The fields of GitHub's REST API: `full-repository`, `minimal-repository`, `repo-search-result-item`."""

import base64
import datetime as dt
from typing import Any, Final

from .catalogue import Owner, Repository

DOCUMENTATION: Final = "https://docs.github.com/rest"

_USER_LINKS: Final = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}

_REPOSITORY_LINKS: Final = {
    "forks_url": "/forks",
    "keys_url": "/keys{/key_id}",
    "collaborators_url": "/collaborators{/collaborator}",
    "teams_url": "/teams",
    "hooks_url": "/hooks",
    "issue_events_url": "/issues/events{/number}",
    "events_url": "/events",
    "assignees_url": "/assignees{/user}",
    "branches_url": "/branches{/branch}",
    "tags_url": "/tags",
    "blobs_url": "/git/blobs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "trees_url": "/git/trees{/sha}",
    "statuses_url": "/statuses/{sha}",
    "languages_url": "/languages",
    "stargazers_url": "/stargazers",
    "contributors_url": "/contributors",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "commits_url": "/commits{/sha}",
    "git_commits_url": "/git/commits{/sha}",
    "comments_url": "/comments{/number}",
    "issue_comment_url": "/issues/comments{/number}",
    "contents_url": "/contents/{+path}",
    "compare_url": "/compare/{base}...{head}",
    "merges_url": "/merges",
    "archive_url": "/{archive_format}{/ref}",
    "downloads_url": "/downloads",
    "issues_url": "/issues{/number}",
    "pulls_url": "/pulls{/number}",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "labels_url": "/labels{/name}",
    "releases_url": "/releases{/id}",
    "deployments_url": "/deployments",
}

_START: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def minimal(repository: Repository, root: str) -> dict[str, Any]:
    """Shape a repository as the listings of users and organizations have it.

    Args:
        repository: The repository.
        root: The address of the API, which links begin with.
    """
    url = f"{root}/repos/{repository.full_name}"
    html = f"https://github.com/{repository.full_name}"
    updated = _time(repository.updated_day)
    return {
        "id": repository.id,
        "node_id": _node("Repository", repository.id),
        "name": repository.name,
        "full_name": repository.full_name,
        "private": False,
        "owner": simple_user(repository.owner, root),
        "html_url": html,
        "description": repository.description,
        "fork": False,
        "url": url,
        **{name: url + path for name, path in _REPOSITORY_LINKS.items()},
        "created_at": _time(-400),
        "updated_at": updated,
        "pushed_at": updated,
        "git_url": f"git:{html.removeprefix('https:')}.git",
        "ssh_url": f"git@github.com:{repository.full_name}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        "homepage": None,
        "size": repository.size,
        "stargazers_count": repository.stars,
        "watchers_count": repository.stars,
        "language": repository.language,
        "has_issues": True,
        "has_projects": True,
        "has_downloads": True,
        "has_wiki": True,
        "has_pages": False,
        "has_discussions": False,
        "forks_count": repository.forks,
        "mirror_url": None,
        "archived": False,
        "disabled": False,
        "open_issues_count": repository.open_issues,
        "license": _license(repository, root),
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": list(repository.topics),
        "visibility": "public",
        "forks": repository.forks,
        "open_issues": repository.open_issues,
        "watchers": repository.stars,
        "default_branch": "main",
    }


def full(repository: Repository, root: str) -> dict[str, Any]:
    """Shape a repository that is asked for alone: only here is the number of its subscribers."""
    shape = minimal(repository, root)
    if repository.owner.kind == "Organization":
        shape["organization"] = shape["owner"]
    return shape | {
        "temp_clone_token": None,
        "network_count": repository.forks,
        "subscribers_count": repository.watchers,
    }


def found(repository: Repository, root: str) -> dict[str, Any]:
    """Shape a repository that a search found."""
    return minimal(repository, root) | {"score": 1.0}


def simple_user(owner: Owner, root: str) -> dict[str, Any]:
    """Shape an account."""
    url = f"{root}/users/{owner.login}"
    return {
        "login": owner.login,
        "id": owner.id,
        "node_id": _node(owner.kind, owner.id),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{owner.id}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": f"https://github.com/{owner.login}",
        **{name: url + path for name, path in _USER_LINKS.items()},
        "type": owner.kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def error(status: int, message: str, page: str = "") -> dict[str, Any]:
    """Shape a refusal.

    Args:
        status: The status of the response.
        message: What GitHub says.
        page: Where its documentation goes on.
    """
    return {"message": message, "documentation_url": DOCUMENTATION + page, "status": str(status)}


def _license(repository: Repository, root: str) -> dict[str, Any] | None:
    if repository.license is None:
        return None
    key, name, spdx = repository.license
    return {"key": key, "name": name, "spdx_id": spdx, "url": f"{root}/licenses/{key}", "node_id": _node("License", 1)}


def _node(kind: str, number: int) -> str:
    return base64.b64encode(f"0{len(kind)}:{kind}{number}".encode()).decode()


def _time(day: int) -> str:
    return (_START + dt.timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")
