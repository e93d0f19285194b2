"""Which responses have a body to read."""

from typing import Final

_BODYLESS: Final = frozenset({204, 205, 304})


def has_body(method: str, status: int, content_length: str | None) -> bool:
    """Tell whether a response has a body that must be read or closed.

    Args:
        method: The method of the request.
        status: The status code of the response.
        content_length: The header of that name, None without one.

    Returns:
        False for an answer to HEAD, for 1xx, 204, 205 and 304, for a tunnel (2xx to CONNECT) and for a stated
        length of 0: there is nothing to read. Source: RFC 9112, section 6.3.
    """
    if method == "HEAD" or status in _BODYLESS or status < 200:  # noqa: PLR2004 - the classes of status codes
        return False
    if method == "CONNECT" and status < 300:  # noqa: PLR2004
        return False
    return content_length != "0"
