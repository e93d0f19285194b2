"""The GitHub of the examples, over real sockets: what it answers, and every way in which it fails."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from github_server import shapes
from github_server.catalogue import OWNERS, RENAMED_EVERY, Catalogue
from github_server.faults import KINDS, Faults
from github_server.process import GitHub, running

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
TOKEN: Final = {"authorization": "Bearer a-token"}
PATIENCE_S: Final = 20


@pytest.fixture(scope="module")
def server() -> Iterator[GitHub]:
    with running(seed=7, size=1_500) as github:
        yield github


@pytest.fixture(scope="module")
def client(server: GitHub) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=PATIENCE_S, trust_env=False) as client:
        yield client


@pytest.fixture(autouse=True)
def github(server: GitHub) -> GitHub:
    server.reset()
    return server


def links(response: httpx.Response) -> dict[str, str]:
    return {str(link["rel"]): str(link["url"]) for link in response.links.values()}


def answers(url: str) -> bool:
    """Whether anybody listens at an address."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=PATIENCE_S)
    try:
        connection.connect()
    except ConnectionError:
        return False
    connection.close()
    return True


class TestRepositories:
    def test_by_number_and_by_name_are_the_same(self, github: GitHub, client: httpx.Client) -> None:
        (name,) = github.names(3)
        by_id, by_name = client.get("/repositories/3"), client.get(f"/repos/{name}")
        assert by_id.json() == by_name.json()
        assert (by_id.json()["id"], by_id.json()["full_name"]) == (3, name)

    def test_has_the_fields_that_githubs_description_requires(self, client: httpx.Client) -> None:
        shape = client.get("/repositories/1").json()
        required = "id node_id name full_name owner private html_url description fork url created_at updated_at "
        required += "pushed_at homepage size stargazers_count watchers_count language forks_count mirror_url archived "
        required += "disabled open_issues_count license forks open_issues watchers default_branch network_count "
        required += "subscribers_count clone_url git_url ssh_url svn_url has_downloads has_issues has_pages has_wiki"
        assert not set(required.split()) - shape.keys()
        assert {type(shape[name]) for name in ("id", "stargazers_count", "subscribers_count")} == {int}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", shape["pushed_at"])

    def test_of_one_owner_are_listed_without_what_only_the_details_have(
        self, github: GitHub, client: httpx.Client
    ) -> None:
        owner = github.catalogue.owner("badger-1")
        assert owner is not None
        listed = client.get("/orgs/badger-1/repos", params={"per_page": 100}).json()
        assert [item["id"] for item in listed] == [item.id for item in github.catalogue.of(owner)]
        assert all("subscribers_count" not in item for item in listed)

    @pytest.mark.parametrize(
        "path", ["/repositories/0", "/repos/nobody/nothing", "/users/nobody/repos", "/orgs/anchor-0/repos", "/nothing"]
    )
    def test_what_is_not_there_is_a_404_with_githubs_shape(self, client: httpx.Client, path: str) -> None:
        response = client.get(path)
        assert response.status_code == 404
        assert response.json() == shapes.error(404, "Not Found")

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
            for per_page in ("", "1", "100", "1000", "0", "x")
        }
        assert sizes == {"": 30, "1": 1, "100": 100, "1000": 100, "0": 30, "x": 30}

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

    @pytest.mark.parametrize("params", [{}, {"q": "fork:true"}, {"q": "stars:many"}])
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


