"""subrequests: the free plan has fifty, and a redirect costs one for each hop."""

import httpx
import pytest


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path.startswith("/old/"):
        return httpx.Response(301, headers={"location": request.url.path.replace("/old/", "/new/")})
    return httpx.Response(200)


@pytest.mark.cf_limits(plan="free")
def test_fetch_thirty_renamed_repositories() -> None:
    with httpx.Client(transport=httpx.MockTransport(answer), follow_redirects=True) as client:
        for number in range(30):
            assert client.get(f"https://api.example/old/{number}").status_code == 200
