"""memory: a body that is read whole, and copied on the way."""

import pytest

MB = 2**20


@pytest.mark.cf_limits(memory="64 MB", trace=True)
def test_whole_body_in_memory() -> None:
    parts = [bytes(MB) for _ in range(40)]
    body = b"".join(parts)
    assert len(body) == 40 * MB
