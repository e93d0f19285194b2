"""GitHub's API: partial answers, patience, politeness, and no request too many."""

from collections.abc import AsyncIterator

import httpx
import pytest
import respx

from repo_tracker.budget import Budget, BudgetSpentError
from repo_tracker.connection_pool import ConnectionPool
from repo_tracker.github import GitHubService
from repo_tracker.models import Repository
from repo_tracker.rate_limit import RateLimitError
from repo_tracker.responses import BodyFormatError, ResponseError, StatusError
from tests.kit.clock import Clock
from tests.kit.github import API, answer, described, limits


@pytest.fixture
async def http(api: respx.Router) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(api.async_handler)) as client:
        yield client


@pytest.fixture
def pool() -> ConnectionPool:
    return ConnectionPool()


@pytest.fixture
def github(http: httpx.AsyncClient, pool: ConnectionPool, clock: Clock) -> GitHubService:
    return GitHubService(http, pool, token="t0ken", clock=clock, sleep=clock.sleep, random=lambda: 1.0)


@pytest.fixture
def api() -> respx.Router:
    return respx.Router(base_url=API, assert_all_called=False)


async def test_a_repository_is_fetched_with_the_headers_that_github_asks_for(
    github: GitHubService, api: respx.Router
) -> None:
    route = api.get("/repos/octo/one").mock(return_value=answer(1, "octo/one", etag='"v1"'))
    repository = await github.get_repository("octo/one")
    assert repository == Repository.from_github(described(), etag='"v1"')
    sent = route.calls.last.request.headers
    assert sent["authorization"] == "Bearer t0ken"
    assert sent["user-agent"] == "repo-tracker"
    assert sent["accept"] == "application/vnd.github+json"


async def test_an_unchanged_repository_is_none(github: GitHubService, api: respx.Router) -> None:
    route = api.get("/repos/octo/one").respond(304)
    assert await github.get_repository("octo/one", etag='"v1"') is None
    assert route.calls.last.request.headers["if-none-match"] == '"v1"'


async def test_what_nobody_has_cannot_be_unchanged(github: GitHubService, api: respx.Router) -> None:
    api.get(path__startswith="/").respond(304)
    with pytest.raises(StatusError, match="304 Not Modified"):
        await github.get_repository("octo/one")
    with pytest.raises(StatusError, match="304 Not Modified"):
        await anext(github.search("x"))


async def test_a_service_that_asks_for_quiet_is_left_alone_whatever_its_status(
    github: GitHubService, api: respx.Router, clock: Clock
) -> None:
    down = httpx.Response(503, headers={"retry-after": "30"})
    api.get("/repos/octo/one").mock(side_effect=[down, answer(1, "octo/one")])
    assert await github.get_repository("octo/one") is not None
    assert sum(clock.slept) == pytest.approx(30.5)


async def test_a_renamed_repository_is_found_and_the_hop_is_counted(
    http: httpx.AsyncClient, pool: ConnectionPool, api: respx.Router
) -> None:
    budget = Budget(10)
    api.get("/repos/octo/old").respond(301, headers={"location": f"{API}/repositories/1"})
    api.get("/repositories/1").mock(return_value=answer(1, "octo/new"))
    repository = await GitHubService(http, pool, budget=budget).get_repository("octo/old")
    assert repository is not None
    assert repository.full_name == "octo/new"
    assert budget.spent == 2


async def test_many_are_fetched_six_at_a_time(github: GitHubService, pool: ConnectionPool, api: respx.Router) -> None:
    for number in range(40):
        api.get(f"/repos/octo/r{number}").mock(return_value=answer(number, f"octo/r{number}"))
    found = await github.get_repositories([f"octo/r{number}" for number in range(40)])
    assert [repository.id for repository in found.fetched.values()] == list(range(40))
    assert pool.statistics().peak == 6


async def test_it_works_with_any_client(cf_client: httpx.AsyncClient, pool: ConnectionPool) -> None:
    with respx.mock(base_url=API) as api:
        api.get("/repos/octo/one").mock(return_value=answer(1, "octo/one"))
        assert await GitHubService(cf_client, pool).get_repository("octo/one") is not None


