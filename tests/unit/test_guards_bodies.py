"""Which responses have a body to read: RFC 9112, section 6.3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers.guards.bodies import has_body

BODYLESS = {204, 205, 304}


@pytest.mark.parametrize("status", [200, 201, 206, 299, 300, 301, 400, 404, 500])
def test_an_ordinary_response_has_a_body(status: int) -> None:
    assert has_body("GET", status, None)


@pytest.mark.parametrize("status", [100, 101, 103, 199, 204, 205, 304])
def test_these_statuses_never_have_a_body(status: int) -> None:
    assert not has_body("GET", status, "17")


@given(status=st.integers(100, 599), length=st.none() | st.integers(0, 10**9).map(str))
def test_an_answer_to_head_never_has_a_body(status: int, length: str | None) -> None:
    assert not has_body("HEAD", status, length)


@pytest.mark.parametrize(("status", "expected"), [(200, False), (299, False), (300, True), (407, True)])
def test_a_tunnel_has_no_body_but_a_refused_one_does(status: int, expected: bool) -> None:
    assert has_body("CONNECT", status, None) is expected


@pytest.mark.parametrize(("length", "expected"), [("0", False), ("1", True), ("00017", True), (None, True)])
def test_a_stated_length_of_zero_is_no_body(length: str | None, expected: bool) -> None:
    assert has_body("POST", 200, length) is expected


@given(method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]), status=st.integers(200, 599))
def test_without_a_length_only_the_status_decides(method: str, status: int) -> None:
    assert has_body(method, status, None) is (status not in BODYLESS)
