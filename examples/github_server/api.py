"""GitHub's REST API: a request comes in, an answer goes out. Nothing goes wrong here; see `faults`."""

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, final

from . import rate_limits, shapes
from .catalogue import Catalogue, Repository
from .messages import Answer, Request
from .pages import Page
from .rate_limits import RateLimits
from .search import RESULTS, UnknownQualifierError, search

_NOT_FOUND: Final = Answer.of(shapes.error(404, "Not Found"), 404)
_AGENT_WANTED: Final = Answer(
    403,
    {"content-type": "text/html; charset=utf-8"},
    b"Request forbidden by administrative rules. Please make sure your request has a User-Agent header.\n",
)
"""Cloudflare's `fetch` sends no User-Agent of its own, so a Worker that sets none meets this first."""


@final
class Api:
    """The API over a catalogue.

    Args:
        catalogue: What there is.
        limits: The primary rate limits.
    """

    def __init__(self, catalogue: Catalogue, limits: RateLimits) -> None:
        self.catalogue = catalogue
        self.limits = limits
        self._routes: tuple[tuple[re.Pattern[str], Callable[..., Answer]], ...] = (
            (re.compile(r"/repositories/(\d{1,18})"), self._by_id),
            (re.compile(r"/repos/([^/]+/[^/]+)"), self._by_name),
            (re.compile(r"/(users|orgs)/([^/]+)/repos"), self._listing),
            (re.compile(r"/(user|organizations)/(\d{1,18})/repos"), self._listing),
            (re.compile(r"/search/repositories"), self._search),
        )

    def answer(self, request: Request) -> Answer:
        """Answer a request, and count it."""
        if not request.headers.get("user-agent"):
            return _AGENT_WANTED
        token = request.headers.get("authorization", "")
        if request.path == "/rate_limit":
            return self._rate_limit(token)
        resource = "search" if request.path.startswith("/search/") else "core"
        window = self.limits.window(token, resource)
        if not window.remaining:
            answer = _used_up(token)
        else:
            answer = _unless_known(request, self._routed(request))
            # A 304 costs nothing, but only who is known is given that.
            window.used += not (answer.status == 304 and token)
        return answer.with_headers({**rate_limits.headers(window, resource), "x-github-media-type": "github.v3"})

    def _routed(self, request: Request) -> Answer:
        if request.method not in {"GET", "HEAD"}:
            return _NOT_FOUND  # there is nothing to write to
        for pattern, handler in self._routes:
            if match := pattern.fullmatch(request.path):
                return handler(request, *match.groups())
        return _NOT_FOUND

    def _rate_limit(self, token: str) -> Answer:
        windows = {name: self.limits.window(token, name).as_dict() for name in rate_limits.ALLOWANCES}
        return Answer.of({"resources": windows, "rate": windows["core"]})

    def _by_id(self, request: Request, number: str) -> Answer:
        repository = self.catalogue.by_id(int(number))
        return Answer.of(shapes.full(repository, request.root)) if repository else _NOT_FOUND

    def _by_name(self, request: Request, full_name: str) -> Answer:
        if repository := self.catalogue.by_name(full_name):
            return Answer.of(shapes.full(repository, request.root))
        if repository := self.catalogue.by_former_name(full_name):
            location = f"{request.root}/repositories/{repository.id}"
            moved = {"message": "Moved Permanently", "url": location, "documentation_url": shapes.DOCUMENTATION}
            return Answer.of(moved, 301, {"location": location})
        return _NOT_FOUND

    def _listing(self, request: Request, kind: str, login: str) -> Answer:
        owner = self.catalogue.owner(login)
        if owner is None or (owner.kind != "Organization" and kind.startswith("org")):
            return _NOT_FOUND
        # As on GitHub, the links to further pages name the number of the account.
        path = f"/{'organizations' if kind.startswith('org') else 'user'}/{owner.id}/repos"
        return _listed(request, self.catalogue.of(owner), request.root + path, shapes.minimal)

    def _search(self, request: Request) -> Answer:
        query = request.query
        if not query.get("q"):
            errors = [{"resource": "Search", "field": "q", "code": "missing"}]
            return Answer.of(shapes.error(422, "Validation Failed") | {"errors": errors}, 422)
        try:
            results = search(self.catalogue, query["q"], query.get("sort", ""), query.get("order", "desc"))
        except UnknownQualifierError as error:
            return Answer.of(shapes.error(422, str(error)), 422)
        page = Page.of(results[:RESULTS], query)
        if (page.number - 1) * page.size >= RESULTS:
            return Answer.of(shapes.error(422, f"Only the first {RESULTS} search results are available"), 422)
        items = [shapes.found(repository, request.root) for repository in page.items]
        link = page.link(request.root + request.path, query)
        value = {"total_count": len(results), "incomplete_results": False, "items": items}
        return Answer.of(value, headers={"link": link} if link else {})


def _listed(
    request: Request, repositories: Sequence[Repository], url: str, shape: Callable[[Repository, str], dict[str, Any]]
) -> Answer:
    page = Page.of(repositories, request.query)
    link = page.link(url, request.query)
    return Answer.of([shape(item, request.root) for item in page.items], headers={"link": link} if link else {})


def _unless_known(request: Request, answer: Answer) -> Answer:
    """Give an answer its ETag, and leave its body out where the client has it already.

    https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api, checked on 2026-11-24.
    """
    if answer.status != 200:
        return answer
    etag = f'W/"{hashlib.sha256(answer.body).hexdigest()}"'
    headers = {"etag": etag, "cache-control": "public, max-age=60, s-maxage=60"}
    asked = [known.strip() for known in request.headers.get("if-none-match", "").split(",")]
    # The comparison is the weak one: W/"x" and "x" are the same.
    if "*" in asked or etag.removeprefix("W/") in {known.removeprefix("W/") for known in asked}:
        return Answer(304, headers | {name: value for name, value in answer.headers.items() if name == "link"})
    return answer.with_headers(headers)


def _used_up(token: str) -> Answer:
    who = "user ID 1" if token else "127.0.0.1"
    message = f"API rate limit exceeded for {who}."
    if not token:
        message += " (But here's the good news: Authenticated requests get a higher rate limit.)"
    return Answer.of(shapes.error(403, message, "/overview/rate-limits-for-the-rest-api"), 403)