async def test_a_partial_failure_returns_what_succeeded_and_names_what_did_not(
    github: GitHubService, api: respx.Router
) -> None:
    api.get("/repos/octo_corp/one").mock(return_value=answer(1, "octo_corp/one"))
    api.get("/repos/octo/known").respond(304)
    api.get("/repos/octo/gone").respond(404, json={"message": "Not Found"})
    api.get("/repos/octo/odd").respond(200, json={"id": 4})
    found = await github.get_repositories(
        ["octo_corp/one", "octo/gone", "octo/known", "octo/odd", "../../user", "octo/..", "octo_corp/one"],
        etags={"octo/known": '"v"'},
    )
    assert list(found.fetched) == ["octo_corp/one"]
    assert found.unchanged == ("octo/known",)
    assert {name: type(error) for name, error in found.failed.items()} == {
        "octo/gone": StatusError,
        "octo/odd": BodyFormatError,
        "../../user": ValueError,
        "octo/..": ValueError,
    }


async def test_what_is_not_known_yet_is_fetched_first(github: GitHubService, api: respx.Router) -> None:
    names = [f"octo/r{number}" for number in range(12)]
    api.get(path__startswith="/repos/").mock(return_value=answer(1, "octo/any"))
    await github.get_repositories(names, etags=dict.fromkeys(names[:10], '"v"'))
    asked = [call.request.url.path.removeprefix("/repos/") for call in api.calls]
    assert asked[:2] == names[10:]


@pytest.mark.parametrize(
    "failure", [httpx.Response(502), httpx.Response(200, text='{"id": '), httpx.ReadError("reset"), OSError("network")]
)
async def test_what_may_pass_is_tried_again(
    github: GitHubService, api: respx.Router, clock: Clock, failure: httpx.Response | Exception
) -> None:
    api.get("/repos/octo/one").mock(side_effect=[failure, failure, answer(1, "octo/one")])
    assert await github.get_repository("octo/one") is not None
    assert clock.slept == [0.5, 1.0]


async def test_the_network_failing_for_good_is_its_own_error(github: GitHubService, api: respx.Router) -> None:
    route = api.get("/repos/octo/one").mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(httpx.ConnectError):
        await github.get_repository("octo/one")
    assert route.call_count == 4


@pytest.mark.parametrize("status", [403, 429])
async def test_a_secondary_limit_is_waited_for_as_long_as_it_says(
    github: GitHubService, api: respx.Router, clock: Clock, status: int
) -> None:
    limited = httpx.Response(status, headers={"retry-after": "30"})
    api.get("/repos/octo/one").mock(side_effect=[limited, answer(1, "octo/one")])
    assert await github.get_repository("octo/one") is not None
    assert sum(clock.slept) == pytest.approx(30.5)


async def test_a_secondary_limit_that_does_not_say_how_long_is_a_minute(
    github: GitHubService, api: respx.Router, clock: Clock
) -> None:
    limited = httpx.Response(403, json={"message": "You have exceeded a secondary rate limit."})
    api.get("/repos/octo/one").mock(side_effect=[limited, answer(1, "octo/one")])
    assert await github.get_repository("octo/one") is not None
    assert sum(clock.slept) >= 60.0


async def test_being_forbidden_is_no_rate_limit(github: GitHubService, api: respx.Router, clock: Clock) -> None:
    api.get("/repos/octo/one").respond(403, json={"message": "Resource not accessible"}, headers=limits(9, clock.now))
    with pytest.raises(StatusError, match="403 Resource not accessible"):
        await github.get_repository("octo/one")


async def test_an_exhausted_primary_limit_leaves_the_rest_for_later_and_sends_nothing_more(
    github: GitHubService, api: respx.Router, clock: Clock
) -> None:
    names = [f"octo/r{number}" for number in range(40)]
    api.get(path__startswith="/repos/").respond(
        403, json={"message": "API rate limit exceeded"}, headers=limits(0, clock.now + 1800)
    )
    found = await github.get_repositories(names)
    sent = api.calls.call_count
    assert sent <= 6  # those that were on their way
    with pytest.raises(RateLimitError, match="GitHub's primary rate limit is reached for another 1800 s") as caught:
        await github.get_repository("octo/r0")
    assert api.calls.call_count == sent
    assert set(found.failed) == set(names)
    assert all(isinstance(error, RateLimitError) for error in found.failed.values())
    assert caught.value.retry_after == 1800
    assert clock.slept == []


