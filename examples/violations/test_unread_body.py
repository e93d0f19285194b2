"""unread-body: a response that is opened, looked at, and neither read nor closed."""

import httpx
import pytest


def exists(client: httpx.Client, url: str) -> bool:
    request = client.build_request("GET", url)
    return client.send(request, stream=True).status_code == 200


@pytest.mark.cf_limits
def test_repository_exists() -> None:
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, text="a body"))) as client:
        assert exists(client, "https://api.example/repos/one")
