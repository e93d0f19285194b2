"""GitHub's REST API: bounded, conditional, patient, and content with a part of the answer."""

import asyncio
import random
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import httpx

from repo_tracker.backoff import Backoff
from repo_tracker.budget import Budget
from repo_tracker.connection_pool import ConnectionPool
from repo_tracker.models import Repository
from repo_tracker.pagination import next_page
from repo_tracker.rate_limit import RateLimit, RateLimits
from repo_tracker.request_queue import DEFAULT_ATTEMPTS, RequestQueue, says_transient
from repo_tracker.responses import BodyFormatError, StatusError, fetch_with_cleanup, read_json

T = TypeVar("T")

BASE_URL: Final = "https://api.github.com"
MAX_BYTES: Final = 4 << 20
"""The largest answer that is taken, in bytes: a page of a hundred search results is below 1 MB."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+/(?!\.{1,2}$)[A-Za-z0-9._-]+", re.ASCII)
_NEW, _KNOWN = 0, 1
_CORE, _SEARCH = "core", "search"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repositories:
    """What came of asking for many repositories: all that succeeded, and why the rest did not.

    Attributes:
        fetched: The repositories that were fetched, by the names that were asked for.
        unchanged: The names whose repositories are as their etags say.
        failed: The names for which there is no answer, and why.
    """

    fetched: dict[str, Repository]
    unchanged: tuple[str, ...]
    failed: dict[str, Exception]


class GitHubService:
    """Ask GitHub for repositories.

    Each request waits for its turn in a queue, for a connection of the pool, and is tried again where that makes
    sense. Once GitHub's rate limit is reached no request is sent until it is over.

    Args:
        client: The client to send with.
        pool: The connections of this invocation.
        base_url: Where the API is.
        token: What to authenticate with; None asks as anybody, sixty times in an hour.
        budget: The subrequests that may be spent, attempts and redirects included; None is endless.
        attempts: How often a request is tried at most.
        max_wait: The longest that GitHub may ask to wait, in seconds, before the rest is left for later.
        clock: Returns seconds since 1970.
        sleep: Waits for a number of seconds.
        random: Returns a number from 0 to 1.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        pool: ConnectionPool,
        *,
        base_url: str = BASE_URL,
        token: str | None = None,
        budget: Budget | None = None,
        attempts: int = DEFAULT_ATTEMPTS,
        max_wait: float = 60.0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._pool = pool
        self._base_url = httpx.URL(base_url)
        self._headers = {
            "accept": "application/vnd.github+json",
            "user-agent": "repo-tracker",  # GitHub refuses requests without
            "x-github-api-version": "2022-11-28",
        }
        if token is not None:
            self._headers["authorization"] = f"Bearer {token}"
        self._budget = budget
        self._attempts = attempts
        self._max_wait = max_wait
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._limits = RateLimits(clock)

    @property
    def rate_limit(self) -> RateLimit | None:
        """The primary rate limit of all but searches, as GitHub told it last; None before the first answer."""
        return self._limits.primary.get(_CORE)

    async def get_repository(self, name: str, *, etag: str | None = None) -> Repository | None:
        """Fetch one repository, also under a name that it had before.

        Args:
            name: `owner/name`.
            etag: The version that the caller has; an unchanged repository costs nothing of the rate limit.

        Returns:
            The repository, or None if it is the version that the caller has.

        Raises:
            ValueError: It is not a name.
            StatusError: There is none, or GitHub failed, and failed again.
            RateLimitError: GitHub takes no requests for a while.
            BudgetSpentError: No subrequest is left.
            httpx.TransportError: The network failed, and failed again.
        """
        return await self._patiently(partial(self._repository, name, etag))

    async def get_repositories(
        self, names: Iterable[str], *, etags: Mapping[str, str | None] | None = None
    ) -> Repositories:
        """Fetch many repositories at once. A failure of some does not cost the others.

        Args:
            names: `owner/name` of each; a name that is there twice is fetched once.
            etags: The versions that the caller has, by name. What it has no version of is fetched first.

        Returns:
            What was fetched, what is unchanged, and what failed, with the errors of `get_repository`.
        """
        queue: RequestQueue[Repository | None] = self._queue()
        wanted = tuple(dict.fromkeys(names))
        for name in wanted:
            etag = (etags or {}).get(name)
            queue.put(name, partial(self._repository, name, etag), priority=_NEW if etag is None else _KNOWN)
        report = await queue.run()
        answers = {name: report.results[name] for name in wanted if name in report.results}
        return Repositories(
            fetched={name: repository for name, repository in answers.items() if repository is not None},
            unchanged=tuple(name for name, repository in answers.items() if repository is None),
            failed={name: report.dead[name].error for name in wanted if name in report.dead},
        )

    async def search(
        self, query: str, *, per_page: int = 100, max_pages: int = 10
    ) -> AsyncGenerator[list[Repository], None]:
        """Search for repositories, and yield each page as it arrives. Close it by `aclosing` to leave it early.

        Args:
            query: In GitHub's words, such as `language:python stars:>500`.
            per_page: Results on a page, up to 100.
            max_pages: How many pages to fetch at most. GitHub shows no more than the first 1,000 results.

        Raises:
            StatusError, RateLimitError, BudgetSpentError, httpx.TransportError: As `get_repository`. What was yielded
                before is good.
        """
        url = self._url("/search/repositories", q=query, per_page=per_page)
        for _ in range(max_pages):
            page, following = await self._patiently(partial(self._page, url))
            yield page
            if following is None:
                return
            url = following

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        queue: RequestQueue[T] = self._queue()
        queue.put("request", work)
        return (await queue.run()).result("request")

    def _queue(self) -> RequestQueue[Any]:
        return RequestQueue(
            concurrency=self._pool.statistics().size,
            attempts=self._attempts,
            budget=self._budget,
            max_wait=self._max_wait,
            backoff=Backoff(random=self._random),
            transient=is_transient,
            clock=self._clock,
            sleep=self._sleep,
        )

    async def _repository(self, name: str, etag: str | None) -> Repository | None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a repository; valid: owner/name")
        url = self._url(f"/repos/{name}")
        response, described = await self._fetch(url, _CORE, etag=etag)
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return None
        return _parsed(url, lambda: Repository.from_github(described, etag=response.headers.get("etag")))

    async def _page(self, url: httpx.URL) -> tuple[list[Repository], httpx.URL | None]:
        response, found = await self._fetch(url, _SEARCH)
        # Without etags: a search describes what its index holds, which may be older than what an etag stands for.
        page = _parsed(url, lambda: [Repository.from_github(described) for described in found["items"]])
        return page, next_page(response, of=self._base_url)

    async def _fetch(self, url: httpx.URL, resource: str, *, etag: str | None = None) -> tuple[httpx.Response, Any]:
        """Make one attempt, and return the response, closed, with what its JSON says; None if it has no body."""
        headers, expected = self._headers, {200}
        if etag is not None:  # or a 304 would say that something is unchanged that nobody has
            headers, expected = {**headers, "if-none-match": etag}, {200, 304}
        async with self._pool.connection():
            self._limits.refuse(resource)  # also if the limit was reached while this one was in the queue
            try:
                response = await fetch_with_cleanup(
                    self._client, str(url), headers=headers, expected=expected, redirected=self._redirected
                )
            except StatusError as error:
                self._limits.note(error.headers)
                limited = self._limits.recognise(error)
                if limited is None:
                    raise
                raise limited from error
            self._limits.note(response.headers)
            if response.status_code == httpx.codes.NOT_MODIFIED:
                await response.aclose()
                return response, None
            return response, await read_json(response, max_bytes=MAX_BYTES)

    def _redirected(self) -> None:
        if self._budget is not None:
            self._budget.take()

    def _url(self, path: str, **query: str | int) -> httpx.URL:
        url = self._base_url.copy_with(path=self._base_url.path.rstrip("/") + path)
        return url.copy_merge_params(query) if query else url


def _parsed(url: httpx.URL, parse: Callable[[], T]) -> T:
    try:
        return parse()
    except (LookupError, TypeError) as error:
        raise BodyFormatError(url=str(url), problem=repr(error)) from error


def is_transient(error: Exception) -> bool:
    """Whether the network failed (on Workers as an OSError), or the error says that it passes."""
    return isinstance(error, httpx.TransportError | OSError) or says_transient(error)