async def test_the_last_request_of_the_hour_is_the_last(github: GitHubService, api: respx.Router, clock: Clock) -> None:
    good = answer(1, "octo/one", **limits(0, clock.now + 1800))
    api.get("/repos/octo/one").mock(return_value=good)
    await github.get_repository("octo/one")
    with pytest.raises(RateLimitError):
        await github.get_repository("octo/one")
    assert api.calls.call_count == 1
    assert github.rate_limit is not None
    assert github.rate_limit.remaining == 0
    clock.now += 1800
    await github.get_repository("octo/one")


async def test_a_spent_budget_is_told_from_a_failure(
    http: httpx.AsyncClient, pool: ConnectionPool, api: respx.Router
) -> None:
    github = GitHubService(http, pool, budget=Budget(5))
    api.get(path__startswith="/repos/").mock(return_value=answer(1, "octo/any"))
    found = await github.get_repositories([f"octo/r{number}" for number in range(8)])
    assert len(found.fetched) == 5
    assert [type(error) for error in found.failed.values()] == [BudgetSpentError] * 3


def page(number: int, last: int) -> httpx.Response:
    """Return a page of search results that links to the next one."""
    link = f'<{API}/search/repositories?q=x&page={number + 1}>; rel="next"' if number < last else ""
    return httpx.Response(200, json={"items": [described(number, f"octo/r{number}")]}, headers={"link": link})


async def test_a_search_follows_the_links_to_the_last_page(github: GitHubService, api: respx.Router) -> None:
    api.get("/search/repositories").mock(side_effect=[page(1, 3), page(2, 3), page(3, 3)])
    pages = [[repository.id for repository in found] async for found in github.search("language:python x")]
    first = api.calls[0].request.url
    assert pages == [[1], [2], [3]]
    assert dict(first.params) == {"q": "language:python x", "per_page": "100"}


@pytest.mark.parametrize(
    ("link", "count"),
    [
        (f'<{API}/search/repositories?page=2>; rel="next last"', 2),
        (f"<{API}/search/repositories?page=2>; rel=Next", 2),
        ('</search/repositories?page=2>; title="a, b"; rel="next"', 2),
        (f'<{API}/search/repositories?page=1>; rel="prev"', 1),
        ("none of it", 1),
    ],
)
async def test_a_link_may_look_otherwise(github: GitHubService, api: respx.Router, link: str, count: int) -> None:
    first = httpx.Response(200, json={"items": []}, headers={"link": link})
    api.get("/search/repositories").mock(side_effect=[first, page(2, 2)])
    assert len([found async for found in github.search("x")]) == count


@pytest.mark.parametrize(("link", "problem"), [("<http://a:port>", "no address"), ("<>", "its own next page")])
async def test_a_link_that_leads_nowhere_is_refused(
    github: GitHubService, api: respx.Router, link: str, problem: str
) -> None:
    api.get("/search/repositories").respond(200, json={"items": []}, headers={"link": f'{link}; rel="next"'})
    with pytest.raises(BodyFormatError, match=problem):
        await anext(github.search("x"))


async def test_a_search_stops_where_it_is_told(github: GitHubService, api: respx.Router) -> None:
    api.get("/search/repositories").mock(side_effect=[page(1, 9), page(2, 9)])
    assert len([found async for found in github.search("x", max_pages=2)]) == 2


async def test_a_link_to_another_host_does_not_get_the_token(github: GitHubService, api: respx.Router) -> None:
    foreign = httpx.Response(
        200, json={"items": []}, headers={"link": '<https://evil.example/search?page=2>; rel="next"'}
    )
    route = api.get("/search/repositories").mock(return_value=foreign)
    with pytest.raises(ResponseError, match=r"is on another host, evil\.example"):
        await anext(github.search("x"))
    assert route.call_count == 1


async def test_the_limit_of_searches_is_another_one(github: GitHubService, api: respx.Router, clock: Clock) -> None:
    spent = httpx.Response(200, json={"items": []}, headers=limits(0, clock.now + 60, "search"))
    api.get("/search/repositories").mock(return_value=spent)
    api.get("/repos/octo/one").mock(return_value=answer(1, "octo/one"))
    async for _ in github.search("x"):
        pass
    assert await github.get_repository("octo/one") is not None
