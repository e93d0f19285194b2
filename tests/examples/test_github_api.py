"""What the GitHub of the examples answers, over real sockets."""

import json
import re
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from github_server import shapes
from github_server.catalogue import OWNERS, RENAMED_EVERY, Catalogue, Repository
from github_server.process import GitHub

HERE: Final = Path(__file__).parent
TOKEN: Final = {"authorization": "Bearer a-token"}
PATIENCE_S: Final = 20


def links(response: httpx.Response) -> dict[str, str]:
    return {str(link["rel"]): str(link["url"]) for link in response.links.values()}


class TestRepositories:
    def test_by_number_and_by_name_are_the_same(self, github: GitHub, client: httpx.Client) -> None:
        (name,) = github.names(3)
        by_id, by_name = client.get("/repositories/3"), client.get(f"/repos/{name}")
        assert by_id.json() == by_name.json()
        assert (by_id.json()["id"], by_id.json()["full_name"]) == (3, name)

    def test_of_one_owner_are_listed_without_what_only_the_details_have(
        self, github: GitHub, client: httpx.Client
    ) -> None:
        owner = github.catalogue.owner("badger-1")
        assert owner is not None
        listed = client.get("/orgs/badger-1/repos", params={"per_page": 100}).json()
        assert [item["id"] for item in listed] == [item.id for item in github.catalogue.of(owner)]
        assert all("subscribers_count" not in item for item in listed)

    @pytest.mark.parametrize(
        "path",
        [
            "/repositories/0",
            f"/repositories/{'9' * 5000}",
            "/repos/nobody/nothing",
            "/users/nobody/repos",
            f"/users/{'9' * 5000}/repos",
            "/orgs/anchor-0/repos",
            "/nothing",
        ],
        ids=lambda path: path[:30],
    )
    def test_what_is_not_there_is_a_404_with_githubs_shape(self, client: httpx.Client, path: str) -> None:
        response = client.get(path)
        assert response.status_code == 404
        assert response.json() == shapes.error(404, "Not Found")

    def test_nothing_can_be_written(self, client: httpx.Client) -> None:
        assert [client.request(method, "/repositories/1").status_code for method in ("HEAD", "POST", "DELETE")] == [
            200,
            404,
            404,
        ]

    def test_a_former_name_leads_to_the_number_and_there_to_todays_name(
        self, github: GitHub, client: httpx.Client
    ) -> None:
        (name,) = github.names(RENAMED_EVERY)
        former = f"{name.partition('/')[0]}/old-{RENAMED_EVERY}"
        moved = client.get(f"/repos/{former}")
        assert (moved.status_code, moved.json()["message"]) == (301, "Moved Permanently")
        assert moved.headers["location"] == moved.json()["url"] == f"{github.url}/repositories/{RENAMED_EVERY}"
        assert client.get(f"/repos/{former}", follow_redirects=True).json()["full_name"] == name

    def test_renaming_one_leaves_its_old_name_behind(self, github: GitHub, client: httpx.Client) -> None:
        (old,) = github.names(7)
        new = github.change(7, name="renamed-while-running")
        assert client.get(f"/repos/{new}").status_code == 200
        assert client.get(f"/repos/{old}").headers["location"].endswith("/repositories/7")
        github.reset()
        assert client.get(f"/repos/{old}").status_code == 200
        assert client.get(f"/repos/{new}").status_code == 404

    def test_without_a_user_agent_nothing_is_answered(self, github: GitHub) -> None:
        connection = HTTPConnection(github.url.removeprefix("http://"), timeout=PATIENCE_S)
        connection.request("GET", "/repositories/1")
        response = connection.getresponse()
        assert (response.status, b"User-Agent" in response.read()) == (403, True)
        connection.close()

    def test_is_drawn_by_the_seed_alone(self) -> None:
        assert list(Catalogue(1, 50)) == list(Catalogue(1, 80))[:50]
        assert list(Catalogue(1, 50)) != list(Catalogue(2, 50))


class TestShapes:
    """`github_fields.json` has the fields and types of GitHub's description, as @octokit/openapi-types 29.0.1 gives it.

    A question mark follows the names of those that need not be there.
    """

    DESCRIBED: Final[dict[str, dict[str, str]]] = json.loads((HERE / "github_fields.json").read_text(encoding="utf-8"))
    KINDS: Final = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "string", list: "array"}

    @pytest.mark.parametrize("repository", list(Catalogue(7, 30)), ids=lambda repository: repository.full_name)
    def test_have_every_field_that_is_described_with_its_type_and_no_other(self, repository: Repository) -> None:
        shaped = {
            "full-repository": shapes.full(repository, "http://api"),
            "minimal-repository": shapes.minimal(repository, "http://api"),
            "repo-search-result-item": shapes.found(repository, "http://api"),
            "simple-user": shapes.simple_user(repository.owner, "http://api"),
        }
        for name, shape in shaped.items():
            described = {field.removesuffix("?"): kinds.split() for field, kinds in self.DESCRIBED[name].items()}
            required = {field for field in self.DESCRIBED[name] if not field.endswith("?")}
            assert required <= shape.keys() <= described.keys()
            for field, value in shape.items():
                assert self.KINDS.get(type(value), "object") in described[field], (name, field, value)

    def test_have_times_as_github_writes_them(self, client: httpx.Client) -> None:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", client.get("/repositories/1").json()["pushed_at"])


