"""Every way in which the GitHub of the examples fails, over real sockets, and the process that it is."""

import re
import socket
import subprocess
import sys
import threading
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from github_server.faults import KINDS, Faults
from github_server.process import GitHub, running

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
PATIENCE_S: Final = 20


def answers(url: str) -> bool:
    """Whether anybody listens at an address."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=PATIENCE_S)
    try:
        connection.connect()
    except ConnectionError:
        return False
    connection.close()
    return True


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

    @pytest.mark.parametrize(
        ("kind", "wrong", "valid"),
        [
            ("status", {"status": 200}, "status=200 makes no sense here; valid: 500 to 599"),
            ("secondary-limit", {"status": 503}, "status=503 makes no sense here; valid: 403, 429"),
            ("reset", {"status": 502}, "status=502 makes no sense here; valid: none"),
            ("reset", {"times": "2"}, "times='2' makes no sense here; valid: a whole number, or None for all"),
            ("reset", {"probability": 3}, "probability=3 makes no sense here; valid: 0 to 1"),
            ("slow-body", {"seconds": -1}, "seconds=-1 makes no sense here"),
            ("reset", {"path": 7}, "path=7 makes no sense here; valid: a text"),
        ],
    )
    def test_with_values_that_make_no_sense_are_refused(
        self, github: GitHub, kind: str, wrong: dict[str, Any], valid: str
    ) -> None:
        with pytest.raises(ValueError, match=valid):
            github.fault(kind, **wrong)

    def test_limits_and_changes_of_what_is_not_there_are_refused(self, github: GitHub) -> None:
        with pytest.raises(ValueError, match="'serach' has no rate limit; resources: core, search"):
            github.limit(3, resource="serach")
        with pytest.raises(ValueError, match="there is no repository 9999; there are 1 to 1500"):
            github.change(9_999, stars=1)

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

    @pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET http://[bad HTTP/1.1\r\nHost: here\r\n\r\n"])
    def test_hangs_up_on_who_does_not_speak_http(self, github: GitHub, client: httpx.Client, sent: bytes) -> None:
        with socket.create_connection((client.base_url.host, client.base_url.port), timeout=PATIENCE_S) as connection:
            connection.sendall(sent)
            assert connection.recv(100) == b""
        assert github.statuses() == {}

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
