"""What the headers of GitHub say."""

import pytest

from repo_tracker.rate_limit import RateLimit, RateLimitError, RateLimits
from repo_tracker.responses import StatusError
from tests.kit.clock import Clock
from tests.kit.github import limits

DATES = ("Tue, 24 Nov 2026 12:00:00 GMT", "Tue, 24 Nov 2026 12:01:30 GMT")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-limit": "60"},
        {**limits(1, 100), "x-ratelimit-reset": "soon"},
        {**limits(1, 100), "x-ratelimit-reset": "9" * 5000},
    ],
)
def test_headers_without_a_limit_are_none(headers: dict[str, str]) -> None:
    assert RateLimit.from_headers(headers) is None


def test_an_answer_that_was_overtaken_does_not_bring_requests_back() -> None:
    older, newer = RateLimit.from_headers(limits(5, 100)), RateLimit.from_headers(limits(4, 100))
    following = RateLimit.from_headers(limits(60, 3700))
    assert older is not None
    assert newer is not None
    assert following is not None
    assert older.newer(newer) == newer.newer(older) == newer
    assert following.newer(newer) == newer.newer(following) == following


def test_what_is_over_needs_no_waiting() -> None:
    limit = RateLimit(resource="core", limit=60, remaining=0, reset_at=100.0)
    assert (limit.seconds_to_wait(40.0), limit.seconds_to_wait(100.0)) == (60.0, 0.0)


@pytest.mark.parametrize(
    ("status", "reason", "headers", "expected"),
    [
        (403, "x", {"retry-after": "9"}, ("secondary", 9.0)),
        (429, "x", limits(0, 140), ("primary", 40.0)),
        (429, "x", {}, ("secondary", 60.0)),
        (403, "x", {"retry-after": DATES[1], "date": DATES[0]}, ("secondary", 90.0)),
        (403, "x", {"retry-after": DATES[0], "date": DATES[1]}, ("secondary", 0.0)),
        (429, "x", {"retry-after": DATES[1]}, ("secondary", 60.0)),
        (403, "API rate limit exceeded", limits(0, 90), ("secondary", 60.0)),
        (403, "forbidden", limits(0, 90), None),
        (403, "secondary rate limit", limits(5, 140), ("secondary", 60.0)),
        (403, "forbidden", limits(5, 140), None),
        (404, "rate limit", {"retry-after": "9"}, None),
    ],
)
def test_a_refusal_is_recognised(
    status: int, reason: str, headers: dict[str, str], expected: tuple[str, float] | None
) -> None:
    error = StatusError(status=status, reason=reason, url="u", headers=headers)
    limited = RateLimitError.from_status(error, now=100.0)
    assert (limited and (limited.kind, limited.retry_after)) == expected


def test_a_secondary_limit_holds_for_every_resource_until_it_is_over(clock: Clock) -> None:
    known = RateLimits(clock)
    refusal = StatusError(status=403, reason="x", url="u", headers={"retry-after": "9"})
    assert known.recognise(refusal) is not None
    for resource in ("core", "search"):
        with pytest.raises(RateLimitError, match="secondary rate limit is reached for another 9 s"):
            known.refuse(resource)
    clock.now += 9.0
    known.refuse("core")


def test_an_answer_that_was_overtaken_does_not_open_what_is_closed(clock: Clock) -> None:
    known = RateLimits(clock)
    for remaining in (0, 3):
        known.note(limits(remaining, clock.now + 60))
    with pytest.raises(RateLimitError):
        known.refuse("core")


def test_a_primary_limit_holds_for_its_resource_alone(clock: Clock) -> None:
    known = RateLimits(clock)
    known.note(limits(0, clock.now + 60, "search"))
    known.refuse("core")
    with pytest.raises(RateLimitError, match="primary"):
        known.refuse("search")