class TestFaults:
    def test_secondary_limit_is_a_403_or_429_that_says_how_long_to_wait(
        self, github: GitHub, client: httpx.Client
    ) -> None:
        github.fault("secondary-limit", retry_after=7)
        github.fault("secondary-limit", status=429)
        answers = [client.get("/repositories/1") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [403, 429, 200]
        assert [answer.headers.get("retry-after") for answer in answers] == ["7", "1", None]
        assert "secondary rate limit" in answers[0].json()["message"]
        assert "x-ratelimit-remaining" not in answers[0].headers

    def test_server_error_has_the_status_that_is_asked_for(self, github: GitHub, client: httpx.Client) -> None:
        github.fault("status")
        github.fault("status", status=503)
        assert [client.get("/repositories/1").status_code for _ in range(3)] == [502, 503, 200]

    def test_reset_comes_in_place_of_an_answer(self, github: GitHub, client: httpx.Client) -> None:
        github.fault("reset")
        with pytest.raises(httpx.ReadError):
            client.get("/repositories/1")
        assert client.get("/repositories/1").status_code == 200
        assert github.statuses() == {0: 1, 200: 1}

    def test_truncated_body_ends_in_its_middle(self, github: GitHub, client: httpx.Client) -> None:
        github.fault("truncated-body")
        with client.stream("GET", "/repositories/1") as response:
            assert response.status_code == 200
            with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
                response.read()

    @pytest.mark.parametrize("kind", ["slow-headers", "slow-body"])
    def test_slow_answer_waits_until_it_is_released(self, github: GitHub, client: httpx.Client, kind: str) -> None:
        github.fault(kind)
        answers: list[httpx.Response] = []
        slow = threading.Thread(target=lambda: answers.append(client.get("/repositories/1")))
        slow.start()
        while not github.journal()["requests"]:
            pass
        assert client.get("/repositories/2").status_code == 200  # nobody else waits
        assert not answers
        while slow.is_alive():
            github.release()  # again, for it may not have begun to wait
        assert answers[0].json()["id"] == 1

    def test_slow_body_has_sent_its_headers_and_a_half(self, github: GitHub, client: httpx.Client) -> None:
        github.fault("slow-body")
        with client.stream("GET", "/repositories/1") as response:
            parts = response.iter_raw()
            assert len(next(parts)) == int(response.headers["content-length"]) // 2
            github.release()
            assert sum(map(len, parts)) > 0

    def test_truncated_answer_without_a_body_does_not_arrive(self, github: GitHub, client: httpx.Client) -> None:
        github.fault("truncated-body", skip=1)
        etag = client.get("/repositories/1").headers["etag"]
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/repositories/1", headers={"if-none-match": etag})

    @pytest.mark.parametrize("kind", ["slow-headers", "slow-body"])
    def test_slow_answer_can_have_a_time(self, github: GitHub, client: httpx.Client, kind: str) -> None:
        github.fault(kind, seconds=0.01)
        assert client.get("/repositories/1").json()["id"] == 1

    def test_strikes_the_path_and_the_turns_that_are_asked_for(self, github: GitHub, client: httpx.Client) -> None:
        github.fault("status", path="/repositories/*", skip=1, times=2)
        assert client.get("/rate_limit").status_code == 200
        assert [client.get("/repositories/1").status_code for _ in range(5)] == [200, 502, 502, 200, 200]

    def test_drawn_ones_are_the_same_for_the_same_seed_whatever_else_is_asked_for(
        self, github: GitHub, client: httpx.Client
    ) -> None:
        def struck(*between: str) -> list[bool]:
            github.reset()
            github.fault("status", probability=0.4, times=None)
            statuses = []
            for _ in range(20):
                statuses.append(client.get("/repositories/1").status_code == 502)
                for path in between:
                    client.get(path)
            return statuses

        alone = struck()
        assert alone == struck("/repositories/2")
        assert 2 < sum(alone) < 16

    def test_that_are_wrong_are_refused_with_what_is_known(self, github: GitHub) -> None:
        with pytest.raises(ValueError, match=f"'flood' is no kind of fault; kinds: {', '.join(KINDS)}"):
            github.fault("flood")
        with pytest.raises(ValueError, match="tiems is not known; known: kind, path, times"):
            github.fault("reset", tiems=2)

    def test_end_with_a_reset(self, github: GitHub, client: httpx.Client) -> None:
        github.fault("status", times=None)
        github.limit(0)
        client.get("/repositories/1")
        github.reset()
        assert client.get("/repositories/1").headers["x-ratelimit-limit"] == "60"
        assert github.journal()["requests"] == 1

    def test_none_strike_where_there_are_none(self) -> None:
        assert Faults(7).strike("/repositories/1") is None


class TestProcess:
    def test_journal_says_how_many_were_connected_at_once(self, github: GitHub, client: httpx.Client) -> None:
        with client.stream("GET", "/repositories/1") as held:
            client.get("/repositories/1")
            held.read()
        journal = github.journal()
        assert (journal["requests"], journal["peak_running"]) == (2, 1)
        assert journal["peak_sockets"] >= 2
        assert journal["entries"][0] == {"method": "GET", "path": "/repositories/1", "status": 200, "fault": None}

    def test_ends_with_the_process_that_started_it(self) -> None:
        program = "import sys, time; from github_server.process import running\n"
        program += "with running() as github: print(github.url, flush=True); time.sleep(60)"
        command = [sys.executable, "-c", program]
        parent = subprocess.Popen(command, cwd=EXAMPLES, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert answers(url)
        parent.kill()
        parent.wait()
        parent.stdout.close()
        while answers(url):
            pass

    def test_one_that_cannot_start_says_so(self) -> None:
        with pytest.raises(RuntimeError, match="the server did not start"), running(size="many"):  # type: ignore[arg-type]
            pass

    def test_prints_its_address_and_runs_until_interrupted(self) -> None:
        command = [sys.executable, "-m", "examples.github_server", "--seed", "3", "--size", "5"]
        server = subprocess.Popen(command, cwd=EXAMPLES.parent, stdout=subprocess.PIPE, text=True)  # noqa: S603
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        assert answers(url)
        server.terminate()
        server.wait()
        server.stdout.close()


def test_example_of_the_readme_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (EXAMPLES / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    exec(code, {})  # noqa: S102 - our own