class TestPages:
    def test_lead_forth_and_back_as_githubs_do(self, github: GitHub, client: httpx.Client) -> None:
        first = client.get("/users/badger-1/repos", params={"per_page": 20})
        assert list(links(first)) == ["next", "last"]
        second = client.get(links(first)["next"])
        assert list(links(second)) == ["prev", "next", "last", "first"]
        assert links(second)["prev"] == f"{github.url}/user/1001/repos?per_page=20&page=1"
        last = client.get(links(second)["last"])
        assert list(links(last)) == ["prev", "first"]
        assert len(last.json()) == 1_500 // OWNERS - 3 * 20

    def test_hold_thirty_items_or_what_is_asked_for_up_to_a_hundred(self, client: httpx.Client) -> None:
        sizes = {
            per_page: len(client.get("/search/repositories", params={"q": "a", "per_page": per_page}).json()["items"])
            for per_page in ("", "1", "100", "1000", "0", "x", "9" * 5000)
        }
        assert sizes == {"": 30, "1": 1, "100": 100, "1000": 100, "0": 30, "x": 30, "9" * 5000: 30}

    def test_of_a_search_show_a_thousand_results_and_no_more(self, client: httpx.Client) -> None:
        def page(number: int) -> httpx.Response:
            return client.get("/search/repositories", params={"q": "size:>0", "per_page": 100, "page": number})

        assert page(1).json()["total_count"] == 1_500
        assert links(page(1))["last"].endswith("page=10")
        assert len(page(10).json()["items"]) == 100
        assert "next" not in links(page(10))
        assert page(11).status_code == 422
        assert page(11).json()["message"] == "Only the first 1000 search results are available"

    def test_there_is_no_link_where_one_page_is_all(self, client: httpx.Client) -> None:
        assert "link" not in client.get("/users/badger-1/repos", params={"per_page": 100}).headers


class TestSearch:
    @pytest.mark.parametrize(
        ("query", "fits"),
        [
            ("language:rust", lambda item: item["language"] == "Rust"),
            ("stars:>=100 topic:http", lambda item: item["stargazers_count"] >= 100 and "http" in item["topics"]),
            ("org:badger-1 comet", lambda item: item["owner"]["login"] == "badger-1" and "comet" in item["name"]),
        ],
    )
    def test_finds_what_fits_and_nothing_else(self, client: httpx.Client, query: str, fits: Any) -> None:
        found = client.get("/search/repositories", params={"q": query, "per_page": 100}).json()["items"]
        assert found
        assert all(fits(item) and item["score"] == 1.0 for item in found)

    def test_sorts(self, client: httpx.Client) -> None:
        def stars(order: str) -> list[int]:
            params = {"q": "size:>0", "sort": "stars", "order": order, "per_page": "100"}
            items = client.get("/search/repositories", params=params).json()["items"]
            return [item["stargazers_count"] for item in items]

        assert stars("desc") == sorted(stars("desc"), reverse=True)
        assert stars("asc") == sorted(stars("asc"))
        assert stars("desc")[0] > stars("asc")[-1]

    @pytest.mark.parametrize("params", [{}, {"q": "fork:true"}, {"q": "stars:many"}, {"q": f"stars:{'9' * 5000}"}])
    def test_refuses_what_it_does_not_understand(self, client: httpx.Client, params: dict[str, str]) -> None:
        assert client.get("/search/repositories", params=params).status_code == 422


class TestConditionalRequests:
    def test_are_answered_without_a_body_until_something_changes(self, github: GitHub, client: httpx.Client) -> None:
        etag = client.get("/repositories/9").headers["etag"]
        known = client.get("/repositories/9", headers={"if-none-match": etag})
        assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", etag)
        assert client.get("/repositories/9", headers={"if-none-match": etag.removeprefix("W/")}).status_code == 304
        github.change(9, stars=123_456)
        changed = client.get("/repositories/9", headers={"if-none-match": etag})
        assert (changed.status_code, changed.json()["stargazers_count"]) == (200, 123_456)

    def test_that_come_to_304_cost_nothing_of_the_rate_limit_with_a_token(self, client: httpx.Client) -> None:
        etag = client.get("/repositories/9").headers["etag"]
        used = {
            name: client.get("/repositories/9", headers={**headers, "if-none-match": etag}).headers["x-ratelimit-used"]
            for name, headers in {"with": TOKEN, "without": {}}.items()
        }
        assert used == {"with": "0", "without": "2"}


class TestPrimaryRateLimit:
    def test_counts_in_the_headers_for_each_token_and_resource(self, client: httpx.Client) -> None:
        def told(path: str, headers: dict[str, str]) -> list[str]:
            response = client.get(path, headers=headers)
            return [response.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "used", "resource")]

        assert told("/repositories/1", {}) == ["60", "59", "1", "core"]
        assert told("/repositories/1", TOKEN) == ["5000", "4999", "1", "core"]
        assert told("/search/repositories?q=a", {}) == ["10", "9", "1", "search"]

    def test_used_up_is_a_403_with_nothing_remaining_until_the_window_ends(
        self, github: GitHub, client: httpx.Client
    ) -> None:
        github.limit(1, window_s=600)
        assert client.get("/repositories/1").status_code == 200
        refused = client.get("/repositories/1")
        assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
        assert refused.json()["message"].startswith("API rate limit exceeded for 127.0.0.1.")
        assert "retry-after" not in refused.headers
        github.limit(1, window_s=0)
        assert client.get("/repositories/1").status_code == 200

    def test_can_be_asked_for_and_costs_nothing(self, client: httpx.Client) -> None:
        client.get("/repositories/1")
        for _ in range(2):
            rates = client.get("/rate_limit").json()
            assert rates["rate"] == rates["resources"]["core"]
            assert (rates["rate"]["used"], rates["resources"]["search"]["limit"]) == (1, 10)
